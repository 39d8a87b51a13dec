/** Bytes of documents through the whole system: edge, studio, capabilities, a bucket of workerd's, and back. */
import { createHash, randomBytes } from "node:crypto";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { sessionCookieName } from "../../core/rpc/studio.ts";
import { pdfOfGlyphs } from "../support/pdf/make.ts";
import { browserSignIn, newPerson, testPassword } from "./support/api.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";
import { done, newDocument, newOrg, type TestPerson } from "./support/things.ts";

const partBytes = 8 * 1024 * 1024;
let stack: BorrowedStack;
let owner: TestPerson;
let org: string;
let at: string;
beforeAll(async () => {
  stack = await borrowStack();
  owner = await newPerson(stack.description.url, stack.description.mailDir, "owner");
  org = await newOrg(owner.api, "papers");
  at = `${stack.description.url}/api/v1/orgs/${org}/documents`;
});
afterAll(async () => {
  await stack?.discard();
});

const bearer = (): Record<string, string> => ({ Authorization: `Bearer ${owner.api.token}` });
const post = <T>(path: string, body?: unknown): Promise<T> =>
  done(owner.api.send<T>("POST", `/api/v1/orgs/${org}/documents${path}`, body));
const put = (path: string, body: Buffer | ReadableStream, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${at}${path}`, {
    method: "PUT",
    body: body as BodyInit,
    headers: { ...bearer(), "Content-Type": "application/octet-stream", ...headers },
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  } as RequestInit);

describe("a PDF", () => {
  it("is found by its words, which were read where nothing else is", async () => {
    const bytes = pdfOfGlyphs("शुल्क receipt");
    const begun = await post<{ id: string; document_id: string }>("", { name: "scan", size_bytes: bytes.length });
    const upload = `/${begun.document_id}/uploads/${begun.id}`;
    expect((await put(`${upload}/parts/1`, bytes)).status).toBe(204);
    expect(await post(`${upload}/complete`)).toMatchObject({ version: { type: "application/pdf", text: "read" } });
    for (const word of ["receipts", "शुल्क"]) {
      const found = await fetch(`${at}?q=${encodeURIComponent(word)}`, { headers: bearer() });
      expect(((await found.json()) as { items: { id: string }[] }).items.map(({ id }) => id)).toEqual([
        begun.document_id,
      ]);
    }
  });
});

describe("a document of several parts", () => {
  const bytes = randomBytes(2 * partBytes + 12_345);
  let id = "";

  it("arrives part by part and is read as it was sent", async () => {
    const begun = await post<{ id: string; document_id: string; part_count: number }>("", {
      name: "अंक.bin",
      size_bytes: bytes.length,
    });
    id = begun.document_id;
    const upload = `/${id}/uploads/${begun.id}`;
    for (const part of [2, 1, 3]) {
      const piece = bytes.subarray((part - 1) * partBytes, part * partBytes);
      expect((await put(`${upload}/parts/${part}`, piece)).status).toBe(204);
    }
    await post(`${upload}/complete`);
    const read = await fetch(`${at}/${id}/content`, { headers: bearer() });
    expect(read.status).toBe(200);
    expect(Buffer.from(await read.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it("is something to be saved, which no browser shows as a page", async () => {
    const { headers, body } = await fetch(`${at}/${id}/content`, { headers: bearer() });
    await body?.cancel();
    expect(headers.get("Content-Disposition")).toMatch(/^attachment; filename="[\x20-\x7e]+"; filename\*=UTF-8''%E0/);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("Content-Security-Policy")).toContain("sandbox");
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(headers.get("Set-Cookie")).toBeNull();
  });

  it("is read by a range across its parts", async () => {
    const Range = `bytes=${partBytes - 10}-${partBytes + 9}`;
    const read = await fetch(`${at}/${id}/content`, { headers: { ...bearer(), Range } });
    expect([read.status, read.headers.get("Content-Range")]).toEqual([
      206,
      `bytes ${partBytes - 10}-${partBytes + 9}/${bytes.length}`,
    ]);
    expect(Buffer.from(await read.arrayBuffer())).toEqual(bytes.subarray(partBytes - 10, partBytes + 10));
    const beyond = await fetch(`${at}/${id}/content`, { headers: { ...bearer(), Range: `bytes=${bytes.length}-` } });
    expect([beyond.status, beyond.headers.get("Content-Range")]).toEqual([416, `bytes */${bytes.length}`]);
  });

  it("is saved by a plain form with a ticket, once, and no cookie counts there", async () => {
    const { url } = stack.description;
    const { ticket, action } = await post<{ ticket: string; action: string }>(`/${id}/tickets`, {});
    const cookie = `${sessionCookieName}=${await browserSignIn(url, owner.email, testPassword)}`;
    const show = (body: Record<string, string>): Promise<Response> =>
      fetch(`${url}${action}`, {
        method: "POST",
        // As a page's form sends it that says no-referrer: with every cookie, and an origin that is none.
        headers: { Cookie: cookie, Origin: "null", "Sec-Fetch-Site": "same-origin" },
        body: new URLSearchParams(body),
      });
    expect((await show({ ticket: "x".repeat(43) })).status).toBe(404);
    const saved = await show({ ticket });
    expect(saved.status).toBe(200);
    expect(saved.headers.get("Content-Disposition")).toMatch(/^attachment/);
    expect(Buffer.from(await saved.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await show({ ticket })).status).toBe(404);
  });
});

describe("a part", () => {
  it("is refused that is longer than it may be, of no announced length, or of another type", async () => {
    const begun = await post<{ id: string; document_id: string }>("", { name: "a", size_bytes: 10 });
    const path = `/${begun.document_id}/uploads/${begun.id}/parts/1`;
    expect((await put(path, randomBytes(11))).status).toBe(413);
    expect((await put(path, randomBytes(9))).status).toBe(422);
    const unannounced = new ReadableStream({
      start(controller) {
        controller.enqueue(randomBytes(10));
        controller.close();
      },
    });
    expect((await put(path, unannounced)).status).toBe(400);
    expect((await put(path, randomBytes(10), { "Content-Type": "text/html" })).status).toBe(415);
    expect((await put(path, randomBytes(10))).status).toBe(204);
  });
});

describe("what is in a document", () => {
  it("decides what it is handed out as, whatever it is called", async () => {
    const page = "<!doctype html><html><body><script>alert(document.cookie)</script></body></html>";
    const id = await newDocument(owner.api, org, "photo.png", page);
    const { headers } = await fetch(`${at}/${id}/content`, { headers: bearer() });
    expect(headers.get("Content-Type")).toBe("application/octet-stream");
    const shown = await done(
      owner.api.send<{ version: { type: string; active: boolean } }>("GET", `/api/v1/orgs/${org}/documents/${id}`),
    );
    expect(shown.version).toMatchObject({ type: "text/html", active: true });
  });

  it("is found by its words, in Indian scripts too", async () => {
    const id = await newDocument(
      owner.api,
      org,
      "notice.txt",
      "विद्यालय में परीक्षा कल से है. பள்ளி தேர்வுகள். Reports were running late.",
    );
    for (const q of ["परीक्षा", "विद्या", "தேர்வு", "report", "run", "notice"]) {
      const found = await done(
        owner.api.send<{ items: { id: string }[] }>("GET", `/api/v1/orgs/${org}/documents?q=${encodeURIComponent(q)}`),
      );
      expect([q, found.items.map((item) => item.id)]).toEqual([q, [id]]);
    }
  });
});

describe("documents as a zip", () => {
  it("are every one of them, as they were sent, with a list that has their sums", async () => {
    const { id } = await done(
      owner.api.send<{ id: string }>("POST", `/api/v1/orgs/${org}/exports`, { source: "documents", format: "zip" }),
    );
    const path = `/api/v1/orgs/${org}/exports/${id}`;
    await vi.waitFor(
      async () => {
        const { state } = await done(owner.api.send<{ state: string }>("GET", path));
        if (state !== "done") throw new Error(`the export is ${state}`);
      },
      { timeout: 120_000, interval: 500 },
    );
    const answer = await fetch(`${stack.description.url}${path}/download`, { headers: bearer() });
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "application/zip"]);
    const files = unzipSync(new Uint8Array(await answer.arrayBuffer()));
    const lines = new TextDecoder().decode(files["documents.csv"]).trimEnd().split("\r\n").slice(1);
    expect(lines.length).toBe(Object.keys(files).length - 1);
    for (const line of lines) {
      const [doc, , file = "", , , , sum] = line.split(",").map((cell) => cell.replaceAll('"', ""));
      const sent = Buffer.from(await (await fetch(`${at}/${doc}/content`, { headers: bearer() })).arrayBuffer());
      expect([file, sent.equals(files[file] ?? new Uint8Array(1))]).toEqual([file, true]);
      expect(createHash("sha256").update(sent).digest("hex")).toBe(sum);
    }
  });
});
