/**
 * A map in one isolate's memory, bounded in entries and in age. Only finished values go in, never a
 * pending promise: a Worker may not wait for another request's I/O.
 */
export interface BoundedCache<V> {
  get(key: string, nowMs: number): V | undefined;
  /** @param untilMs the value is not used at or after this Unix time */
  set(key: string, value: V, untilMs: number): void;
  deleteWhere(matches: (key: string) => boolean): void;
}

/** What entries take together, and how much one takes, in a unit of the caller's. */
export interface Weight<V> {
  readonly max: number;
  of(value: V): number;
}

/** @param entriesMax when full, by number or by weight, the entries that were written first go */
export function createBoundedCache<V>(entriesMax: number, weight?: Weight<V>): BoundedCache<V> {
  interface Entry {
    readonly value: V;
    readonly untilMs: number;
    readonly weighs: number;
  }
  /** Written only here. Invariant: size ≤ entriesMax, and `total` is what its entries weigh, ≤ weight.max. */
  const entries = new Map<string, Entry>();
  let total = 0;
  const remove = (key: string): void => {
    total -= entries.get(key)?.weighs ?? 0;
    entries.delete(key);
  };
  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (nowMs < entry.untilMs) return entry.value;
      remove(key);
      return undefined;
    },
    set(key, value, untilMs) {
      remove(key);
      const weighs = weight?.of(value) ?? 0;
      const weightMax = weight?.max ?? 0;
      if (weighs > weightMax) return;
      for (const oldest of entries.keys()) {
        if (entries.size < entriesMax && total + weighs <= weightMax) break;
        remove(oldest);
      }
      entries.set(key, { value, untilMs, weighs });
      total += weighs;
    },
    deleteWhere(matches) {
      for (const key of entries.keys()) if (matches(key)) remove(key);
    },
  };
}
