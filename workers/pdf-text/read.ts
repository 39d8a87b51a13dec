import { type PdfTextAnswer, pdfPagesMax, pdfTextCharactersMax } from "../../core/rpc/pdf-text.ts";
import { passwordError, securityError } from "./pdfium/calls.ts";
import { pageReader } from "./pdfium/page-text.ts";
import { isItsEnd, type Pdfium, startPdfium } from "./pdfium/pdfium.ts";
import type { Platform } from "./serve.ts";

/**
 * No page is begun later than this, in milliseconds: at 10 s of CPU (wrangler.toml) the platform ends the isolate, and what
 * was read would be lost. Printed pages are read at some 140 a second.
 */
const readMsMax = 8_000;

/** Reads a PDF's text, page after page until there is enough. */
export async function readPdf(bytes: Uint8Array, platform: Platform): Promise<PdfTextAnswer> {
  const untilMs = platform.now() + readMsMax;
  const pdfium = startPdfium();
  // Written page by page: what was read before its end stands.
  const read = { text: "", isCut: false };
  try {
    const error = await readPages(pdfium, bytes, read, async () => {
      // Whoever else asks meanwhile is told to wait.
      await platform.pause(0);
      return platform.now() < untilMs;
    });
    if (error !== 0) return unreadable(pdfium, error);
  } catch (error) {
    if (!isItsEnd(error)) throw error;
    if (read.text.trim() === "") return unreadable(pdfium);
    read.isCut = true;
  }
  if (pdfium.wasRefused() && read.text.trim() === "") return unreadable(pdfium);
  return { kind: "text", text: read.text, isCut: read.isCut || pdfium.wasRefused() };
}

/** @param goOn after each page: false ends it @returns PDFium's error when it can't be opened, else 0 */
async function readPages(
  pdfium: Pdfium,
  bytes: Uint8Array,
  read: { text: string; isCut: boolean },
  goOn: () => Promise<boolean>,
): Promise<number> {
  const { calls, put } = pdfium;
  const document = calls.FPDF_LoadMemDocument(put(bytes), bytes.length, 0);
  if (document === 0) return calls.FPDF_GetLastError() || unknownError;
  const readPage = pageReader(pdfium);
  const count = calls.FPDF_GetPageCount(document);
  if (count <= 0) return unknownError;
  const pages = Math.min(count, pdfPagesMax);
  read.isCut = pages < count;
  for (let index = 0; index < pages; index += 1) {
    const page = calls.FPDF_LoadPage(document, index);
    // A page that is broken is left out, not the whole.
    if (page !== 0) {
      read.text += `${readPage(page, pdfTextCharactersMax - read.text.length)}\n`;
      calls.FPDF_ClosePage(page);
    }
    const isEnough = read.text.length >= pdfTextCharactersMax;
    if (isEnough) read.text = read.text.slice(0, pdfTextCharactersMax);
    if (isEnough || !(await goOn())) {
      read.isCut ||= isEnough || index + 1 < pages;
      return 0;
    }
  }
  return 0;
}

/** Of PDFium: it says no more. */
const unknownError = 1;

function unreadable(pdfium: Pdfium, error = unknownError): PdfTextAnswer {
  if (pdfium.wasRefused()) return { kind: "unreadable", reason: "too_much" };
  const isEncrypted = error === passwordError || error === securityError;
  return { kind: "unreadable", reason: isEncrypted ? "encrypted" : "broken" };
}
