/**
 * The pause after a message that the server had no room for. The connection stays; nothing of that
 * kind is sent until the pause is over.
 *
 * INVARIANTS
 * - At most one timer is pending, and exactly while `isOn`.
 * - The pauses grow until something arrives.
 */
import { nextDelay } from "./backoff.ts";

export interface HoldOffClock {
  /** Calls back once after `ms`; returns a cancel. */
  after(ms: number, callback: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
}

export class HoldOff {
  readonly #clock: HoldOffClock;
  readonly #resume: () => void;
  /** Refusals in a row. Written by `refused`, `arrived`. */
  #attempt = 0;
  #cancel: (() => void) | null = null;

  /** @param resume called at the end of each pause that `stop` did not end */
  constructor(clock: HoldOffClock, resume: () => void) {
    this.#clock = clock;
    this.#resume = resume;
  }

  get isOn(): boolean {
    return this.#cancel !== null;
  }

  /** @returns the pause in milliseconds, or null when one is on already */
  refused(retryAfterMs: number | null): number | null {
    if (this.isOn) return null;
    const delay = nextDelay(this.#attempt, this.#clock.random(), retryAfterMs);
    this.#attempt += 1;
    this.#cancel = this.#clock.after(delay, () => {
      this.#cancel = null;
      this.#resume();
    });
    return delay;
  }

  /** The server has room again. */
  arrived(): void {
    this.#attempt = 0;
  }

  /** Ends a pause without resuming: there is nothing left to send over. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
