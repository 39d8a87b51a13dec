import type { OrgId } from "../../core/ids.ts";
import type { EdgeEventsRpc, EdgeWafRecord } from "../../core/rpc/durable-objects.ts";
import { coarserRecord, recordKey, type WafRecord } from "../../core/tenancy/waf-record.ts";
import { createFoldedReport } from "./folded-report.ts";

/** How long records gather before they are reported, in milliseconds: three reports a minute of an isolate. */
export const wafRecordsPauseMs = 20_000;
/** Records in one report, at some 600 bytes each. Further ones are kept without where they came from. */
export const wafRecordRowsMax = 300;

export interface WafRecorder {
  count(org: OrgId, record: WafRecord): void;
  /** Sends what was counted, after a pause that gathers more; null: nothing, or another request's call waits already. */
  reportLater(events: Pick<EdgeEventsRpc, "waf">, pause: (ms: number) => Promise<void>): Promise<void> | null;
}

/** Records explain and decide nothing; refusals are counted in the audit log by themselves (refusals.ts). */
export function createWafRecorder(now: () => number): WafRecorder {
  const folded = createFoldedReport<EdgeWafRecord>(
    {
      pauseMs: wafRecordsPauseMs,
      rowsMax: wafRecordRowsMax,
      allRowsMax: 2 * wafRecordRowsMax,
      keyOf: ({ org, record }) => `${org} ${recordKey(record)}`,
      coarser: (row) => ({ ...row, record: coarserRecord(row.record) }),
      merge: (before, { count, lastAtMs }) => ({ ...before, count: before.count + count, lastAtMs }),
      keepsUnsent: false,
    },
    now,
  );
  return {
    count(org, record) {
      const atMs = now();
      folded.add({ org, record, count: 1, firstAtMs: atMs, lastAtMs: atMs });
    },
    reportLater: (events, pause) => folded.sendLater(pause, (rows) => events.waf(rows)),
  };
}
