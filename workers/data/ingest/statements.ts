/** The writes of one batch, as few statements as there are kinds of records. */
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { type Row, type Statement, sql } from "../../../store/connect.ts";

/** A record as it is to be stored: a reply may be sealed for its command. */
export type StorableRecord = Exclude<IngestRecord, { kind: "reply" }> | StorableReply;
export type StorableReply = Extract<IngestRecord, { kind: "reply" }> & {
  /** Null: its command brought no key along, and it is stored as it came. */
  readonly sealed: string | null;
};
type Of<K extends StorableRecord["kind"]> = Extract<StorableRecord, { kind: K }>;

/** What became of a batch's samples; those that were there before are in none of the counts. */
export interface SamplesStored {
  /** New ones. */
  readonly stored: number;
  /** From before what is kept: refused, and they would be refused again. */
  readonly tooOld: number;
  /** Of the stored, those whose time lay in the future and became that of their arrival. */
  readonly retimed: number;
}

export interface IngestWork {
  /** For the tenant's schema; empty for an empty batch. Repeating them changes nothing. */
  readonly statements: Statement[];
  /** Reads the rows of `statements`. */
  counts(results: readonly Row[][]): SamplesStored;
}

/** What stores one batch. */
export function ingestWork(records: readonly StorableRecord[]): IngestWork {
  const of = <K extends StorableRecord["kind"]>(kind: K): Of<K>[] =>
    records.filter((record): record is Of<K> => record.kind === kind);
  const samples = telemetry(of("telemetry"));
  return {
    statements: [...samples, ...presence(of("presence")), ...replies(of("reply"))],
    counts: (results) => samplesStored(samples.length === 0 ? undefined : results[0]?.[0]),
  };
}

/**
 * One call of the schema's own function (migrations/tenant/0003_telemetry.sql), which bounds what time a
 * device may claim, makes the partitions and marks the hours to be rolled up. Times travel as
 * milliseconds: the device's own may name years that Postgres's text format does not read, and one such
 * sample must not hold up the batch.
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
  return [sql`SELECT stored, too_old, retimed FROM telemetry_store(${JSON.stringify(rows)}::json)`];
}

function samplesStored(row: Row | undefined): SamplesStored {
  const count = (name: string): number => (row === undefined ? 0 : Number(row[name]));
  return { stored: count("stored"), tooOld: count("too_old"), retimed: count("retimed") };
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
  const rows = [...first.values()].map(({ device, receivedAt, reply, sealed }) => ({
    device,
    command: reply.id,
    at_ms: Date.parse(receivedAt),
    reply: sealed === null ? reply : { sealed },
  }));
  return [
    sql`UPDATE commands c SET reply = r.reply, replied_at = to_timestamp(r.at_ms / 1000)
        FROM json_to_recordset(${JSON.stringify(rows)}::json) AS r(device text, command text, at_ms double precision, reply jsonb)
        WHERE c.id = r.command AND c.device_id = r.device AND c.reply IS NULL`,
  ];
}
