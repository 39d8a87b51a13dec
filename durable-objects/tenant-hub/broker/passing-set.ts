import { PassingMap } from "./passing-map.ts";

/** A Set for values that come and go while it stays, in the order they came; see {@link PassingMap}. */
export class PassingSet<T> {
  private readonly entries = new PassingMap<T, true>();

  get size(): number {
    return this.entries.size;
  }

  has(value: T): boolean {
    return this.entries.has(value);
  }

  add(value: T): void {
    this.entries.set(value, true);
  }

  /** @returns whether it was there. Not while it is iterated over: an iterator goes on with what was. */
  delete(value: T): boolean {
    return this.entries.delete(value);
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.entries.keys();
  }
}
