/**
 * Whether a PDF may do something when it is opened: run JavaScript, start a program, play what is embedded. Names may
 * be written with escapes and lie in compressed streams of objects (ISO 32000-2 sections 7.3.5 and 7.5.7), so these
 * are opened too; what can't be opened counts.
 */
import { inflateBounded } from "./unpack.ts";

/** PDFs that are looked at; longer ones count as active. They are held whole in the isolate's memory. */
export const pdfBytesMax = 8 * 1024 * 1024;
/** Of one stream of objects, and of all in a file: programs write some hundred objects to each, of 100 bytes or so. */
const objectsBytesMax = 2 * 1024 * 1024;
const objectsBytesInAllMax = 32 * 1024 * 1024;

const names =
  /\/(JS|JavaScript|Launch|RichMedia|EmbeddedFiles?|XFA|SubmitForm|ImportData|GoToE|Movie|Rendition)(?![A-Za-z0-9])/;

/** @param bytes all of the PDF */
export function mayAct(bytes: Uint8Array): boolean {
  if (bytes.length > pdfBytesMax) return true;
  const text = new TextDecoder("latin1").decode(bytes);
  const plain = unescaped(text);
  if (names.test(plain)) return true;
  // Whoever encrypts it hides what is in its streams; its names are in the clear only where they are no stream's.
  if (/\/Encrypt(?![A-Za-z0-9])/.test(plain)) return true;
  return streamsMayAct(text, bytes);
}

/** `#4a` in a name is the character of that number. */
const unescaped = (text: string): string =>
  text.replaceAll(/#([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** How far from its type the dictionary of a stream begins and ends: it has some six short members. */
const dictionaryBytesMax = 2048;
const objectStream = /\/(?:O|#4f)(?:b|#62)(?:j|#6a)(?:S|#53)(?:t|#74)(?:m|#6d)/gi;
/** Exactly deflate: not twice, and not by a name that stands elsewhere. */
const deflated = /\/Filter\s*(\/FlateDecode(?![A-Za-z0-9])|\[\s*\/FlateDecode\s*\])/;

function streamsMayAct(text: string, bytes: Uint8Array): boolean {
  let [unpacked, seenTo] = [0, 0];
  for (const { index } of text.matchAll(objectStream)) {
    // Within what was looked at already, so that no byte is gone through twice.
    if (index < seenTo) continue;
    const before = text.slice(Math.max(0, index - dictionaryBytesMax), index);
    const behind = text.slice(index, index + dictionaryBytesMax);
    const begins = />>\s*stream\r?\n/.exec(behind);
    if (begins === null) return true;
    const dictionary = unescaped(before.slice(before.lastIndexOf(" obj") + 1) + behind.slice(0, begins.index));
    // A string or a remark could hold what looks like the rest of it.
    const isPlain = !/[(%]/.test(dictionary) && dictionary.split("/Filter").length === 2;
    if (!isPlain || !deflated.test(dictionary) || dictionary.includes("/Predictor")) return true;
    const from = index + begins.index + begins[0].length;
    const end = text.indexOf("endstream", from);
    // Without the two bytes that zlib puts in front (RFC 1950).
    const objects = end === -1 ? null : inflateBounded(bytes.subarray(from + 2, end), objectsBytesMax);
    if (objects === null || objects.length === objectsBytesMax) return true;
    [unpacked, seenTo] = [unpacked + objects.length, end];
    if (unpacked > objectsBytesInAllMax || names.test(unescaped(new TextDecoder("latin1").decode(objects))))
      return true;
  }
  return false;
}
