/** Small PDFs, as programs write them and as nobody should. */
import { deflateSync } from "node:zlib";

/** A stream's dictionary without its length, and its bytes. */
interface Stream {
  readonly dictionary?: string;
  readonly bytes: Uint8Array;
}
type PdfObject = string | Stream;

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** Objects from 1 on, the first being the catalog. @param trailer more of its members */
export function pdfOf(objects: readonly PdfObject[], trailer = ""): Buffer {
  const pieces: Buffer[] = [latin1("%PDF-1.7\n")];
  let at = 9;
  const places: number[] = [];
  const push = (piece: Buffer): void => {
    pieces.push(piece);
    at += piece.length;
  };
  objects.forEach((object, index) => {
    places.push(at);
    push(latin1(`${index + 1} 0 obj\n`));
    if (typeof object === "string") push(latin1(object));
    else {
      push(latin1(`<<${object.dictionary ?? ""}/Length ${object.bytes.length}>>stream\n`));
      push(Buffer.from(object.bytes));
      push(latin1("\nendstream"));
    }
    push(latin1("\nendobj\n"));
  });
  const start = at;
  const rows = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  push(latin1(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`));
  push(latin1(`trailer<</Size ${objects.length + 1}/Root 1 0 R${trailer}>>\nstartxref\n${start}\n%%EOF`));
  return Buffer.concat(pieces);
}

/** Packed by as many filters as are said. */
export function packed(text: string | Uint8Array, times = 1): Stream {
  let bytes: Uint8Array = typeof text === "string" ? latin1(text) : text;
  for (let done = 0; done < times; done += 1) bytes = deflateSync(bytes);
  return { dictionary: `/Filter[${"/FlateDecode".repeat(times)}]`, bytes };
}

const page = (contents: number, font = "<</F1 4 0 R>>"): string =>
  `<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents ${contents} 0 R/Resources<</Font${font}>>>>`;
const helvetica = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";
const escaped = (text: string): string => text.replaceAll(/[\\()]/g, "\\$&");
const drawn = (text: string): string => `BT /F1 12 Tf 72 700 Td (${escaped(text)}) Tj ET`;

/** A page a text, in Helvetica and compressed. */
export function pdfOfPages(texts: readonly string[]): Buffer {
  const kids = texts.map((_, index) => `${5 + 2 * index} 0 R`).join(" ");
  return pdfOf([
    "<</Type/Catalog/Pages 2 0 R>>",
    `<</Type/Pages/Kids[${kids}]/Count ${texts.length}>>`,
    "null",
    helvetica,
    ...texts.flatMap((text, index): PdfObject[] => [page(6 + 2 * index), packed(drawn(text))]),
  ]);
}

/** Drawn with a font of numbered shapes, whose meaning a ToUnicode map says: as every program writes Hindi. */
export function pdfOfGlyphs(text: string): Buffer {
  const letters = [...new Set(text)];
  const hex = (value: number): string => value.toString(16).padStart(4, "0");
  const unicode = (letter: string): string => Buffer.from(letter, "utf16le").swap16().toString("hex");
  const map = [
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def",
    "1 begincodespacerange <0000> <ffff> endcodespacerange",
    `${letters.length} beginbfchar`,
    ...letters.map((letter, index) => `<${hex(index + 1)}> <${unicode(letter)}>`),
    "endbfchar endcmap CMapName currentdict /CMap defineresource pop end end",
  ].join("\n");
  const shown = [...text].map((letter) => hex(letters.indexOf(letter) + 1)).join("");
  return pdfOf([
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    page(5),
    "<</Type/Font/Subtype/Type0/BaseFont/Mangal/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 7 0 R>>",
    packed(`BT /F1 12 Tf 72 700 Td <${shown}> Tj ET`),
    "<</Type/Font/Subtype/CIDFontType2/BaseFont/Mangal/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor 8 0 R/DW 500>>",
    packed(map),
    "<</Type/FontDescriptor/FontName/Mangal/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0/Ascent 900/Descent -200/CapHeight 700/StemV 80>>",
  ]);
}

/** Encrypted with a password that nobody gives (ISO 32000-2 section 7.6): its entries are random. */
export function pdfWithPassword(text: string): Buffer {
  const entry = "41".repeat(32);
  const encrypt = `<</Filter/Standard/V 1/R 2/Length 40/P -4/O<${entry}>/U<${entry}>>>`;
  return pdfOf(
    [
      "<</Type/Catalog/Pages 2 0 R>>",
      "<</Type/Pages/Kids[3 0 R]/Count 1>>",
      page(5),
      helvetica,
      packed(drawn(text)),
      encrypt,
    ],
    `/Encrypt 6 0 R/ID[<${entry}><${entry}>]`,
  );
}

/** One page, whose drawing is this stream. */
export const pdfOfDrawing = (drawing: Stream): Buffer =>
  pdfOf(["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", page(5), helvetica, drawing]);

/** One page that draws a shape which draws another ten times, and so on. */
export function pdfOfShapes(depth: number, text: string): Buffer {
  const form = (next: number, content: string): PdfObject => ({
    ...packed(content),
    dictionary: `/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Filter/FlateDecode/Resources<</Font<</F1 4 0 R>>/XObject<</X ${next} 0 R>>>>`,
  });
  const shapes = Array.from({ length: depth }, (_, index) =>
    index === depth - 1 ? form(4, drawn(text)) : form(7 + index, "/X Do ".repeat(10)),
  );
  return pdfOf([
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R/Resources<</XObject<</X 6 0 R>>>>>>",
    helvetica,
    packed("/X Do ".repeat(10)),
    ...shapes,
  ]);
}

/**
 * Pages, whose one line is drawn from its end on: where each text belongs is looked for among all that are there, so a
 * page takes the square of their number. All have the same drawing.
 */
export function pdfOfBackwards(texts: number, pages = 1): Buffer {
  const text = (index: number): string => `1 0 0 1 ${(texts - index) * 3} 400 Tm (${"abcdefg"[index % 7]}) Tj`;
  const drawing = `BT /F1 1 Tf ${Array.from({ length: texts }, (_, index) => text(index)).join(" ")} ET`;
  return pdfOf([
    "<</Type/Catalog/Pages 2 0 R>>",
    `<</Type/Pages/Kids[${"3 0 R ".repeat(pages)}]/Count ${pages}>>`,
    page(5),
    helvetica,
    packed(drawing),
  ]);
}
