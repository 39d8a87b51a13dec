/** A minute becomes a second: a checkpoint of the log, which three objects take part in, takes about as long. */
export const paceMax = 60;

/**
 * Parses PACE: how many times as often as by default happens what otherwise happens by the minute, which is that the
 * edge reads a policy anew and reports what it counted, and that a log is signed. A stack under test has no minute to
 * wait; deployed, faster is fresher and costs more reads. There is no slower: a minute is what is promised.
 * @returns a whole number from 1 to 60; 1 when the variable is absent
 * @throws RangeError for anything else: a Worker with a broken clock must not serve
 */
export function parsePace(text: unknown = "1"): number {
  const pace = typeof text === "string" && /^[1-9]\d?$/.test(text) ? Number(text) : Number.NaN;
  if (!(pace <= paceMax)) throw new RangeError(`PACE must be a whole number from 1 to ${paceMax}`);
  return pace;
}
