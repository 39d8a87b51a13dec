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

/** @param entriesMax when full, the entry that was written first goes */
export function createBoundedCache<V>(entriesMax: number): BoundedCache<V> {
  /** Written only here. Invariant: size ≤ entriesMax. */
  const entries = new Map<string, { readonly value: V; readonly untilMs: number }>();
  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (nowMs < entry.untilMs) return entry.value;
      entries.delete(key);
      return undefined;
    },
    set(key, value, untilMs) {
      entries.delete(key);
      if (entries.size >= entriesMax) {
        const oldest = entries.keys().next();
        if (!oldest.done) entries.delete(oldest.value);
      }
      entries.set(key, { value, untilMs });
    },
    deleteWhere(matches) {
      for (const key of entries.keys()) if (matches(key)) entries.delete(key);
    },
  };
}
