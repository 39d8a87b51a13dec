import { getDocumentProxy } from "unpdf";
import { type PdfTextAnswer, pdfPagesMax, pdfTextCharactersMax } from "../../core/rpc/pdf-text.ts";
import { TooMuch, wasTooMuch } from "./memory.ts";

/** Of pdf.js: it reads text alone, runs nothing, fetches nothing, and says nothing. */
const options = {
  verbosity: 0,
  isEvalSupported: false,
  disableFontFace: true,
  useSystemFonts: false,
  enableXfa: false,
  useWasm: false,
  useWorkerFetch: false,
  isOffscreenCanvasSupported: false,
  isImageDecoderSupported: false,
  disableAutoFetch: true,
  disableStream: true,
  disableRange: true,
  maxImageSize: 1,
  // A page that is broken is left out, not the whole.
  stopAtErrors: false,
} as const;

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

/**
 * Reads a PDF's text, page after page until there is enough.
 * @param bytes are the parser's from here on
 */
export async function readPdf(bytes: Uint8Array): Promise<PdfTextAnswer> {
  let pdf: Pdf | null = null;
  try {
    pdf = await getDocumentProxy(bytes, options);
    const read = await readPages(pdf);
    return wasTooMuch() && read.text.trim() === "" ? { kind: "unreadable", reason: "too_much" } : read;
  } catch (error) {
    if (wasTooMuch() || error instanceof TooMuch) return { kind: "unreadable", reason: "too_much" };
    const isEncrypted = error instanceof Error && error.name === "PasswordException";
    return { kind: "unreadable", reason: isEncrypted ? "encrypted" : "broken" };
  } finally {
    await pdf?.loadingTask.destroy().catch(() => undefined);
  }
}

async function readPages(pdf: Pdf): Promise<Extract<PdfTextAnswer, { kind: "text" }>> {
  const pages = Math.min(pdf.numPages, pdfPagesMax);
  let text = "";
  for (let number = 1; number <= pages; number += 1) {
    const isWhole = await readPage(pdf, number, (more) => {
      text += more;
      return text.length < pdfTextCharactersMax;
    });
    if (!isWhole || wasTooMuch()) return { kind: "text", text: text.slice(0, pdfTextCharactersMax), isCut: true };
    text += "\n";
  }
  return { kind: "text", text: text.slice(0, pdfTextCharactersMax), isCut: pages < pdf.numPages };
}

/** @param take one piece of text; false: enough @returns false: there was enough */
async function readPage(pdf: Pdf, number: number, take: (text: string) => boolean): Promise<boolean> {
  try {
    const page = await pdf.getPage(number);
    const reader = page.streamTextContent().getReader();
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        for (const item of next.value.items) {
          if (!take("str" in item ? item.str + (item.hasEOL ? "\n" : "") : "")) return false;
        }
      }
    } finally {
      await reader.cancel().catch(() => undefined);
      page.cleanup();
    }
  } catch {
    // This page has no text, the others may.
  }
  return true;
}
