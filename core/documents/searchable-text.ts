/**
 * The text that a document is found by. As much of it as is bounded here: what is longer is found by its beginning.
 * A text is normalised to NFC (Unicode Standard Annex 15), for a vowel sign of an Indian script can be written in more
 * ways than one.
 *
 * PDFs are not read here: a reader of PDFs is a megabyte of parser for files of strangers, and here lie the keys of
 * organisations. A Worker of its own reads them (core/rpc/pdf-text.ts).
 */
import type { ByteRange } from "./layout.ts";
import { textOfMarkup } from "./markup-text.ts";
import { decodeText } from "./sniff.ts";
import { inflateBounded } from "./unpack.ts";
import { packedBytesOf, type ZipDirectory, type ZipEntry } from "./zip-directory.ts";

/** Characters (UTF-16): a book of 700 pages. It is in memory, and in what a statement of SQL carries. */
export const textCharactersMax = 1024 * 1024;
/** Of a text or a page, what is read of it. */
export const textBytesMax = 4 * 1024 * 1024;
/** Of an office file, unpacked, in all: its words are a tenth of its XML. */
const unpackedBytesMax = 16 * 1024 * 1024;
/** … and as it lies there, of each part. */
const packedBytesMax = 4 * 1024 * 1024;
/** Parts of an office file that are read: a long presentation has a slide each, and its notes. */
const entriesMax = 1_000;

export interface DocumentBytes {
  /** Bytes of the whole. */
  readonly size: number;
  /** A range within. @throws what opening it throws */
  read(range: ByteRange): Promise<Uint8Array>;
}

/** What is read of each kind of office file. */
const officeParts: readonly (readonly [mediaType: RegExp, parts: RegExp])[] = [
  [/wordprocessingml|ms-word\.document/, /^word\/(document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml$/],
  [/presentationml|ms-powerpoint\.presentation/, /^ppt\/(slides|notesSlides)\/[^/]+\.xml$/],
  [/spreadsheetml|ms-excel\.sheet/, /^xl\/(sharedStrings|worksheets\/[^/]+)\.xml$/],
  [/oasis\.opendocument/, /^content\.xml$/],
];

/**
 * Reads what a document is found by.
 * @param mediaType as `sniff` said
 * @param zip its directory, if it is a zip file
 * @returns "" for kinds that have no text or whose text isn't read
 */
export async function searchableText(
  mediaType: string,
  zip: ZipDirectory | null,
  document: DocumentBytes,
): Promise<string> {
  return asSearched(await rawText(mediaType, zip, document));
}

/** A text in the form in which words are looked for in it, and as long as it may be. */
export function asSearched(text: string): string {
  return text.slice(0, textCharactersMax).toWellFormed().normalize("NFC").replaceAll("\0", " ");
}

async function rawText(mediaType: string, zip: ZipDirectory | null, document: DocumentBytes): Promise<string> {
  const parts = officeParts.find(([kind]) => kind.test(mediaType))?.[1];
  if (parts !== undefined) return zip === null || zip === "unreadable" ? "" : officeText(zip, parts, document);
  const isMarkup = /^(text\/html|application\/(xhtml\+)?xml|image\/svg\+xml)$/.test(mediaType);
  if (!isMarkup && !mediaType.startsWith("text/") && mediaType !== "application/json") return "";
  const bytes = await document.read({ offset: 0, length: Math.min(document.size, textBytesMax) });
  const text = decodeText(bytes) ?? "";
  return isMarkup ? textOfMarkup(text, "html") : text;
}

async function officeText(zip: readonly ZipEntry[], wanted: RegExp, document: DocumentBytes): Promise<string> {
  const texts: string[] = [];
  let [characters, unpacked] = [0, 0];
  const entries = zip.filter(({ name, isEncrypted }) => wanted.test(name) && !isEncrypted).slice(0, entriesMax);
  for (const entry of entries) {
    if (entry.packedBytes > packedBytesMax || entry.place.length > packedBytesMax * 2) continue;
    const packed = packedBytesOf(entry, await document.read(entry.place));
    if (packed === null) continue;
    const left = unpackedBytesMax - unpacked;
    const plain =
      entry.method === 0 ? packed.subarray(0, left) : entry.method === 8 ? inflateBounded(packed, left) : null;
    if (plain === null) continue;
    const text = textOfMarkup(new TextDecoder().decode(plain), "office");
    [unpacked, characters] = [unpacked + plain.length, characters + text.length];
    texts.push(text);
    if (unpacked >= unpackedBytesMax || characters >= textCharactersMax) break;
  }
  return texts.join("\n");
}
