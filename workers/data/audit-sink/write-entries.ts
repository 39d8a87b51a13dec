import type { AuditEntry } from "../../../core/audit/events.ts";
import { type OrgId, parseId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { SinkEntry } from "../../../core/rpc/data.ts";
import { createDatabase, sql } from "../../../store/connect.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import { placementFor } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";

/** Entries in one call: a few KiB each stay far below the 64 MB of one request to Postgres. */
export const sinkEntriesMax = 1000;

/**
 * Appends entries to the audit tables of the log's placement; an organisation's beside its data, the
 * platform's on the first. Entries that are there already are left alone.
 * @throws CallRefused, TenantNotReady, DatabaseError, RangeError
 */
export async function writeEntries(unit: DataUnit, call: SignedCall, entries: readonly SinkEntry[]): Promise<void> {
  const verified = await verifyCall(
    call,
    { audience: "data.audit-sink", jobs: ["audit_drain"] },
    unit.keys,
    unit.now(),
  );
  if (!Array.isArray(entries) || entries.length > sinkEntriesMax) throw new RangeError("too many entries in one call");
  if (entries.length === 0) return;
  if (!entries.every(({ entry }) => belongsTo(entry, verified.org))) throw new CallRefused("wrong_org");
  const scope = callScope(verified);
  const placement = scope === null ? unit.config.firstPlacement : (await placementFor(unit, scope))[1];
  const database = createDatabase({ url: placement.auditWriterUrl, gateway: unit.config.gateway });
  await database.transaction([
    sql`INSERT INTO audit.events
          (log, seq, occurred_at, request_id, phase, intent_seq, result, type, leaf_json, leaf_hash)
        SELECT log, seq, occurred_at, request_id, phase, intent_seq, result, type, leaf_json, leaf_hash
        FROM json_to_recordset(${JSON.stringify(entries.map(eventRow))}::json) AS e(
          log text, seq bigint, occurred_at timestamptz, request_id text, phase text, intent_seq bigint,
          result text, type text, leaf_json text, leaf_hash text)
        ON CONFLICT DO NOTHING`,
    sql`INSERT INTO audit.sealed_fields (log, seq, subject, sealed)
        SELECT log, seq, subject, sealed
        FROM json_to_recordset(${JSON.stringify(entries.flatMap(sealedRows))}::json)
          AS s(log text, seq bigint, subject bigint, sealed text)
        ON CONFLICT DO NOTHING`,
    // What is there in clear is of an entry from before its log sealed them.
    sql`DELETE FROM audit.personal_fields p
        USING json_to_recordset(${JSON.stringify(entries.map(({ entry }) => ({ log: entry.log, seq: entry.seq })))}::json)
          AS e(log text, seq bigint)
        WHERE p.log = e.log AND p.seq = e.seq`,
  ]);
}

/** A call for one organisation carries its log only; a call for none carries the platform's logs only. */
function belongsTo(entry: AuditEntry, org: OrgId | null): boolean {
  return org === null ? parseId("org", entry.log) === null : entry.log === org;
}

function eventRow({ entry, leafJson }: SinkEntry): Record<string, unknown> {
  return {
    log: entry.log,
    seq: entry.seq,
    occurred_at: entry.at,
    request_id: entry.request_id,
    phase: entry.phase,
    intent_seq: entry.intent_seq,
    result: entry.result,
    type: entry.event.type,
    leaf_json: leafJson,
    leaf_hash: entry.leaf_hash,
  };
}

/**
 * What names people, apart from the immutable row, and sealed: this Worker never sees it in clear, nor a key. An object
 * from before the sealing sends none; what it keeps in clear it seals and sends once it is of a newer version.
 */
function sealedRows({ entry, sealed }: SinkEntry): Record<string, unknown>[] {
  return (sealed ?? []).map((fields) => ({ log: entry.log, seq: entry.seq, ...fields }));
}
