/** First in, first out, in constant time at both ends; an array's `shift` moves everything behind it. */
export class Queue<T> {
  private items: T[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** The oldest, still in the queue; undefined when it is empty. */
  first(): T | undefined {
    return this.items[this.head];
  }

  shift(): T | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    this.head += 1;
    // Half of it is gone: give the memory back, at a cost that was paid for by as many shifts.
    if (this.head > 64 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  /** The oldest `count`, which stay in the queue. */
  peek(count: number): T[] {
    return this.items.slice(this.head, this.head + count);
  }

  /** Takes out the oldest that fits, wherever it is. */
  remove(fits: (item: T) => boolean): T | undefined {
    for (let at = this.head; at < this.items.length; at += 1) {
      const item = this.items[at] as T;
      if (!fits(item)) continue;
      this.items.splice(at, 1);
      return item;
    }
    return undefined;
  }

  /** Takes out everything that fits, oldest first. */
  removeAll(fits: (item: T) => boolean): T[] {
    const removed: T[] = [];
    const rest: T[] = [];
    for (const item of this) (fits(item) ? removed : rest).push(item);
    this.items = rest;
    this.head = 0;
    return removed;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.items.slice(this.head)[Symbol.iterator]();
  }
}
