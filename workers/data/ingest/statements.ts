/** The writes of one batch, as few statements as there are kinds of records. */
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { type Statement, sql } from "../../../store/connect.ts";

type Of<K extends IngestRecord["kind"]> = Extract<IngestRecord, { kind: K }>;

/** Statements for the tenant's schema; empty for an empty batch. Repeating them changes nothing. */
export function ingestStatements(records: readonly IngestRecord[]): Statement[] {
  const of = <K extends IngestRecord["kind"]>(kind: K): Of<K>[] =>
    records.filter((record): record is Of<K> => record.kind === kind);
  return [...telemetry(of("telemetry")), ...presence(of("presence")), ...replies(of("reply"))];
}

/**
 * Times travel as milliseconds: the device's own may name years that Postgres's text format does
 * not read, and one such sample must not hold up the batch.
 */
function telemetry(records: readonly Of<"telemetry">[]): Statement[] {
  if (records.length === 0) return [];
  const rows = records.map(({ device, sampleId, at, receivedAt, metrics }) => ({
    device,
    sample: sampleId,
    at_ms: Date.parse(at),
    received_ms: Date.parse(receivedAt),
    metrics,
  }));
  return [
    sql`INSERT INTO telemetry (device_id, sample_id, at, received_at, metrics)
        SELECT device, sample, to_timestamp(at_ms / 1000), to_timestamp(received_ms / 1000), metrics
        FROM json_to_recordset(${JSON.stringify(rows)}::json)
          AS r(device text, sample text, at_ms double precision, received_ms double precision, metrics jsonb)
        ON CONFLICT (device_id, sample_id) DO NOTHING`,
  ];
}

/** The last word of each device in the batch; an older one that arrives again does not undo a newer one. */
function presence(records: readonly Of<"presence">[]): Statement[] {
  if (records.length === 0) return [];
  const last = new Map(records.map((record) => [record.device, record]));
  const rows = [...last.values()].map(({ device, online, at }) => ({ device, online, at_ms: Date.parse(at) }));
  return [
    sql`UPDATE devices d SET online = r.online, last_seen_at = to_timestamp(r.at_ms / 1000)
        FROM json_to_recordset(${JSON.stringify(rows)}::json) AS r(device text, online boolean, at_ms double precision)
        WHERE d.id = r.device AND (d.last_seen_at IS NULL OR d.last_seen_at <= to_timestamp(r.at_ms / 1000))`,
  ];
}

/** A command's first reply stands; a device can answer only its own commands. */
function replies(records: readonly Of<"reply">[]): Statement[] {
  if (records.length === 0) return [];
  const first = new Map(records.toReversed().map((record) => [`${record.device} ${record.reply.id}`, record]));
  const rows = [...first.values()].map(({ device, receivedAt, reply }) => ({
    device,
    command: reply.id,
    at_ms: Date.parse(receivedAt),
    reply,
  }));
  return [
    sql`UPDATE commands c SET reply = r.reply, replied_at = to_timestamp(r.at_ms / 1000)
        FROM json_to_recordset(${JSON.stringify(rows)}::json) AS r(device text, command text, at_ms double precision, reply jsonb)
        WHERE c.id = r.command AND c.device_id = r.device AND c.reply IS NULL`,
  ];
}
