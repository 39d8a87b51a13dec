/** Asks the pdf-text Worker, which may be slow, gone, or somebody else's by now: what it says is a text and no more. */
import { readBounded } from "../../../core/read-bounded.ts";
import { pdfAnswerBytesMax, pdfReadBytesMax, pdfTextPath } from "../../../core/rpc/pdf-text.ts";
import type { ToStream } from "./bucket.ts";

/** The binding: of a service binding, what this needs of it. */
export interface PdfTextBinding {
  fetch(input: string, init?: RequestInit): Promise<Response>;
}

export type PdfReading =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unreadable" }
  /** Nobody read it: another time, perhaps. `isSlow`: it took longer than anybody waits. */
  | { readonly kind: "away"; readonly isSlow: boolean };

/**
 * An upload waits for it, so it is less than people wait; the reader's own limit of 10 s of CPU comes before, and a
 * turn behind another PDF fits in. In milliseconds.
 */
export const pdfReadMsMax = 20_000;
/** The binding looks at the path alone. */
const address = `http://pdf-text.internal${pdfTextPath}`;

const gone: PdfReading = { kind: "away", isSlow: false };

/** @param open begins to read the PDF's bytes */
export async function readPdfText(
  { pdfText, toStream }: { readonly pdfText: PdfTextBinding; readonly toStream: ToStream },
  size: number,
  open: () => AsyncIterable<Uint8Array>,
): Promise<PdfReading> {
  if (size > pdfReadBytesMax) return { kind: "unreadable" };
  try {
    const response = await pdfText.fetch(address, {
      method: "POST",
      body: toStream(size, open()),
      // Also while the answer comes.
      signal: AbortSignal.timeout(pdfReadMsMax),
      ...{ duplex: "half" },
    });
    const bytes = response.ok ? await readBounded(response.body, pdfAnswerBytesMax) : null;
    return bytes === null ? gone : readingOf(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    return error instanceof Error && error.name === "TimeoutError" ? { kind: "away", isSlow: true } : gone;
  }
}

function readingOf(answer: unknown): PdfReading {
  const { kind, text } = (answer ?? {}) as { readonly kind?: unknown; readonly text?: unknown };
  if (kind === "unreadable") return { kind };
  return kind === "text" && typeof text === "string" ? { kind, text } : gone;
}
