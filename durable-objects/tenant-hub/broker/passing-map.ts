/** Deletions before it begins anew: rare enough to cost nothing, and few tables are linked until then. */
const deletionsMax = 64;

/**
 * A Map for entries that come and go while it stays, in the order they came.
 *
 * V8 leaves a link from the table that a Map has outgrown, or was cleared of, to the one that follows. Once such a
 * table is in the old generation, its link keeps all that follow alive, with the entries that they held, until the next
 * major collection, though nobody can reach them: messages that lived for a millisecond, their rows and their
 * bytes became old garbage at some 400 bytes each. Here the chain ends after a few deletions: a new Map has no link
 * from the old one.
 */
export class PassingMap<K, V> {
  /** Null while it is empty and new: most sessions never have a message in flight. */
  private entries: Map<K, V> | null = null;
  private deletions = 0;

  get size(): number {
    return this.entries === null ? 0 : this.entries.size;
  }

  get(key: K): V | undefined {
    return this.entries === null ? undefined : this.entries.get(key);
  }

  has(key: K): boolean {
    return this.entries?.has(key) ?? false;
  }

  set(key: K, value: V): void {
    this.entries ??= new Map();
    this.entries.set(key, value);
  }

  /** @returns whether it was there. Not while it is iterated over: an iterator goes on with what was. */
  delete(key: K): boolean {
    const { entries } = this;
    if (entries === null || !entries.delete(key)) return false;
    this.deletions += 1;
    // As many as are copied: constant time for each, whatever stays.
    if (this.deletions >= deletionsMax && this.deletions >= entries.size) {
      this.entries = entries.size === 0 ? null : new Map(entries);
      this.deletions = 0;
    }
    return true;
  }

  keys(): IterableIterator<K> {
    return (this.entries ?? new Map<K, V>()).keys();
  }

  values(): IterableIterator<V> {
    return (this.entries ?? new Map<K, V>()).values();
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return (this.entries ?? new Map<K, V>())[Symbol.iterator]();
  }
}
