import type { OrgId } from "../../core/ids.ts";
import type { EdgeEventsRpc, EdgeWafRecord } from "../../core/rpc/durable-objects.ts";
import { coarserRecord, recordKey, type WafRecord } from "../../core/tenancy/waf-record.ts";
import { createLateReport } from "./late-report.ts";
import { logFailure } from "./log.ts";

/** How long records gather before they are reported, in milliseconds: three reports a minute of an isolate. */
export const wafRecordsPauseMs = 20_000;
/** Records in one report, at some 600 bytes each. Further ones are kept without where they came from. */
export const wafRecordRowsMax = 300;

export interface WafRecorder {
  count(org: OrgId, record: WafRecord): void;
  /** Sends what was counted, after a pause that gathers more; at once when another request's call is waiting already. */
  reportLater(events: Pick<EdgeEventsRpc, "waf">, pause: (ms: number) => Promise<void>): Promise<void>;
}

/**
 * Folds what the firewall judged in the isolate's memory, so that an attacker can't make us write once a request.
 * Records of an isolate that dies within the pause are lost: they explain and decide nothing, and refusals are counted
 * in the audit log by themselves (refusals.ts).
 */
export function createWafRecorder(now: () => number): WafRecorder {
  /** Written by `count` and `reportLater`. Invariant: size ≤ 2 × wafRecordRowsMax. */
  let rows = new Map<string, EdgeWafRecord>();
  const late = createLateReport(wafRecordsPauseMs, now);

  return {
    count(org, record) {
      const key = `${org} ${recordKey(record)}`;
      const full = !rows.has(key) && rows.size >= wafRecordRowsMax;
      const kept = full ? coarserRecord(record) : record;
      const keptKey = full ? `${org} ${recordKey(kept)}` : key;
      const before = rows.get(keptKey);
      if (before === undefined && rows.size >= 2 * wafRecordRowsMax) return;
      const atMs = now();
      rows.set(
        keptKey,
        before === undefined
          ? { org, record: kept, count: 1, firstAtMs: atMs, lastAtMs: atMs }
          : { ...before, count: before.count + 1, lastAtMs: atMs },
      );
    },
    async reportLater(events, pause) {
      if (rows.size === 0) return;
      try {
        await late(pause, async () => {
          const report = [...rows.values()];
          rows = new Map();
          await events.waf(report);
        });
      } catch (error) {
        // Not kept for another try: a unit that is down must not fill this one.
        logFailure({ event: "report_failed" }, error);
      }
    },
  };
}
