import { parseLogName } from "../../../core/audit/logs.ts";
import { type OrgId, parseId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import { type OlderEntry, type OlderQuery, olderEntriesMax, type SealedFields } from "../../../core/rpc/data.ts";
import { createDatabase, sql } from "../../../store/connect.ts";
import { textOf } from "../../../store/control/columns.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import { placementFor } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";

/**
 * Entries of the call's own log as they were drained, newest first. What is sealed stays so: the keys are the log's.
 * @throws CallRefused, TenantNotReady, DatabaseError, RangeError
 */
export async function readOlder(unit: DataUnit, call: SignedCall, query: OlderQuery): Promise<readonly OlderEntry[]> {
  const expect = { audience: "data.audit-sink", jobs: ["audit_drain"] } as const;
  const verified = await verifyCall(call, expect, unit.keys, unit.now());
  const { log, from, before, type, fromMs, toMs, limit } = query;
  if (!isOwn(log, verified.org)) throw new CallRefused("wrong_org");
  const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 1;
  if (![from, before, limit].every(isWhole) || limit > olderEntriesMax) throw new RangeError("not a range of entries");
  const scope = callScope(verified);
  const placement = scope === null ? unit.config.firstPlacement : (await placementFor(unit, scope))[1];
  const database = createDatabase({ url: placement.auditWriterUrl, gateway: unit.config.gateway });
  const rows = await database.query(
    sql`SELECT e.seq::text AS seq, e.leaf_json,
          coalesce((SELECT json_agg(json_build_object('subject', s.subject, 'sealed', s.sealed) ORDER BY s.subject)
            FROM audit.sealed_fields s WHERE s.log = e.log AND s.seq = e.seq)::text, '[]') AS sealed
        FROM audit.events e
        WHERE e.log = ${log} AND e.seq >= ${from} AND e.seq < ${before} AND (${type}::text IS NULL OR e.type = ${type})
          AND e.occurred_at >= ${time(fromMs, "-infinity")}::timestamptz
          AND e.occurred_at <= ${time(toMs, "infinity")}::timestamptz
        ORDER BY e.seq DESC LIMIT ${limit}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    seq: Number(textOf(row, "seq")),
    leafJson: textOf(row, "leaf_json"),
    sealed: JSON.parse(textOf(row, "sealed")) as SealedFields[],
  }));
}

/** A call for one organisation reads its log only; a call for none reads the platform's logs only. */
function isOwn(log: unknown, org: OrgId | null): boolean {
  return org === null ? parseLogName(log) !== null && parseId("org", log) === null : log === org;
}

const time = (ms: number | null, otherwise: string): string => (ms === null ? otherwise : new Date(ms).toISOString());
