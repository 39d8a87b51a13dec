import { makeId, type OrgId } from "../../core/ids.ts";
import type { Env } from "../env.ts";
import { objectCaller } from "../mesh.ts";
import { type DrainState, drainBegin, drainOnce, nextAttemptMs } from "./outbox-drain.ts";
import type { OutboxRow, OutboxStore } from "./outbox-store.ts";

/** A call to Postgres that has not returned by then has failed; it may have succeeded all the same. */
const ingestTimeoutMs = 30_000;

export interface OutboxRunnerDependencies {
  readonly env: Env;
  readonly outbox: OutboxStore;
  /** Runs a change of the outbox in one transaction and tells the broker how many bytes left it. */
  readonly settle: (change: () => void, bytes: number) => void;
  /** Rings the object's alarm no later than this. */
  readonly arm: (atMs: number) => void;
}

/** Decides when the outbox is drained, and drains it; `outbox-drain.ts` decides how. */
export class OutboxRunner {
  private readonly deps: OutboxRunnerDependencies;
  private state: DrainState = drainBegin;
  /** When to try next; null while nothing waits or a drain is running. */
  private dueMs: number | null = null;
  private running = false;

  constructor(deps: OutboxRunnerDependencies) {
    this.deps = deps;
  }

  /** The object woke, perhaps by the alarm that was set for this: what waits is due. */
  wake(): void {
    if (this.deps.outbox.isEmpty) return;
    this.dueMs = Date.now();
    this.deps.arm(this.dueMs);
  }

  /** Something was appended. */
  schedule(): void {
    if (this.running || this.deps.outbox.isEmpty) return;
    this.dueMs ??= nextAttemptMs(this.state, Date.now(), Math.random());
    this.deps.arm(this.dueMs);
  }

  /** On an alarm: a drain if one is due, else null. */
  runIfDue(org: OrgId): Promise<void> | null {
    if (this.running || this.dueMs === null) return null;
    if (this.dueMs <= Date.now()) return this.run(org);
    this.deps.arm(this.dueMs);
    return null;
  }

  /** Sends records on until none is left or Postgres refuses; then waits for the alarm. */
  private async run(org: OrgId): Promise<void> {
    this.running = true;
    this.dueMs = null;
    const { outbox, settle, env } = this.deps;
    try {
      let more = true;
      while (more) {
        const result = await drainOnce(this.state, {
          peek: (recordsMax, bytesMax) => outbox.peek(recordsMax, bytesMax),
          remove: (rows) => settle(() => outbox.remove(rows), bytesIn(rows)),
          park: (row) => settle(() => outbox.park(row, Date.now()), row.bytes),
          write: async (records) => {
            const requestId = makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
            const call = await objectCaller(env).asJob("data.ingest", "ingest", org, requestId);
            await withTimeout(env.INGEST.write(call, org, records), ingestTimeoutMs);
          },
        });
        this.state = result.state;
        more = result.more;
      }
    } finally {
      this.running = false;
      this.schedule();
    }
  }
}

function bytesIn(rows: readonly OutboxRow[]): number {
  return rows.reduce((sum, row) => sum + row.bytes, 0);
}

/** The timer is cleared, because a pending one keeps the object from hibernating. */
async function withTimeout(work: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), ms);
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
