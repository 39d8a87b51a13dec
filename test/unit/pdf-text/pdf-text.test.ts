/** PDFs of every kind through the Worker that reads them, in workerd. */
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type PdfTextAnswer, pdfReadBytesMax, pdfTextCharactersMax } from "../../../core/rpc/pdf-text.ts";
import { wordsOf } from "../../../store/tenant/document-terms.ts";
import { readPdfText } from "../../../workers/capabilities/documents/pdf-text.ts";
import { takeAway } from "../../../workers/pdf-text/take-away.ts";
import {
  packed,
  pdfOf,
  pdfOfBackwards,
  pdfOfDrawing,
  pdfOfGlyphs,
  pdfOfPages,
  pdfOfShapes,
  pdfWithPassword,
} from "../../support/pdf/make.ts";
import { type Printed, printed, printedPdf } from "../../support/pdf/printed.ts";
import { type PdfReader, startPdfReader } from "../../support/pdf/start-reader.ts";

/** For something that hangs, on a machine with much else to do. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let reader: PdfReader;
beforeAll(async () => {
  reader = await startPdfReader();
});
afterAll(() => reader.stop());

const address = "http://pdf-text.internal/text";
async function answerTo(pdf: Uint8Array): Promise<PdfTextAnswer> {
  const response = await reader.binding.fetch(address, { method: "POST", body: Buffer.from(pdf) });
  expect(response.status).toBe(200);
  return (await response.json()) as PdfTextAnswer;
}
async function textOf(pdf: Uint8Array): Promise<string> {
  const answer = await answerTo(pdf);
  return answer.kind === "text" ? answer.text.trim() : answer.reason;
}

describe("the text of a PDF", () => {
  it("is read in page order, from compressed streams", async () => {
    expect(await textOf(pdfOfPages(["The budget of the school", "and (in brackets) its sum"]))).toBe(
      "The budget of the school\nand (in brackets) its sum",
    );
  });

  it("is read in Devanagari, as its map says what its shapes mean", async () => {
    expect(await textOf(pdfOfGlyphs("विद्यालय की वार्षिक रिपोर्ट"))).toBe("विद्यालय की वार्षिक रिपोर्ट");
  });

  it.each(Object.keys(printed) as Printed[])(
    "is every word, and no piece of one, of %s as it is printed",
    async (name) => {
      const text = await textOf(printedPdf(name));
      expect(wordsOf(text).sort()).toEqual(wordsOf(printed[name].text).sort());
    },
  );

  it("is read where words are said beside the shapes, as far apart as the shapes are and not the words", async () => {
    // An X is 8 wide and a space 3.3, whatever is said of them; each is drawn for itself, as browsers do.
    const shape = (letter: string, x: number): string => `1 0 0 1 ${x} 700 Tm (${letter}) Tj`;
    const span = (says: string, x: number, shapes: string): string =>
      `/Span<</ActualText(${says})>>BDC ${[...shapes].map((one, index) => shape(one, x + 8 * index)).join(" ")} EMC`;
    const page = (...content: string[]) => textOf(pdfOfDrawing(packed(`BT /F1 12 Tf ${content.join(" ")} ET`)));
    // Narrow letters said of wide shapes, and wide ones of narrow shapes.
    expect(await page(span("i", 72, "XXXX"), span("ll", 104, "XXXX"))).toBe("ill");
    expect(await page(span("mmmm", 72, "X"), span("we", 84, "XX"))).toBe("mmmm we");
    expect(await page(span("mmmm", 72, "X"), shape(" ", 80), span("we", 82.5, "XX"))).toBe("mmmm we");
    expect(await page(span("i", 72, "XXXX"), shape("ll", 104))).toBe("ill");
    // What is said may hold a space.
    expect(await page(span("i am", 72, "XXXX"), span("all", 104, "XX"))).toBe("i amall");
  });

  it("is read line by line, also where a line ends in the midst of a word", async () => {
    const content = "BT /F1 12 Tf 1 0 0 1 72 700 Tm (a note on docu-) Tj 1 0 0 1 72 685 Tm (mentation) Tj ET";
    expect(await textOf(pdfOfDrawing(packed(content)))).toBe("a note on docu-\nmentation");
  });

  it("is read from hundreds of pages", async () => {
    const text = await textOf(pdfOfPages(Array.from({ length: 300 }, (_, index) => `leaf ${index}`)));
    expect(text.split("\n")).toHaveLength(300);
    expect(text).toMatch(/^leaf 0\n[\s\S]*\nleaf 299$/);
  });

  it("is what was read of it when its time is over, before the platform ends its reader", async () => {
    const answer = await answerTo(pdfOfBackwards(10_000, 100));
    expect(answer).toMatchObject({ kind: "text", isCut: true });
    const pages = answer.kind === "text" ? answer.text.trim().split("\n").length : 0;
    expect(pages).toBeGreaterThan(0);
    expect(pages).toBeLessThan(100);
  });

  it("ends where there is enough of it, in the midst of a page too", async () => {
    const answer = await answerTo(pdfOfPages(Array.from({ length: 40 }, (_, index) => `page${index} `.repeat(4_000))));
    expect(answer).toMatchObject({ kind: "text", isCut: true });
    expect(answer.kind === "text" && answer.text.length).toBe(pdfTextCharactersMax);
  });

  it.each<[string, () => Uint8Array, string]>([
    ["it is encrypted", () => pdfWithPassword("nobody's"), "encrypted"],
    ["it is none", () => randomBytes(10_000), "broken"],
    ["it is empty", () => new Uint8Array(), "broken"],
    ["it has no pages", () => pdfOf(["<</Type/Catalog>>"]), "broken"],
  ])("is not there when %s, and the answer says so", async (_, pdf, reason) => {
    expect(await textOf(pdf())).toBe(reason);
  });

  it("is read through one filter behind the other", async () => {
    expect(await textOf(pdfOfDrawing(packed("BT /F1 12 Tf 72 700 Td (packed twice) Tj ET", 2)))).toBe("packed twice");
  });

  it("is what is left of it when the file was cut", async () => {
    const whole = pdfOfPages(["one", "two", "three"]);
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      const answer = await answerTo(whole.subarray(0, Math.floor(whole.length * share)));
      expect(["text", "unreadable"]).toContain(answer.kind);
    }
    // The table at its end is made anew from what stands before it.
    expect(await textOf(whole.subarray(0, whole.length - 20))).toBe("one\ntwo\nthree");
  });

  it("is given up where it unpacks to gigabytes, one filter upon the other", async () => {
    const zeros = Buffer.alloc(64 * 1024 * 1024, 0x20);
    for (const times of [1, 2, 3]) {
      const pdf = pdfOfDrawing(packed(zeros, times));
      expect([times, pdf.length < 100_000]).toEqual([times, true]);
      expect([times, await textOf(pdf)]).toEqual([times, "too_much"]);
    }
    // Whoever comes next is read as ever.
    expect(await textOf(pdfOfPages(["still here"]))).toBe("still here");
  }, 60_000);

  it("is bounded where shapes draw shapes that draw shapes", async () => {
    const answer = await answerTo(pdfOfShapes(2, "echo ".repeat(30)));
    expect(answer).toMatchObject({ kind: "text", text: expect.stringContaining("echo echo") });
    expect(await textOf(pdfOfShapes(8, "echo ".repeat(300)))).toBe("too_much");
    expect(await textOf(pdfOfPages(["still here"]))).toBe("still here");
  });

  it("never ends its reader, whatever bytes are changed, cut, doubled or swapped", async () => {
    const originals = [
      pdfOfPages(["first page", "second page"]),
      pdfOfGlyphs("हिन्दी में लिखा"),
      pdfWithPassword("secret"),
      pdfOfShapes(2, "echo"),
      printedPdf("hindi"),
    ];
    const change = fc.record({
      original: fc.constantFrom(...originals.keys()),
      flips: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
      cut: fc.tuple(fc.nat(), fc.nat(400)),
      isDoubled: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ original, flips, cut, isDoubled }) => {
        const bytes = Buffer.from(originals[original] ?? []);
        for (const [at, byte] of flips) bytes[at % bytes.length] = byte;
        const from = cut[0] % bytes.length;
        const piece = bytes.subarray(from, from + cut[1]);
        const rest = [bytes.subarray(0, from), bytes.subarray(from + cut[1])];
        const answer = await answerTo(Buffer.concat(isDoubled ? [bytes, piece, bytes] : rest));
        expect(["text", "unreadable"]).toContain(answer.kind);
      }),
      { numRuns: 200 },
    );
    expect(await textOf(pdfOfPages(["still here"]))).toBe("still here");
  }, 120_000);
});

describe("the pdf-text Worker", () => {
  it("takes nothing longer than it may hold, and knows one path and one way in", async () => {
    const { binding, front } = reader;
    const long = Buffer.alloc(pdfReadBytesMax + 1, "%PDF-1.7 ");
    expect((await binding.fetch(address, { method: "POST", body: long })).status).toBe(413);
    expect((await binding.fetch(address)).status).toBe(404);
    expect((await binding.fetch("http://pdf-text.internal/other", { method: "POST", body: "x" })).status).toBe(404);
    expect((await fetch(new URL("/text", front), { method: "POST", body: "x" })).status).toBe(404);
  });

  it("reads several at once one after the other", async () => {
    const texts = Array.from({ length: 12 }, (_, index) => `letter ${index}`);
    expect(await Promise.all(texts.map((text) => textOf(pdfOfPages([text]))))).toEqual(texts);
  });

  it("has no way out, and none can be put back", () => {
    const scope = { fetch: () => undefined, WebSocket: class {}, caches: {} };
    takeAway(scope);
    expect(scope).toEqual({ fetch: undefined, WebSocket: undefined, caches: undefined });
    expect(() => Object.assign(scope, { fetch: () => undefined })).toThrow(TypeError);
  });
});

describe("who asks for it", () => {
  const pdf = pdfOfPages(["asked"]);
  async function* open(): AsyncGenerator<Uint8Array> {
    yield pdf;
  }
  const toStream = (_length: number, pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> =>
    new ReadableStream({
      async start(controller) {
        for await (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
  const ask = (fetchIt: PdfReader["binding"]["fetch"], size = pdf.length) =>
    readPdfText({ pdfText: { fetch: fetchIt }, toStream }, size, open);

  it("gets the text", async () => {
    expect(await ask(reader.binding.fetch)).toEqual({ kind: "text", text: "asked\n" });
  });

  it("never sends what is too long", async () => {
    expect(await ask(() => Promise.reject(new Error("asked")), pdfReadBytesMax + 1)).toEqual({ kind: "unreadable" });
  });

  it.each<[string, () => Promise<Response>]>([
    ["is down", () => Promise.reject(new Error("connect ECONNREFUSED"))],
    ["is busy", async () => new Response(null, { status: 503 })],
    ["broke", async () => new Response("x", { status: 500 })],
    ["says what is no JSON", async () => new Response("<html>")],
    ["says null", async () => Response.json(null)],
    ["says a text that is none", async () => Response.json({ kind: "text", text: ["a"] })],
    ["says more than there may be", async () => Response.json({ kind: "text", text: "a".repeat(7 * 1024 * 1024) })],
  ])("hears that nobody read it when the reader %s", async (_, fetchIt) => {
    expect(await ask(fetchIt)).toEqual({ kind: "away", isSlow: false });
  });

  it("hears that the time was over when the reader says nothing", async () => {
    const late = () => Promise.reject(new DOMException("The operation timed out", "TimeoutError"));
    expect(await ask(late)).toEqual({ kind: "away", isSlow: true });
  });
});
