import { type HtmlSigns, scanHtml } from "./detectors/html.ts";
import { scanShell } from "./detectors/shell.ts";
import { scanSql } from "./detectors/sql.ts";

/** One reading of a text: its characters, and what the scanners made of it, found out once when first asked. */
export class Reading {
  readonly text: string;
  #sql: number | undefined;
  #html: HtmlSigns | undefined;
  #shell: number | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** Signs of SQL (detectors/sql.ts). */
  get sql(): number {
    this.#sql ??= scanSql(this.text);
    return this.#sql;
  }

  /** Signs of markup (detectors/html.ts). */
  get html(): HtmlSigns {
    this.#html ??= scanHtml(this.text);
    return this.#html;
  }

  /** Signs of commands (detectors/shell.ts). */
  get shell(): number {
    this.#shell ??= scanShell(this.text);
    return this.#shell;
  }
}

/** A document has lines and words; what hides an attack behind padding has neither. */
const documentCharactersMin = 160;
const documentLinesMin = 3;
const documentWordsMin = 24;
/** Enough of a text to see what it is. */
const documentSample = 4096;

/** Whether a text reads like a document: several lines of several words. */
export function isDocument(text: string): boolean {
  if (text.length < documentCharactersMin) return false;
  let lines = 1;
  let words = 0;
  let inWord = false;
  const end = Math.min(text.length, documentSample);
  for (let at = 0; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x0a) lines += 1;
    const space = code <= 0x20;
    if (!space && !inWord) words += 1;
    inWord = !space;
  }
  return lines >= documentLinesMin && words >= documentWordsMin && end / words < 16;
}
