import { base64url } from "jose";
import type { AuditEntry, AuditFields, AuditPhase, AuditResult } from "../../core/audit/events.ts";
import {
  committedFields,
  leafHash,
  leafJson,
  type PersonalField,
  type Salts,
  saltBytes,
  type UnhashedEntry,
} from "../../core/audit/leaf.ts";
import type { LogName } from "../../core/audit/logs.ts";
import type { UserId } from "../../core/ids.ts";
import type { SinkEntry } from "../../core/rpc/data.ts";
import type { AuditFilter } from "../../core/rpc/durable-objects.ts";
import { sha256 } from "../sha256.ts";

/** An entry before it has a place in the log. */
export interface EntryDraft {
  readonly requestId: string;
  readonly phase: AuditPhase;
  readonly intentSeq: number | null;
  readonly result: AuditResult | null;
  readonly event: AuditFields;
  /** For an outcome: how many single events follow it as its own. */
  readonly alongside: number;
}

type Row = {
  seq: number;
  at_ms: number;
  request_id: string;
  phase: AuditPhase;
  intent_seq: number | null;
  result: AuditResult | null;
  event: string;
  personal: string;
  leaf: string;
  leaf_hash: string;
};

/** Rows in memory at once while a person is erased; an active one has more than an isolate holds. */
const eraseBatchMax = 500;

/** Value and salt (base64url) of each personal field; an erased field is absent. */
type Personal = Partial<Record<PersonalField, { value: string; salt: string }>>;

/**
 * The log's entries. The leaf never changes; personal values and their salts stand beside it and
 * can be erased. Every method is synchronous, so callers compose them into one transaction.
 */
export class EntryStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS entries (
        seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, request_id TEXT NOT NULL, phase TEXT NOT NULL,
        intent_seq INTEGER, result TEXT, type TEXT NOT NULL, actor TEXT, target TEXT, event TEXT NOT NULL,
        personal TEXT NOT NULL, leaf TEXT NOT NULL, leaf_hash TEXT NOT NULL, alongside INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS entries_by_type ON entries (type, seq);
      CREATE INDEX IF NOT EXISTS entries_by_actor ON entries (actor, seq) WHERE actor IS NOT NULL;
      CREATE INDEX IF NOT EXISTS entries_by_target ON entries (target, seq) WHERE target IS NOT NULL;
      CREATE UNIQUE INDEX IF NOT EXISTS one_outcome ON entries (intent_seq) WHERE intent_seq IS NOT NULL;`);
  }

  lastSeq(): number {
    return this.#sql.exec<{ seq: number }>("SELECT coalesce(max(seq), 0) AS seq FROM entries").one().seq;
  }

  /**
   * Gives a draft the next sequence number, hashes its leaf and stores it.
   * @param nowMs the log's clock; `at` never goes back, so ranges of time are ranges of the log
   */
  append(log: LogName, draft: EntryDraft, nowMs: number): number {
    const last = this.#sql
      .exec<{ seq: number; at_ms: number }>("SELECT seq, at_ms FROM entries ORDER BY seq DESC LIMIT 1")
      .toArray()[0];
    const seq = (last?.seq ?? 0) + 1;
    const atMs = Math.max(nowMs, last?.at_ms ?? 0);
    const entry: UnhashedEntry = {
      version: 1,
      log,
      seq,
      at: new Date(atMs).toISOString(),
      request_id: draft.requestId,
      phase: draft.phase,
      intent_seq: draft.intentSeq,
      result: draft.result,
      event: draft.event,
    };
    const fields = committedFields(draft.event);
    const salts: Salts = Object.fromEntries(
      fields.map((field) => [field, crypto.getRandomValues(new Uint8Array(saltBytes))]),
    );
    const leaf = leafJson(entry, salts, sha256);
    const values = draft.event as unknown as Readonly<Record<string, string>>;
    const personal = Object.fromEntries(
      fields.map((field) => [field, { value: values[field], salt: base64url.encode(salts[field] as Uint8Array) }]),
    );
    const withoutPersons = { ...draft.event, ...Object.fromEntries(fields.map((field) => [field, null])) };
    this.#sql.exec(
      `INSERT INTO entries (seq, at_ms, request_id, phase, intent_seq, result, type, actor, target, event, personal,
         leaf, leaf_hash, alongside) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      seq,
      atMs,
      draft.requestId,
      draft.phase,
      draft.intentSeq,
      draft.result,
      draft.event.type,
      values["user_id"] ?? values["admin_id"] ?? null,
      values["target_user_id"] ?? null,
      JSON.stringify(withoutPersons),
      JSON.stringify(personal),
      leaf,
      leafHash(leaf, sha256),
      draft.alongside,
    );
    return seq;
  }

  /** One entry, or null. */
  get(log: LogName, seq: number): AuditEntry | null {
    const row = this.#sql.exec<Row>("SELECT * FROM entries WHERE seq = ?", seq).toArray()[0];
    return row === undefined ? null : resolve(log, row);
  }

  /** The outcome that closed an intent, and how many single events followed it; null while it is open. */
  outcomeOf(intentSeq: number): { seq: number; alongside: number } | null {
    const query = "SELECT seq, alongside FROM entries WHERE intent_seq = ?";
    return this.#sql.exec<{ seq: number; alongside: number }>(query, intentSeq).toArray()[0] ?? null;
  }

  /** At most `limit` + 1 entries that match, newest first: one more says that there is a next page. */
  list(log: LogName, filter: AuditFilter): AuditEntry[] {
    const conditions: string[] = ["seq < ?"];
    const values: (string | number)[] = [filter.beforeSeq ?? Number.MAX_SAFE_INTEGER];
    const where = (condition: string, value: string | number | null): void => {
      if (value === null) return;
      conditions.push(condition);
      values.push(value);
    };
    where("type = ?", filter.type);
    where("actor = ?", filter.actor);
    where("at_ms >= ?", filter.fromMs);
    where("at_ms <= ?", filter.toMs);
    const query = `SELECT * FROM entries WHERE ${conditions.join(" AND ")} ORDER BY seq DESC LIMIT ?`;
    return [...this.#sql.exec<Row>(query, ...values, filter.limit + 1)].map((row) => resolve(log, row));
  }

  /** Entries after `seq`, oldest first, as the sink takes them. */
  after(log: LogName, seq: number, limit: number): SinkEntry[] {
    const rows = this.#sql.exec<Row>("SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit);
    return [...rows].map((row) => {
      const personal = Object.entries(parsePersonal(row));
      const salts = Object.fromEntries(personal.map(([field, { salt }]) => [field, salt]));
      return { entry: resolve(log, row), leafJson: row.leaf, salts };
    });
  }

  /**
   * Erases what names a person: identifiers that are theirs, and the address and user agent of their
   * own sign-ins, each with its salt. The leaf and its hash stay; nobody can open the commitment again.
   * @returns how many entries changed
   */
  erasePerson(user: UserId): number {
    let erased = 0;
    for (;;) {
      const query = "SELECT * FROM entries WHERE actor = ? OR target = ? LIMIT ?";
      const rows = this.#sql.exec<Row & { actor: string | null }>(query, user, user, eraseBatchMax).toArray();
      // Each pass takes its rows out of the next one's query, so this ends.
      for (const row of rows) this.#eraseFrom(row, user);
      erased += rows.length;
      if (rows.length < eraseBatchMax) return erased;
    }
  }

  #eraseFrom(row: Row & { actor: string | null }, user: UserId): void {
    const own = row.actor === user;
    const kept = Object.entries(parsePersonal(row)).filter(
      ([field, { value }]) => value !== user && !(own && (field === "ip" || field === "user_agent")),
    );
    this.#sql.exec(
      "UPDATE entries SET personal = ?, actor = nullif(actor, ?), target = nullif(target, ?) WHERE seq = ?",
      JSON.stringify(Object.fromEntries(kept)),
      user,
      user,
      row.seq,
    );
  }
}

function parsePersonal(row: Row): Personal {
  return JSON.parse(row.personal) as Personal;
}

/** An entry as readers see it. */
function resolve(log: LogName, row: Row): AuditEntry {
  const known = Object.entries(parsePersonal(row)).map(([field, { value }]) => [field, value]);
  return {
    version: 1,
    log,
    seq: row.seq,
    at: new Date(row.at_ms).toISOString(),
    request_id: row.request_id,
    phase: row.phase,
    intent_seq: row.intent_seq,
    result: row.result,
    event: { ...(JSON.parse(row.event) as object), ...Object.fromEntries(known) } as AuditFields,
    leaf_hash: row.leaf_hash,
  };
}
