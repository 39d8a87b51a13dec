/** Bytes that arrive in pieces of any size and are taken in pieces of another; each is copied once. */
export class ByteQueue {
  /** Invariant: none is empty, and together they hold `length` bytes from `#offset` of the first. */
  readonly #pieces: Uint8Array[] = [];
  #offset = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The piece is kept, not copied: its owner leaves it alone from here on. */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** Takes exactly `count` bytes, 0 … `length`. */
  take(count: number): Uint8Array<ArrayBuffer> {
    if (count > this.#length) throw new RangeError("the queue holds fewer bytes than that");
    const taken = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const first = this.#pieces[0];
      if (first === undefined) throw new Error("a byte queue miscounted");
      const part = first.subarray(this.#offset, this.#offset + count - filled);
      taken.set(part, filled);
      filled += part.length;
      this.#offset += part.length;
      if (this.#offset === first.length) {
        this.#pieces.shift();
        this.#offset = 0;
      }
    }
    this.#length -= count;
    return taken;
  }
}
