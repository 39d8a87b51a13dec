/**
 * A page's text. PDFium reads `ActualText`, by which Indian scripts are written, but sets it where its first shape is
 * drawn and as wide as its letters would be alone, so it sees gaps within words and none between them. What stands
 * between two shapes is therefore judged here.
 */
import type { Pdfium } from "./pdfium.ts";
import { around, type Box, type Shape, shapeFinder } from "./shapes.ts";

/**
 * Of a letter's height: what stands farther apart is another word. What is drawn of a word beside `ActualText` ends up
 * to 0.22 before the next letter begins; spaces are 0.25 and more, and most are drawn, as blanks.
 */
const gapMin = 0.25;
/** … where both letters' boxes are as wide as their advances: within a word nothing is between them. */
const exactGapMin = 0.15;
/** A blank that takes less is a joiner and no space. */
const blankMin = 0.1;
/** Marks of one letter: more are none of a language's. */
const marksMax = 8;

/** A character's shape, and which character it is. */
interface Drawn {
  readonly shape: Shape;
  readonly index: number;
  readonly isMark: boolean;
}

/** @returns what reads a page, up to so many characters */
export function pageReader(pdfium: Pdfium): (page: number, charactersMax: number) => string {
  const { calls, put, view } = pdfium;
  const shapesOf = shapeFinder(pdfium);
  const rect = put(new Uint8Array(16));
  const float = (index: number): number => view().getFloat32(rect + 4 * index, true);

  const letterAt = (characters: number, index: number): string =>
    letterOf(calls.FPDFText_GetUnicode(characters, index));

  /** PDFium's boxes are true but where there is `ActualText`; a mark is no wider than the letter that bears it. */
  function boxOf(characters: number, { shape, index }: Drawn): Box {
    if (shape.span.mark !== 0) return shape.span.box;
    let box: Box | null = null;
    for (let at = index; at >= 0 && index - at <= marksMax; at -= 1) {
      calls.FPDFText_GetLooseCharBox(characters, at, rect);
      const own = { left: float(0), top: float(1), right: float(2), bottom: float(3) };
      box = box === null ? own : around(box, own);
      if (!isMark(letterAt(characters, at))) return box;
    }
    return box ?? shape.span.box;
  }

  /** @param guess PDFium's @returns what stands between two characters */
  function between(characters: number, one: Drawn, other: Drawn, guess: string): string {
    const [before, after] = [one.shape, other.shape];
    if (guess.includes("\n")) return guess;
    const isMarked = before.span.mark !== 0 || after.span.mark !== 0;
    if (isMarked && before.span === after.span) return "";
    if (before !== after && after.before === before.span && after.blank > blankMin) return " ";
    // PDFium looks how far a mark reaches, and forgets the letter below or above.
    if (!isMarked && (guess === "" || !one.isMark)) return guess;
    const [a, b] = [boxOf(characters, one), boxOf(characters, other)];
    const gap = after.isTurned
      ? Math.max(b.bottom - a.top, a.bottom - b.top)
      : Math.max(b.left - a.right, a.left - b.right);
    return gap > (isMarked ? gapMin : exactGapMin) * after.em ? " " : "";
  }

  return (page, charactersMax) => {
    const characters = calls.FPDFText_LoadPage(page);
    if (characters === 0) return "";
    const shapes = shapesOf(page);
    let text = "";
    let guess = "";
    let last: Drawn | null = null;
    const count = calls.FPDFText_CountChars(characters);
    for (let index = 0; index < count && text.length < charactersMax; index += 1) {
      const letter = letterAt(characters, index);
      if (calls.FPDFText_IsGenerated(characters, index) !== 0) {
        guess += letter;
        continue;
      }
      const shape = shapes.get(calls.FPDFText_GetTextObject(characters, index));
      const drawn = shape === undefined ? null : { shape, index, isMark: isMark(letter) };
      text += (last === null || drawn === null ? guess : between(characters, last, drawn, guess)) + letter;
      guess = "";
      last = drawn;
    }
    calls.FPDFText_ClosePage(characters);
    return text.replaceAll("\r\n", "\n").replaceAll(brokenWord, "-\n").slice(0, charactersMax);
  };
}

/** PDFium's, for a hyphen at the end of a line. */
const brokenWord = "\u0002";

/** Whatever PDFium says, of which a hostile PDF may have made anything. */
const letterOf = (code: number): string => (code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "");

const isMark = (letter: string): boolean => /^\p{M}/u.test(letter);
