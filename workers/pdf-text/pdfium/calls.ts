/**
 * What is called of PDFium, as its headers fpdfview.h, fpdf_text.h and fpdf_edit.h have it. Everything is a number:
 * handles and addresses, 0 for none; the names of parameters say what they are.
 */
export interface PdfiumCalls {
  readonly memory: WebAssembly.Memory;
  malloc(bytes: number): number;

  FPDF_InitLibrary(): void;
  FPDF_LoadMemDocument(at: number, bytes: number, password: number): number;
  FPDF_GetLastError(): number;
  FPDF_GetPageCount(document: number): number;
  FPDF_LoadPage(document: number, index: number): number;
  FPDF_ClosePage(page: number): void;

  FPDFText_LoadPage(page: number): number;
  FPDFText_ClosePage(text: number): void;
  FPDFText_CountChars(text: number): number;
  FPDFText_GetUnicode(text: number, index: number): number;
  /** 1: no character of the PDF, but a space or a line's end that PDFium thinks there is. */
  FPDFText_IsGenerated(text: number, index: number): number;
  FPDFText_GetTextObject(text: number, index: number): number;
  /** The box that a character takes, its advance wide: left, top, right and bottom as floats. */
  FPDFText_GetLooseCharBox(text: number, index: number, rectAt: number): number;

  FPDFPage_CountObjects(page: number): number;
  FPDFPage_GetObject(page: number, index: number): number;
  FPDFFormObj_CountObjects(form: number): number;
  FPDFFormObj_GetObject(form: number, index: number): number;
  FPDFPageObj_GetType(object: number): number;
  /** The box of what is drawn; floats. */
  FPDFPageObj_GetBounds(object: number, leftAt: number, bottomAt: number, rightAt: number, topAt: number): number;
  /** Six floats: the last two are where its pen begins. */
  FPDFPageObj_GetMatrix(object: number, matrixAt: number): number;
  FPDFTextObj_GetFontSize(object: number, sizeAt: number): number;
  FPDFPageObj_CountMarks(object: number): number;
  /** The same handle for each object within the same marks. */
  FPDFPageObj_GetMark(object: number, index: number): number;
  FPDFPageObjMark_GetParamStringValue(
    mark: number,
    keyAt: number,
    bufferAt: number,
    bufferBytes: number,
    neededBytesAt: number,
  ): number;
}

/** Of `FPDFPageObj_GetType`. */
export const [textObject, formObject] = [1, 5];
/** Of `FPDF_GetLastError`: it wants a password, or is sealed in a way that PDFium doesn't know. */
export const [passwordError, securityError] = [4, 5];
