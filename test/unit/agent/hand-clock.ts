/** A clock that only a test moves: timers fire in the order of their time, when the test says so. */
export class HandClock {
  nowMs = 0;
  readonly timers: { readonly at: number; readonly callback: () => void }[] = [];
  readonly #random: number;

  constructor(random = 0.5) {
    this.#random = random;
  }

  readonly now = (): number => this.nowMs;
  readonly random = (): number => this.#random;
  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.nowMs + ms, callback };
    this.timers.push(timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index !== -1) this.timers.splice(index, 1);
    };
  };

  /** Moves to the next timer and fires it. @returns milliseconds moved */
  fire(): number {
    const [next] = [...this.timers].sort((left, right) => left.at - right.at);
    if (next === undefined) throw new Error("no timer is pending");
    this.timers.splice(this.timers.indexOf(next), 1);
    const moved = next.at - this.nowMs;
    this.nowMs = next.at;
    next.callback();
    return moved;
  }
}
