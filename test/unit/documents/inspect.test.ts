import { deflateRawSync, deflateSync } from "node:zlib";
import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { type Inspection, inspectDocument } from "../../../core/documents/inspect.ts";
import { eicar, localScanner, type Scanner } from "../../../core/documents/scan.ts";
import { textCharactersMax } from "../../../core/documents/searchable-text.ts";
import { headBytes } from "../../../core/documents/sniff.ts";
import { inflateBounded } from "../../../core/documents/unpack.ts";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const joined = (...parts: (Uint8Array | string)[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part))));

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

function inspect(bytes: Uint8Array, declared = "application/octet-stream", scanner: Scanner = localScanner) {
  return inspectDocument(
    {
      size: bytes.length,
      stream: () => pieces(bytes, 65_536),
      read: async ({ offset, length }) => {
        if (offset < 0 || offset + length > bytes.length) throw new RangeError("not of the document");
        return bytes.slice(offset, offset + length);
      },
    },
    declared,
    scanner,
  );
}

async function inspected(bytes: Uint8Array | string, declared?: string): Promise<Inspection> {
  const found = await inspect(typeof bytes === "string" ? strToU8(bytes) : bytes, declared);
  if ("kind" in found) throw new Error(`it was ${found.kind}`);
  return found;
}

const typesXml = strToU8("<Types/>");
const word = (entries: Record<string, string | Uint8Array> = {}, body = "<w:t>hello</w:t>"): Uint8Array =>
  zipSync({
    "[Content_Types].xml": typesXml,
    "word/document.xml": strToU8(`<?xml version="1.0"?><w:document><w:body>${body}</w:body></w:document>`),
    ...Object.fromEntries(
      Object.entries(entries).map(([name, text]) => [name, typeof text === "string" ? strToU8(text) : text]),
    ),
  });
const pdf = (...objects: (Uint8Array | string)[]): Uint8Array => joined("%PDF-1.7\n", ...objects, "\ntrailer\n%%EOF\n");
const objectStream = (objects: string, dictionary = "/Filter /FlateDecode"): Uint8Array => {
  const packed = deflateSync(objects);
  return joined(
    `7 0 obj\n<< /Type /ObjStm /N 1 ${dictionary} /Length ${packed.length} >>\nstream\n`,
    packed,
    "\nendstream",
  );
};
const png = bytesOf("\x89PNG\r\n\x1a\n\0\0\0\rIHDR");

describe("what a document is", () => {
  it.each<[string, Uint8Array | string, string]>([
    ["a picture", png, "image/png"],
    ["a text", "Class 7B\nसुबह की सभा", "text/plain"],
    ["an empty file", "", "text/plain"],
    ["a text in UTF-16", joined("\xff\xfe", Buffer.from("hello", "utf16le")), "text/plain"],
    ["a text of Windows", bytesOf("caf\xe9 cr\xe8me"), "text/plain"],
    ["a Word document", word(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    [
      "an OpenDocument text",
      zipSync({
        mimetype: [strToU8("application/vnd.oasis.opendocument.text"), { level: 0 }],
        "content.xml": typesXml,
      }),
      "application/vnd.oasis.opendocument.text",
    ],
    ["an archive", zipSync({ "a.txt": strToU8("a") }), "application/zip"],
    ["a PDF", pdf("1 0 obj\n<< /Type /Catalog >>\nendobj"), "application/pdf"],
    ["a PDF of compressed objects", pdf(objectStream("<< /Type /Catalog >>")), "application/pdf"],
    ["an XML file", '<?xml version="1.0"?><marks><mark>7</mark></marks>', "application/xml"],
  ])("is told by its bytes: %s, and nothing runs in it", async (_, bytes, mediaType) => {
    expect(await inspected(bytes)).toMatchObject({ mediaType, isActive: false });
  });

  it.each<[string, Uint8Array | string, string]>([
    ["HTML", "<!DOCTYPE html><p>hi", "text/html"],
    ["HTML behind comments and space", `\n ${"<!-- x -->\n".repeat(2000)}<HTML>`, "text/html"],
    ["HTML in UTF-16", joined("\xfe\xff", Buffer.from("<html><script>", "utf16le").swap16()), "text/html"],
    ["SVG", '<?xml version="1.0"?><!-- a --><svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"],
    ["XHTML", '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', "application/xhtml+xml"],
    ["XML with a style sheet", '<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><a/>', "application/xml"],
    ["XML with entities", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>', "application/xml"],
    [
      "XML that is longer than what is looked at",
      `<?xml version="1.0"?><a>${"x".repeat(headBytes)}</a>`,
      "application/xml",
    ],
    ["Markdown with a script", "# Notes\n\n<ScRiPt>alert(1)</script>", "text/plain"],
    ["Markdown with a link that runs", "[x](javascript:alert(1))", "text/plain"],
    ["Markdown with a deed behind a slash", "hello <x/onclick=alert(1)>", "text/plain"],
    ["a page in UTF-7", "+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "text/plain"],
    ["a script of a shell", "#!/bin/sh\nrm -rf /", "text/x-script"],
    ["a program", bytesOf("MZ\x90\0"), "application/vnd.microsoft.portable-executable"],
    ["an old office file", bytesOf("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0"), "application/x-ole-storage"],
    ["Word with macros", word({ "word/vbaProject.bin": "x" }), "application/vnd.ms-word.document.macroEnabled.12"],
    [
      "Word with macros under another folder's slash",
      word({ "word\\vbaProject.bin": "x" }),
      "application/vnd.ms-word.document.macroEnabled.12",
    ],
    [
      "Word with something of another program in it",
      word({ "word/embeddings/oleObject1.bin": "x" }),
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ],
    ["an archive with a program", zipSync({ "a/Setup.EXE": strToU8("MZ") }), "application/zip"],
    ["a zip file without an end", word().slice(0, -30), "application/zip"],
    ["a picture that is a zip file as well", joined(png, zipSync({ a: strToU8("a") })), "image/png"],
    ["a picture that is a PDF as well", joined(png, "%PDF-1.7"), "image/png"],
    ["a zip file that is a PDF as well", zipSync({ "%PDF-1.7": strToU8("a") }), "application/octet-stream"],
    ["nothing known", bytesOf("\0\x01\x02\x03"), "application/octet-stream"],
    ["a PDF with JavaScript", pdf("<< /S /JavaScript /JS (x) >>"), "application/pdf"],
    ["a PDF with an escaped name", pdf("<< /S /J#61vaScript >>"), "application/pdf"],
    ["a PDF with JavaScript in compressed objects", pdf(objectStream("<< /S /JavaScript >>")), "application/pdf"],
    [
      "a PDF whose compressed objects have an escaped type",
      pdf(Buffer.from(objectStream("<</S/JavaScript>>")).toString("latin1").replace("/ObjStm", "/Ob#6aStm")),
      "application/pdf",
    ],
    [
      "a PDF whose objects are packed twice",
      pdf(objectStream("x", "/Filter [/FlateDecode /FlateDecode]")),
      "application/pdf",
    ],
    ["a PDF whose objects are packed otherwise", pdf(objectStream("x", "/Filter /LZWDecode")), "application/pdf"],
    [
      "a PDF whose stream of objects holds a harmless one in a string, and its own behind it",
      pdf(
        "7 0 obj\n<< /Type /ObjStm /Filter /FlateDecode /X (>>\nstream\n",
        deflateSync("<< >>"),
        "\nendstream) >>\nstream\n",
        deflateSync("<< /S /JavaScript >>"),
        "\nendstream",
      ),
      "application/pdf",
    ],
    ["a PDF whose objects unpack to anything", pdf(objectStream("x".repeat(3 * 1024 * 1024))), "application/pdf"],
    ["a PDF that is encrypted", pdf("<< /Encrypt 5 0 R >>"), "application/pdf"],
    ["a PDF that is a zip file as well", joined(pdf("x"), zipSync({ a: strToU8("a") })), "application/pdf"],
  ])("is active when something may run in it: %s", async (_, bytes, mediaType) => {
    expect(await inspected(bytes)).toMatchObject({ mediaType, isActive: true });
  });

  it.each<[string, Uint8Array | string, string, string]>([
    ["a text that is said to be a table is one", "a,b\n1,2", "text/csv", "text/csv"],
    ["a page that is said to be a picture stays a page", "<html>", "image/png", "text/html"],
    ["a page that is said to be a table stays a page", "<html>", "text/csv", "text/html"],
    ["a text is no page because somebody says so", "hello", "text/html", "text/plain"],
    ["a picture is no other picture because somebody says so", png, "image/svg+xml", "image/png"],
    [
      "an archive is no office file because somebody says so",
      zipSync({ a: strToU8("a") }),
      "application/msword",
      "application/zip",
    ],
  ])("is narrowed by what is declared, and never widened: %s", async (_, bytes, declared, mediaType) => {
    expect((await inspected(bytes, declared)).mediaType).toBe(mediaType);
  });
});

describe("a scanner", () => {
  it("finds the test file wherever it stands, also across the borders of pieces", async () => {
    for (const before of [0, 1, 30, 67, 68, 500]) {
      for (const size of [1, 7, 67, 68, 69, 1000]) {
        const bytes = joined("X".repeat(before), eicar, "and more");
        expect(await localScanner.scan(pieces(bytes, size)), `${before} before, by ${size}`).toEqual({
          kind: "found",
          name: "EICAR test file",
        });
      }
    }
  });

  it("finds nothing in what is nearly the test file", async () => {
    const nearly = [
      eicar.slice(0, -1),
      eicar.toLowerCase(),
      `${eicar.slice(0, 40)} ${eicar.slice(40)}`,
      "X".repeat(5000),
      "",
    ];
    for (const text of nearly) expect(await localScanner.scan(pieces(bytesOf(text), 13))).toEqual({ kind: "clean" });
  });

  it("has the last word: of what it found, or could not look at, nothing else is said", async () => {
    expect(await inspect(bytesOf(eicar))).toEqual({ kind: "found", name: "EICAR test file" });
    const unsure: Scanner = { scan: async () => ({ kind: "unscannable", reason: "encrypted" }) };
    expect(await inspect(bytesOf("hello"), undefined, unsure)).toEqual({ kind: "unscannable", reason: "encrypted" });
    const failing: Scanner = { scan: () => Promise.reject(new Error("away")) };
    await expect(inspect(bytesOf("hello"), undefined, failing)).rejects.toThrow("away");
  });

  it("is given every byte once and in order", async () => {
    const seen: Uint8Array[] = [];
    const bytes = bytesOf("abc".repeat(100_000));
    const watching: Scanner = {
      async scan(source) {
        for await (const piece of source) seen.push(piece);
        return { kind: "clean" };
      },
    };
    await inspect(bytes, undefined, watching);
    expect(Buffer.concat(seen).equals(bytes)).toBe(true);
  });
});

describe("what a document is found by", () => {
  it.each<[string, Uint8Array | string, string]>([
    ["a text", "Class 7B", "Class 7B"],
    [
      "a page, without its tags, scripts and styles",
      "<html><style>p{}</style><p>Sc<b>ho</b>ol<SCRIPT>no()</ScripT>day &amp; &#2361;",
      "School day & ह",
    ],
    [
      "Word, with words whose letters are in several runs",
      word({}, "<w:p><w:r><w:t>Sch</w:t></w:r><w:r><w:t>ool</w:t></w:r></w:p><w:p><w:t>day</w:t></w:p>"),
      "School day",
    ],
    ["a header of Word", word({ "word/header1.xml": "<w:p>letterhead</w:p>" }), "letterhead"],
    [
      "Excel",
      zipSync({
        "[Content_Types].xml": typesXml,
        "xl/workbook.xml": typesXml,
        "xl/sharedStrings.xml": strToU8("<si><t>Asha</t></si><si><t>Ravi</t></si>"),
      }),
      "Asha Ravi",
    ],
    [
      "PowerPoint",
      zipSync({
        "[Content_Types].xml": typesXml,
        "ppt/slides/slide1.xml": strToU8("<a:p><a:t>Photosynthesis</a:t></a:p>"),
      }),
      "Photosynthesis",
    ],
    [
      "OpenDocument",
      zipSync({
        mimetype: [strToU8("application/vnd.oasis.opendocument.text"), { level: 0 }],
        "content.xml": strToU8("<text:p>Notice</text:p><text:p>board</text:p>"),
      }),
      "Notice board",
    ],
  ])("is the text of %s", async (_, bytes, text) => {
    expect((await inspected(bytes)).text.replaceAll(/\s+/g, " ")).toContain(text);
  });

  it("is the same for two spellings of one Indian word", async () => {
    const [decomposed, composed] = ["\u0b95\u0bc6\u0bbe", "\u0b95\u0bca"];
    expect((await inspected(decomposed)).text).toBe(composed);
    expect((await inspected("विद्यालय")).text).toBe("विद्यालय".normalize("NFC"));
  });

  it("leaves nothing that a database refuses", async () => {
    expect((await inspected("<html>a&#0;b&#xd800;c&#x110000;d")).text).toMatch(/^[^\0]*$/);
    expect((await inspected("<html>&#xd800;")).text.isWellFormed()).toBe(true);
  });

  it("is bounded, whatever an office file unpacks to", { timeout: 300_000 }, async () => {
    const bomb = word({ "word/header1.xml": new Uint8Array(24 * 1024 * 1024).fill(0x61) });
    expect(bomb.length).toBeLessThan(200_000);
    expect((await inspected(bomb)).text.length).toBe(textCharactersMax);
    // What stands behind the bound is not even looked at: here it is no deflate any longer.
    const packed = deflateRawSync(Buffer.alloc(8 * 1024 * 1024)).fill(0xff, 4096);
    expect(inflateBounded(packed, 1000)?.length).toBe(1000);
    expect(inflateBounded(packed, 8 * 1024 * 1024)).toBeNull();
    expect((await inspected("a".repeat(5 * 1024 * 1024))).text.length).toBe(textCharactersMax);
  });

  it("is nothing of a zip file whose directory lies about its places", async () => {
    const file = Buffer.from(word());
    const entry = file.indexOf("PK\x01\x02", 0, "latin1");
    for (const [at, value] of [
      [entry + 42, 0xffff_0000],
      [entry + 20, 0x7fff_ffff],
      [file.length - 6, 0],
      [file.length - 10, 1],
    ] as const) {
      const changed = Buffer.from(file);
      changed.writeUInt32LE(value, at);
      expect(await inspected(Uint8Array.from(changed))).toMatchObject({ isActive: true, text: "" });
    }
  });

  it("is nothing of bytes that are changed anywhere, at worst: no change makes it fail", async () => {
    const file = word();
    for (let at = 0; at < file.length; at += 1) {
      const changed = file.slice();
      changed[at]! ^= 0xff;
      await expect(inspected(changed)).resolves.toHaveProperty("text");
    }
  });
});
