import { logFailure } from "./log.ts";

/** How one kind of report is folded and when it leaves. */
export interface Folding<Row> {
  /** How long rows gather before they are reported, in milliseconds. The platform lets work go on for 30 s after an answer. */
  readonly pauseMs: number;
  /** Rows that are kept apart; a further one is kept as `coarser` has it. */
  readonly rowsMax: number;
  /**
   * Rows of all kinds together: one that has no room even as `coarser` is not counted. Infinite where coarser rows are
   * few by themselves.
   */
  readonly allRowsMax: number;
  /** Two rows of one key are one. */
  keyOf(row: Row): string;
  coarser(row: Row): Row;
  merge(before: Row, added: Row): Row;
  /**
   * Whether rows that could not be sent are kept for the next report. Only where they count as evidence and stay
   * few: a unit that is down must not fill this one.
   */
  readonly keepsUnsent: boolean;
}

export interface FoldedReport<Row> {
  add(row: Row): void;
  /**
   * Sends what was added, after a pause that gathers more.
   * @returns null when there is nothing to wait for: no rows, or another request's call that waits already
   */
  sendLater(pause: (ms: number) => Promise<void>, send: (rows: Row[]) => Promise<void>): Promise<void> | null;
}

/**
 * Adds up rows in one isolate's memory and reports them at a pace of ours, so that an attacker can't make us write
 * once a request. At most one report waits, whoever's request holds it. Rows of an isolate that dies within the pause
 * are lost.
 */
export function createFoldedReport<Row>(folding: Folding<Row>, now: () => number): FoldedReport<Row> {
  const { pauseMs, rowsMax, allRowsMax, keyOf, coarser, merge, keepsUnsent } = folding;
  /** Written by `add` and `sendLater`. Invariant: size ≤ allRowsMax, and at most rowsMax are not coarser ones. */
  let rows = new Map<string, Row>();
  /** Set while one request's `waitUntil` holds the pause. */
  let waitingSinceMs: number | null = null;

  const add = (row: Row): void => {
    const own = keyOf(row);
    const full = !rows.has(own) && rows.size >= rowsMax;
    const kept = full ? coarser(row) : row;
    const key = full ? keyOf(kept) : own;
    const before = rows.get(key);
    if (before === undefined && rows.size >= allRowsMax) return;
    rows.set(key, before === undefined ? kept : merge(before, kept));
  };

  const report = async (pause: (ms: number) => Promise<void>, send: (rows: Row[]) => Promise<void>): Promise<void> => {
    let sending: Row[] = [];
    try {
      await pause(pauseMs);
      sending = [...rows.values()];
      rows = new Map();
      await send(sending);
    } catch (error) {
      logFailure({ event: "report_failed" }, error);
      if (keepsUnsent) for (const row of sending) add(row);
    } finally {
      waitingSinceMs = null;
    }
  };

  return {
    add,
    sendLater(pause, send) {
      if (rows.size === 0) return null;
      // A waiting request may be cancelled with its rows unsent; after two pauses another takes over.
      if (waitingSinceMs !== null && now() - waitingSinceMs < 2 * pauseMs) return null;
      waitingSinceMs = now();
      return report(pause, send);
    },
  };
}
