/**
 * Assertions one isolate remembers: a minute and a half of some 700 calls a second, about 8 MiB. Only
 * calls that were verified get in, so an outsider can fill it no faster than the edge admits requests.
 */
const replayEntriesMax = 65_536;

/** Refuses what an isolate has accepted before. */
export interface ReplayGuard {
  /**
   * Takes an identifier once.
   * @param untilMs from when on the token is refused as expired anyway, Unix milliseconds
   * @returns false when it was taken before
   */
  take(id: string, untilMs: number, nowMs: number): boolean;
}

/**
 * Remembers identifiers until they expire (RFC 7519 §4.1.7), the oldest giving way when there are too
 * many. Each isolate of a callee has one of its own: it narrows a replay to another isolate, within the
 * assertion's minute. What must never happen twice has receipts and idempotency keys besides.
 */
export function createReplayGuard(entriesMax: number = replayEntriesMax): ReplayGuard {
  /** Insertion order is nearly order of expiry: all live equally long. */
  const taken = new Map<string, number>();
  return {
    take(id, untilMs, nowMs) {
      if (taken.has(id)) return false;
      for (const [oldest, endMs] of taken) {
        if (endMs > nowMs && taken.size < entriesMax) break;
        taken.delete(oldest);
      }
      taken.set(id, untilMs);
      return true;
    },
  };
}
