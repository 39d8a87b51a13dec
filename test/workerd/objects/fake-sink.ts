import { WorkerEntrypoint } from "cloudflare:workers";
import type { LogName } from "../../../core/audit/logs.ts";
import type { MonthEntry } from "../../../core/audit/month-archive.ts";
import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import {
  type AuditSinkRpc,
  type DueMonth,
  monthEntriesMax,
  type OlderEntry,
  type OlderQuery,
  type RetiredMonth,
  type SinkEntry,
} from "../../../core/rpc/data.ts";
import { dataKeys } from "../data-keys.ts";

/** What Postgres would hold, and how it fails. Shared with the tests: they run in the same isolate. */
export const sink = {
  /** By `log seq`: a row is stored once. */
  rows: new Map<string, SinkEntry>(),
  /** Order in which rows arrived, repeats included. */
  arrivals: [] as string[],
  receipts: new Set<string>(),
  lookups: [] as { org: OrgId | null; requestId: string }[],
  /** `stored`: the write happens and its answer is lost. */
  fail: "no" as "no" | "before" | "stored",
  lookupsFail: false,
  olderFails: false,
  due: [] as readonly DueMonth[],
  retired: [] as RetiredMonth[],
  /** Runs inside a look-up, while the log waits for it. */
  duringLookup: null as (() => Promise<void>) | null,
};

export function resetSink(): void {
  sink.rows.clear();
  sink.arrivals.length = 0;
  sink.receipts.clear();
  sink.lookups.length = 0;
  sink.fail = "no";
  sink.lookupsFail = false;
  sink.olderFails = false;
  sink.due = [];
  sink.retired.length = 0;
  sink.duringLookup = null;
}

interface SinkEnv {
  readonly MESH_ROOTS: KVNamespace;
}

/** Verifies calls as the data Worker does. */
export class FakeAuditSink extends WorkerEntrypoint<SinkEnv> implements AuditSinkRpc {
  async write(call: SignedCall, entries: readonly SinkEntry[]): Promise<void> {
    const log = entries[0]?.entry.log ?? "";
    await this.#verify(call, log.startsWith("org_") ? (log as OrgId) : null);
    if (sink.fail === "before") throw new Error("Postgres is down");
    for (const entry of entries) {
      const key = `${entry.entry.log} ${entry.entry.seq}`;
      sink.arrivals.push(key);
      if (!sink.rows.has(key)) sink.rows.set(key, entry);
    }
    if (sink.fail === "stored") throw new Error("the answer was lost");
  }

  async receiptExists(call: SignedCall, org: OrgId | null, requestId: string): Promise<boolean> {
    await this.#verify(call, org);
    sink.lookups.push({ org, requestId });
    await sink.duringLookup?.();
    if (sink.lookupsFail) throw new Error("Postgres is down");
    return sink.receipts.has(requestId);
  }

  async older(call: SignedCall, query: OlderQuery): Promise<readonly OlderEntry[]> {
    await this.#verify(call, query.log.startsWith("org_") ? (query.log as OrgId) : null);
    if (sink.olderFails) throw new Error("Postgres is down");
    const { log, from, before, type, fromMs, toMs, limit } = query;
    return [...sink.rows.values()]
      .filter(({ entry }) => entry.log === log && entry.seq >= from && entry.seq < before)
      .filter(({ entry }) => type === null || entry.event.type === type)
      .filter(({ entry }) => Date.parse(entry.at) >= (fromMs ?? 0) && Date.parse(entry.at) <= (toMs ?? Infinity))
      .sort((a, b) => b.entry.seq - a.entry.seq)
      .slice(0, limit)
      .map(({ entry, leafJson, sealed }) => ({ seq: entry.seq, leafJson, sealed }));
  }

  async dueMonths(call: SignedCall): Promise<readonly DueMonth[]> {
    await this.#verify(call, null);
    return sink.due;
  }

  async readMonth(
    call: SignedCall,
    { placement, month }: DueMonth,
    after: Pick<MonthEntry, "log" | "seq"> | null,
  ): Promise<readonly MonthEntry[]> {
    await this.#verify(call, null);
    if (placement === "away") throw new Error("Postgres is down");
    const key = ({ log, seq }: Pick<MonthEntry, "log" | "seq">): string => `${log} ${String(seq).padStart(9, "0")}`;
    return [...sink.rows.values()]
      .filter(({ entry }) => entry.at.startsWith(month))
      .map(({ entry, leafJson }) => ({ log: entry.log as LogName, seq: entry.seq, leafJson }))
      .filter((entry) => after === null || key(entry) > key(after))
      .sort((a, b) => (key(a) < key(b) ? -1 : 1))
      .slice(0, monthEntriesMax);
  }

  async retireMonth(call: SignedCall, month: DueMonth, entries: number, seal: string): Promise<void> {
    await this.#verify(call, null);
    sink.retired.push({ ...month, entries, seal });
    sink.due = sink.due.filter((due) => due !== month);
  }

  async retiredMonths(call: SignedCall): Promise<readonly RetiredMonth[]> {
    await this.#verify(call, null);
    return sink.retired;
  }

  async #verify(call: SignedCall, org: OrgId | null): Promise<void> {
    const keys = dataKeys(this.env.MESH_ROOTS);
    await verifyCall(call, { audience: "data.audit-sink", org, jobs: ["audit_drain"] }, keys, Date.now());
  }
}
