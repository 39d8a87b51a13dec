/** The first delay after a lost connection and the longest, in milliseconds. */
const delayMsMin = 100;
const delayMsMax = 8000;

/** When a client tries again: later each time, spread, and not before it was asked to. */
export class Retry {
  #failures = 0;
  readonly #random: () => number;

  /** @param random 0 ≤ random < 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /**
   * Counts a failure.
   * @param why what the server said, perhaps with a hint ("retry after 7 s")
   * @returns milliseconds
   */
  delayMs(why: string): number {
    const longest = Math.min(delayMsMax, delayMsMin * 2 ** this.#failures);
    this.#failures += 1;
    const own = longest * (0.5 + this.#random() / 2);
    return Math.max(own, (retryAfterSeconds(why) ?? 0) * 1000);
  }
}

/** The seconds in "retry after N s"; null when nothing is said. */
export function retryAfterSeconds(why: string): number | null {
  const seconds = /retry after (\d{1,4}) s/.exec(why)?.[1];
  return seconds === undefined ? null : Number(seconds);
}
