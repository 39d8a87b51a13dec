/**
 * What has been sent on this connection and not yet acknowledged. Pure.
 *
 * INVARIANTS
 * - Numbers are sent in rising order; the cursor moves only over an unbroken run of acknowledged
 *   ones, so a record is removed only when it and all before it have arrived.
 * - A new connection starts right behind the cursor: what was in flight is sent again, in order.
 */

/** In flight at once: a round trip of 200 ms still drains a day at one sample in 5 s within 4 minutes. */
export const inflightMax = 16;

export class SendWindow {
  #inflight: { readonly seq: number; done: boolean }[] = [];
  #lastSent: number;

  constructor(acknowledgedSeq: number) {
    this.#lastSent = acknowledgedSeq;
  }

  /** The highest number sent on this connection, or the cursor it began with. */
  get lastSent(): number {
    return this.#lastSent;
  }

  get inflight(): number {
    return this.#inflight.length;
  }

  get hasRoom(): boolean {
    return this.#inflight.length < inflightMax;
  }

  sent(seq: number): void {
    if (seq <= this.#lastSent) throw new Error("sent out of order");
    if (!this.hasRoom) throw new Error("window overrun");
    this.#lastSent = seq;
    this.#inflight.push({ seq, done: false });
  }

  /** @returns the new cursor when it moved, else null */
  acknowledged(seq: number): number | null {
    const entry = this.#inflight.find((candidate) => candidate.seq === seq);
    if (entry === undefined) return null;
    entry.done = true;
    let cursor: number | null = null;
    while (this.#inflight[0]?.done === true) cursor = this.#inflight.shift()?.seq ?? null;
    return cursor;
  }
}
