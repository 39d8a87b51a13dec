import type { IngestRecord } from "../../core/rpc/data.ts";
import type { OutboxRow } from "./outbox-store.ts";

/**
 * Moves the outbox to Postgres.
 *
 * Promises: a record is removed only after the call that wrote it has returned, so nothing is lost; a
 * call may have succeeded although we never heard, so a record can arrive twice, and the receiver
 * stores it once. Records leave in the order they came, with one exception: once a record has failed
 * alone, the one behind it is tried. If that one goes through, it has overtaken the first; a record
 * that was overtaken three times and fails once more right after is what Postgres refuses, and is
 * parked in `outbox_parked`. If the one behind fails too, Postgres is down and nothing is parked,
 * however long that lasts.
 */
export interface DrainDependencies {
  peek(recordsMax: number, bytesMax: number): readonly OutboxRow[];
  /** Both change storage and the broker's count in one transaction. */
  remove(rows: readonly OutboxRow[]): void;
  park(row: OutboxRow): void;
  write(records: readonly IngestRecord[]): Promise<void>;
}

export interface DrainState {
  /** Failed calls in a row. */
  readonly failures: number;
  /** Records in the next call; halved by a failure, doubled by a success. */
  readonly batchMax: number;
  /** How often a later record went through while the oldest one failed. */
  readonly overtaken: number;
}

/** Records in one call: 500 samples are some 200 KB. */
export const drainRecordsMax = 500;
/** Bytes in one call, well under the 64 MB of a Postgres request over HTTP. */
export const drainBytesMax = 1024 * 1024;
/** A record is parked only after being overtaken this often: a Postgres that comes and goes parks nothing. */
const overtakenMax = 3;

/** How long a sample waits for others, in milliseconds: one call a second for a tenant at most. */
export const drainDelayMs = 1000;
const backoffMsMin = 1000;
/** Postgres is asked at least this often while it is down, so history is whole soon after it is back. */
export const backoffMsMax = 30_000;

export const drainBegin: DrainState = { failures: 0, batchMax: drainRecordsMax, overtaken: 0 };

/**
 * One attempt.
 * @returns the next state, and whether more is waiting behind a success
 */
export async function drainOnce(
  state: DrainState,
  deps: DrainDependencies,
): Promise<{ state: DrainState; more: boolean }> {
  const rows = deps.peek(state.batchMax, drainBytesMax);
  const [head] = rows;
  if (head === undefined) return { state: drainBegin, more: false };
  if (await succeeds(deps, rows)) {
    deps.remove(rows);
    return {
      state: { failures: 0, batchMax: Math.min(drainRecordsMax, state.batchMax * 2), overtaken: 0 },
      more: true,
    };
  }
  const failures = state.failures + 1;
  const { overtaken } = state;
  if (rows.length > 1)
    return { state: { failures, batchMax: Math.max(1, Math.floor(rows.length / 2)), overtaken }, more: false };
  const second = deps.peek(2, Number.POSITIVE_INFINITY)[1];
  if (second === undefined || !(await succeeds(deps, [second])))
    return { state: { failures, batchMax: 1, overtaken }, more: false };
  deps.remove([second]);
  if (overtaken + 1 < overtakenMax)
    return { state: { failures: 1, batchMax: 1, overtaken: overtaken + 1 }, more: false };
  if (await succeeds(deps, [head])) deps.remove([head]);
  else deps.park(head);
  return { state: { failures: 0, batchMax: 1, overtaken: 0 }, more: true };
}

async function succeeds(deps: DrainDependencies, rows: readonly OutboxRow[]): Promise<boolean> {
  try {
    await deps.write(rows.map(({ record }) => record));
    return true;
  } catch {
    return false;
  }
}

/**
 * When to try next, in Unix milliseconds.
 * @param jitter 0 ≤ jitter < 1: tenants that lost the same Postgres come back apart from each other
 */
export function nextAttemptMs(state: DrainState, nowMs: number, jitter: number): number {
  if (state.failures === 0) return nowMs + drainDelayMs;
  const ceiling = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(state.failures, 16));
  return nowMs + backoffMsMin + Math.floor(jitter * (ceiling - backoffMsMin));
}
