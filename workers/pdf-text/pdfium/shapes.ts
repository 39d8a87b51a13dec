/** Where the texts of a page are drawn: what PDFium's characters don't say, and their spaces depend on. */
import { formObject, type PdfiumCalls, textObject } from "./calls.ts";
import type { Pdfium } from "./pdfium.ts";

/** On a page: those beyond are read with PDFium's own spaces. A page full of text by Chromium has 5,000. */
const shapesMax = 50_000;
/** Marks around one shape that are looked at: a page of 10,000, one in the other, around each shape would take minutes. */
const marksMax = 32;
/** Forms within forms that are looked into. */
const formDepthMax = 8;

export interface Box {
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
  readonly top: number;
}

/** What is drawn as one: the shapes within one `ActualText`, or a single text. */
export interface Span {
  /** Its `ActualText`'s mark; 0: it has none, and its characters are those that are drawn. */
  readonly mark: number;
  /** Around all of it that is drawn. */
  box: Box;
}

/** A text that is drawn at once. */
export interface Shape {
  readonly span: Span;
  /** Its letters' height, of which a space is a quarter. */
  readonly em: number;
  /** Its lines go up or down the page. */
  readonly isTurned: boolean;
  /** What was drawn before it. */
  readonly before: Span | null;
  /** How far its pen stands from that of blanks which were drawn in between, in ems; 0: there were none. */
  readonly blank: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** @returns what finds a page's shapes, by their handles; blanks, of which nothing is seen, are not among them */
export function shapeFinder(pdfium: Pdfium): (page: number) => ReadonlyMap<number, Shape> {
  const read = createReader(pdfium);
  return (page) => shapesOf(pdfium.calls, read, page);
}

function shapesOf(calls: PdfiumCalls, read: Reader, page: number): ReadonlyMap<number, Shape> {
  const shapes = new Map<number, Shape>();
  let before: Span | null = null;
  let blankAt: Point | null = null;
  const look = (object: number): void => {
    const mark = read.mark(object);
    const { box, pen, em, isTurned } = read.place(object);
    const isBlank = mark === 0 && box.left === box.right && box.bottom === box.top;
    if (isBlank) {
      blankAt ??= pen;
      return;
    }
    const isSame = before !== null && mark !== 0 && before.mark === mark;
    const span: Span = isSame && before !== null ? before : { mark, box };
    if (isSame) span.box = around(span.box, box);
    const blank = blankAt === null ? 0 : Math.hypot(pen.x - blankAt.x, pen.y - blankAt.y) / em;
    shapes.set(object, { span, em, isTurned, before, blank });
    before = span;
    blankAt = null;
  };
  const walk = (count: number, get: (index: number) => number, depth: number): void => {
    for (let index = 0; index < count && shapes.size < shapesMax; index += 1) {
      const object = get(index);
      const type = calls.FPDFPageObj_GetType(object);
      if (type === textObject) look(object);
      else if (type === formObject && depth < formDepthMax)
        walk(calls.FPDFFormObj_CountObjects(object), (at) => calls.FPDFFormObj_GetObject(object, at), depth + 1);
    }
  };
  walk(calls.FPDFPage_CountObjects(page), (index) => calls.FPDFPage_GetObject(page, index), 0);
  return shapes;
}

interface Reader {
  /** The mark of an object's `ActualText`, 0 for none; an empty one says nothing. */
  mark(object: number): number;
  place(object: number): { readonly box: Box; readonly pen: Point; readonly em: number; readonly isTurned: boolean };
}

function createReader({ calls, put, view }: Pdfium): Reader {
  const key = put(new TextEncoder().encode("ActualText\0"));
  const needed = put(new Uint8Array(4));
  const floats = put(new Uint8Array(44));
  const float = (index: number): number => view().getFloat32(floats + 4 * index, true);
  return {
    mark(object) {
      const count = Math.min(marksMax, calls.FPDFPageObj_CountMarks(object));
      for (let index = 0; index < count; index += 1) {
        const mark = calls.FPDFPageObj_GetMark(object, index);
        const isThere = calls.FPDFPageObjMark_GetParamStringValue(mark, key, 0, 0, needed) !== 0;
        // Two bytes end every text.
        if (isThere && view().getUint32(needed, true) > 2) return mark;
      }
      return 0;
    },
    place(object) {
      calls.FPDFPageObj_GetBounds(object, floats, floats + 4, floats + 8, floats + 12);
      calls.FPDFPageObj_GetMatrix(object, floats + 16);
      calls.FPDFTextObj_GetFontSize(object, floats + 40);
      const [a, b] = [float(4), float(5)];
      return {
        box: { left: float(0), bottom: float(1), right: float(2), top: float(3) },
        pen: { x: float(8), y: float(9) },
        em: float(10) * Math.hypot(a, b),
        isTurned: Math.abs(b) > Math.abs(a),
      };
    },
  };
}

/** A box around both. */
export const around = (one: Box, other: Box): Box => ({
  left: Math.min(one.left, other.left),
  bottom: Math.min(one.bottom, other.bottom),
  right: Math.max(one.right, other.right),
  top: Math.max(one.top, other.top),
});
