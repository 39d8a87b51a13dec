/** PDFs are found by their words: when they come, or when whoever reads them is back. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DocumentId } from "../../../core/ids.ts";
import { pdfReadBytesMax } from "../../../core/rpc/pdf-text.ts";
import { sql } from "../../../store/connect.ts";
import { textTriesMax } from "../../../store/tenant/document-texts.ts";
import type { PdfTextBinding } from "../../../workers/capabilities/documents/pdf-text.ts";
import { pdfOfGlyphs, pdfOfPages, pdfWithPassword } from "../../support/pdf/make.ts";
import { type Printed, printedPdf } from "../../support/pdf/printed.ts";
import { asSuperuser, type FreshTenant, freshTenant } from "../support.ts";
import { accepted, createDocumentsKit, type DocumentsKit, personOf } from "./kit.ts";

let kit: DocumentsKit;
let tenant: FreshTenant;
const [owner, viewer] = [personOf("owner"), personOf("viewer")];
beforeAll(async () => {
  kit = await createDocumentsKit();
  tenant = await freshTenant();
});
afterAll(() => kit.stop());

const found = async (query: string, by = owner): Promise<string[]> => {
  const list = { query, bin: false, limit: 50, cursor: null };
  const page = accepted(await kit.documents.listDocuments(await kit.as(tenant.org, by), list));
  return page.items.map(({ id }) => id);
};
const textOf = async (id: DocumentId) =>
  accepted(await kit.documents.getDocument(await kit.as(tenant.org, owner), id)).version.text;
/** A capability whose reader is this. */
const withReader = (fetch: PdfTextBinding["fetch"]) => kit.other({ pdfText: { fetch } });
const isDown = () => Promise.reject(new Error("connect ECONNREFUSED"));
const tend = async (documents = kit.documents) => documents.tend(await kit.clock(tenant.org));
/** Uploaded while the reader is down. */
async function uploadedWithout(bytes: Buffer): Promise<DocumentId> {
  const upload = await kit.begin(tenant.org, owner, bytes.length, { name: "scan" });
  await kit.put(tenant.org, owner, upload, bytes);
  const call = await kit.as(tenant.org, owner);
  return accepted(await withReader(isDown).completeUpload(call, upload.document, upload.id)).id;
}

describe("a PDF that somebody printed", () => {
  it.each<[Printed, readonly string[]]>([
    // Letters with a dot as one character and as two, a joiner or none, a beginning: whatever a keyboard makes of it.
    ["hindi", ["विद्यार्थियों", "ज़रूरी", "ज\u093cरूरी", "\u095bरूरी", "फ़ीस", "\u095eीस", "क्षेत्रीय", "पढ\u093cाई", "परीक्"]],
    ["marathi", ["शिक्षणाधिकाऱ्यांनी", "बर्याच", "बर्\u200dयाच", "\u0930\u093c\u094dहास"]],
    ["bengali", ["বিদ্যালয়ের", "বিদ্যাল\u09dfের", "ক\u09c7\u09beথায়", "ছাত্রছাত্রীদের"]],
    ["tamil", ["மாணவர்களின்", "பெற்ற\u0bc7\u0bbeர்களுக்கும்", "க்ஷேத்திரம்"]],
    ["telugu", ["విద్యార్థుల", "రాష్ట్రం"]],
    ["gujarati", ["વિદ્યાર્થીઓની"]],
    ["mixed", ["प्रधानाचार्य", "விடுமுறை", "ছুটি", "offices"]],
  ])("in %s is found by its words as a keyboard types them", async (name, words) => {
    const { id, version } = await kit.upload(tenant.org, owner, printedPdf(name), { name: "printed" });
    expect(version.text).toBe("read");
    for (const word of words) expect([word, await found(word)]).toEqual([word, [id]]);
    accepted(await kit.documents.removeDocument(await kit.as(tenant.org, owner), id));
  });
});

describe("a PDF", () => {
  it("is found by a word of its text, in English and in Devanagari", async () => {
    const english = await kit.upload(tenant.org, owner, pdfOfPages(["minutes", "the caretakers met"]), { name: "a" });
    const hindi = await kit.upload(tenant.org, owner, pdfOfGlyphs("विद्यालय की वार्षिक रिपोर्ट"), { name: "b" });
    expect([english.version.text, hindi.version.text]).toEqual(["read", "read"]);
    // As English has it, and as a beginning.
    expect(await found("caretaker")).toEqual([english.id]);
    expect(await found("वार्षि")).toEqual([hindi.id]);
    // Whoever may not see it finds nothing by it.
    expect(await found("caretaker", viewer)).toEqual([]);
    expect(await kit.read(tenant.org, owner, english.id)).toEqual(pdfOfPages(["minutes", "the caretakers met"]));
  });

  it("is found by what its newest version says, and no more by what it said", async () => {
    const { id } = await kit.upload(tenant.org, owner, pdfOfPages(["the parrot"]));
    expect(await found("parrot")).toEqual([id]);
    await kit.upload(tenant.org, owner, pdfOfPages(["the pelican"]), { document: id });
    expect([await found("parrot"), await found("pelican")]).toEqual([[], [id]]);
    await kit.upload(tenant.org, owner, pdfWithPassword("the puffin"), { document: id });
    expect([await found("pelican"), await textOf(id)]).toEqual([[], "unreadable"]);
  });

  it("leaves no word behind when it has gone", async () => {
    const { id } = await kit.upload(tenant.org, owner, pdfOfPages(["the flamingo"]));
    accepted(await kit.documents.removeDocument(await kit.as(tenant.org, owner), id));
    expect(await found("flamingo")).toEqual([]);
    await asSuperuser(
      `UPDATE ${tenant.name}.documents SET deleted_at = now() - interval '31 days' WHERE id = $1`,
      [id],
      tenant.placement,
    );
    await tend();
    await kit.documents.expunge(await kit.clock(tenant.org), id);
    const [left] = await tenant.run("system", null, sql`SELECT FROM documents WHERE terms @@ 'flamingo'::tsquery`);
    expect(left).toEqual([]);
  });

  it("is a document like any other when nobody can read it, and says so", async () => {
    const { id, version } = await kit.upload(tenant.org, owner, pdfWithPassword("secret"));
    expect(version).toMatchObject({ mediaType: "application/pdf", text: "unreadable" });
    expect(await kit.read(tenant.org, owner, id)).toEqual(pdfWithPassword("secret"));
    const long = await kit.upload(tenant.org, owner, Buffer.alloc(pdfReadBytesMax + 1, "%PDF-1.7 "));
    expect(long.version.text).toBe("unreadable");
    const text = await kit.upload(tenant.org, owner, Buffer.from("plain"));
    expect(text.version.text).toBeNull();
  });
});

describe("a PDF that came while its reader was down", () => {
  it("is readable, and is found by its words once the reader is back", async () => {
    const pdf = pdfOfPages(["the heron"]);
    const id = await uploadedWithout(pdf);
    expect([await textOf(id), await found("heron")]).toEqual(["waiting", []]);
    expect(await kit.read(tenant.org, owner, id)).toEqual(pdf);
    await tend();
    expect([await textOf(id), await found("heron")]).toEqual(["read", [id]]);
  });

  it("is tried a few times and then no more", async () => {
    const id = await uploadedWithout(pdfOfPages(["the bittern"]));
    let asked = 0;
    const failing = withReader(() => {
      asked += 1;
      return isDown();
    });
    for (let day = 1; day < textTriesMax + 3; day += 1) await tend(failing);
    expect(asked).toBe(textTriesMax - 1);
    expect(await textOf(id)).toBe("unreadable");
    await tend();
    expect(await found("bittern")).toEqual([]);
  });

  it("is found by nothing of a version that was replaced while it was read", async () => {
    const id = await uploadedWithout(pdfOfPages(["the old stork"]));
    const slow = withReader(async () => {
      await kit.upload(tenant.org, owner, pdfOfPages(["the new crane"]), { document: id });
      return Response.json({ kind: "text", text: "the old stork" });
    });
    await tend(slow);
    expect([await found("stork"), await found("crane")]).toEqual([[], [id]]);
  });

  it("keeps no other from being tended, when its own takes the reader down", async () => {
    const poison = await uploadedWithout(pdfOfPages(["the vulture"]));
    const next = await uploadedWithout(pdfOfPages(["the wren"]));
    let asked = 0;
    await tend(
      withReader(() => {
        asked += 1;
        return asked === 1 ? isDown() : Promise.resolve(Response.json({ kind: "text", text: "the wren" }));
      }),
    );
    expect([await textOf(poison), await textOf(next)]).toEqual(["waiting", "read"]);
  });

  it("costs no other a try, when it holds the reader for so long that nobody waits", async () => {
    const slow = await uploadedWithout(pdfOfPages(["the albatross"]));
    const other = await uploadedWithout(pdfOfPages(["the plover"]));
    const tries = async (): Promise<unknown> =>
      (
        await tenant.run(
          "system",
          null,
          sql`SELECT document_id, text_tries FROM document_versions WHERE document_id IN (${slow}, ${other})`,
        )
      )[0]?.map((row) => row["text_tries"]);
    expect(await tries()).toEqual([1, 1]);
    let asked = 0;
    await tend(
      withReader(() => {
        asked += 1;
        return Promise.reject(new DOMException("The operation timed out", "TimeoutError"));
      }),
    );
    expect([asked, await tries()]).toEqual([1, expect.arrayContaining([1, 2])]);
    await tend();
    expect([await textOf(slow), await textOf(other)]).toEqual(["read", "read"]);
  });
});
