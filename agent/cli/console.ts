/** What a verb may do to the terminal, so that a test can look at it. */
export interface Console {
  /** Results, on standard output. */
  out(text: string): void;
  /** Refusals and the log, on standard error. */
  err(text: string): void;
  /** All of standard input, at most `bytesMax`. */
  readInput(bytesMax: number): Promise<string>;
}

/** One shape for every refusal: a stable code, then what to do. */
export function refusalLine(code: string, detail: string): string {
  return `sentinel-agent: ${code}: ${detail}\n`;
}
