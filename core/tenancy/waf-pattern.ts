import { RE2JS } from "re2js";

/** Longest pattern, in characters. What needs more is several conditions. */
export const patternCharactersMax = 200;
/**
 * Largest compiled pattern, in instructions. Time for a character grows with it: the worst of this size that we
 * found takes 20 µs a character on a busy machine, an ordinary one a hundredth of that.
 */
export const patternInstructionsMax = 128;

/** Says whether a text has the pattern in it somewhere. Takes time in proportion to the text, whatever the text is. */
export type Pattern = (text: string) => boolean;

/**
 * Compiles a pattern in RE2's syntax: no look-around and no back references, so that no text can make it slow.
 * @param caseless whether letters match whatever their case
 * @returns what is wrong with it, in words, where it can't be used
 */
export function compilePattern(source: string, caseless: boolean): Pattern | string {
  if (source === "") return "must not be empty";
  if (source.length > patternCharactersMax) return `must have at most ${patternCharactersMax} characters`;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source, caseless ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    // The library's own words quote the pattern, which whoever reads the answer wrote.
    const why = error instanceof Error ? error.message.replace("error parsing regexp: ", "") : "";
    return `is no pattern that RE2 takes: ${why}`.slice(0, 200);
  }
  if (compiled.programSize() > patternInstructionsMax)
    return `is too large once compiled: ${compiled.programSize()} instructions of ${patternInstructionsMax}`;
  return (text) => compiled.test(text);
}
