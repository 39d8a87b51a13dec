/**
 * What the pdf-text Worker offers to capabilities: HTTP over a service binding to its entrypoint `PdfText`, because
 * locally it is a workerd process of its own on a loopback port, where no RPC reaches. It holds nothing and can reach
 * nothing, so nothing is shown to it but one PDF's bytes, and what it answers is believed to be no more than a text.
 */

/** `POST`: a PDF as the body. The answer is {@link PdfTextAnswer}, or a status of 400 and more and no body. */
export const pdfTextPath = "/text";

/**
 * Largest PDF that is read: the isolate holds it, and what is made of it, within 128 MB. One that is larger is mostly
 * pictures.
 */
export const pdfReadBytesMax = 16 * 1024 * 1024;
/** Pages that are read: more than a thick book has. The rest is not found by its words. */
export const pdfPagesMax = 2_000;
/** Characters (UTF-16) of the answer's text, as of every other document's (core/documents/searchable-text.ts). */
export const pdfTextCharactersMax = 1024 * 1024;
/** Of the answer, which is JSON: a character is at most six bytes of it. */
export const pdfAnswerBytesMax = 6 * pdfTextCharactersMax + 1024;

export type PdfTextAnswer =
  | {
      readonly kind: "text";
      readonly text: string;
      /** Some of it was left out: pages, or characters. */
      readonly isCut: boolean;
    }
  /** There is no reading it, today or tomorrow. */
  | { readonly kind: "unreadable"; readonly reason: "encrypted" | "broken" | "too_much" };
