import type { IngestRecord } from "../../core/rpc/data.ts";
import type { OutboxRow } from "./outbox-store.ts";

/**
 * Moves the outbox to Postgres.
 *
 * Promises: a record is removed only after the call that wrote it has returned, so nothing is lost; a
 * call may have succeeded although we never heard, so a record can arrive twice, and the receiver
 * stores it once. Records leave in the order they came, with one exception: when a record has failed
 * alone, some other behind it is tried, and then the first again. A record that has failed four times
 * with three others going through in between is what Postgres refuses, and is parked in
 * `outbox_parked`. If one of the others fails too, Postgres may be down: nothing is parked, however
 * long that lasts.
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
}

/** Records in one call: 500 samples are some 200 KB. */
export const drainRecordsMax = 500;
/** Bytes in one call, well under the 64 MB of a Postgres request over HTTP. */
export const drainBytesMax = 1024 * 1024;
/** Others that must go through while one fails, one by one, before that one is parked. */
const overtakenMax = 3;
/**
 * Among how many records behind the failing one another is picked, a different one at each failure: a
 * few refused records in a row are then told from an outage too.
 */
const probeWindow = 64;

/** How long a sample waits for others, in milliseconds: one call a second for a tenant at most. */
export const drainDelayMs = 1000;
const backoffMsMin = 1000;
/** Postgres is asked at least this often while it is down, so history is whole soon after it is back. */
export const backoffMsMax = 30_000;

export const drainBegin: DrainState = { failures: 0, batchMax: drainRecordsMax };

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
      state: { failures: 0, batchMax: Math.min(drainRecordsMax, state.batchMax * 2) },
      more: true,
    };
  }
  const failures = state.failures + 1;
  if (rows.length > 1) return { state: { failures, batchMax: Math.max(1, Math.floor(rows.length / 2)) }, more: false };
  return await judgeAlone(head, failures, deps);
}

/** One record failed alone: is it refused, or is Postgres down? */
async function judgeAlone(
  head: OutboxRow,
  failures: number,
  deps: DrainDependencies,
): Promise<{ state: DrainState; more: boolean }> {
  for (let round = 0; round < overtakenMax; round += 1) {
    const others = deps.peek(probeWindow, Number.POSITIVE_INFINITY).filter((row) => row.seq !== head.seq);
    const other = others[(failures - 1) % Math.max(1, others.length)];
    if (other === undefined || !(await succeeds(deps, [other])))
      return { state: { failures, batchMax: 1 }, more: false };
    deps.remove([other]);
    if (await succeeds(deps, [head])) {
      deps.remove([head]);
      return { state: { failures: 0, batchMax: 1 }, more: true };
    }
  }
  deps.park(head);
  return { state: { failures: 0, batchMax: 1 }, more: true };
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
