/** All that is found out about a document before anybody can read it, in one pass over its bytes and a few ranges. */
import { mayAct, pdfBytesMax } from "./pdf-actions.ts";
import type { Scanner, Verdict } from "./scan.ts";
import { type DocumentBytes, searchableText } from "./searchable-text.ts";
import { headBytes, sniff } from "./sniff.ts";
import { readZipDirectory, zipTailBytes } from "./zip-directory.ts";

export interface Inspection {
  readonly mediaType: string;
  readonly isActive: boolean;
  /** What it is found by, in NFC. */
  readonly text: string;
}

/** As it can be read: all of it in a stream, and in ranges. */
export interface InspectedBytes extends DocumentBytes {
  /** All of it, in order, once. */
  stream(): AsyncIterable<Uint8Array>;
}

/**
 * Scans a document and says what it is.
 * @param declared media type without parameters, in lower case, as its uploader has it
 * @returns what it is, or why nobody may read it
 * @throws what reading throws
 */
export async function inspectDocument(
  document: InspectedBytes,
  declared: string,
  scanner: Scanner,
): Promise<Inspection | Exclude<Verdict, { kind: "clean" }>> {
  const verdict = await scanner.scan(document.stream());
  if (verdict.kind !== "clean") return verdict;
  const { size } = document;
  const head = await document.read({ offset: 0, length: Math.min(size, headBytes) });
  const tailLength = Math.min(size, zipTailBytes);
  const zip = readZipDirectory(await document.read({ offset: size - tailLength, length: tailLength }), size);
  const sniffed = sniff({ head, size, zip, declared });
  const isQuietPdf = async (): Promise<boolean> =>
    sniffed.mediaType === "application/pdf" &&
    zip === null &&
    size <= pdfBytesMax &&
    !mayAct(await document.read({ offset: 0, length: size }));
  return {
    mediaType: sniffed.mediaType,
    isActive: sniffed.isActive && !(await isQuietPdf()),
    text: await searchableText(sniffed.mediaType, zip, document),
  };
}
