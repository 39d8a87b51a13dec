import { base64url } from "jose";
import type { AuditEntry, AuditFields, AuditPhase, AuditResult } from "../../core/audit/events.ts";
import { actorOf, facetsOf, targetOf } from "../../core/audit/facets.ts";
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
import { entriesSchema } from "./entry-schema.ts";
import { EntrySearch, FacetStore } from "./entry-search.ts";

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

/** Rows in memory at once while a person is erased or a log indexed; an active one has more than an isolate holds. */
const batchMax = 500;

/** Value and salt (base64url) of each personal field; an erased field is absent. */
type Personal = Partial<Record<PersonalField, { value: string; salt: string }>>;

/**
 * The log's entries. The leaf never changes; personal values and their salts stand beside it and
 * can be erased. Every method is synchronous, so callers compose them into one transaction.
 */
export class EntryStore {
  readonly #sql: SqlStorage;
  readonly #search: EntrySearch;
  readonly #facets: FacetStore;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#search = new EntrySearch(sql);
    this.#facets = new FacetStore(sql);
    sql.exec(entriesSchema);
    if (this.#facets.isNew) this.#indexAll();
  }

  /**
   * Of a log from before there were facets, once: nothing is awaited here, so all of it is one transaction, and a
   * crash on the way leaves a log that has none yet.
   */
  #indexAll(): void {
    for (let seq = 0; ; ) {
      const rows = this.#sql.exec<Row>("SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?", seq, batchMax);
      const found = rows.toArray();
      for (const row of found) {
        // The log's name is no facet.
        const entry = resolve("platform-0", row);
        this.#facets.add(row.seq, facetsOf(entry));
        const target = targetOf(entry.event);
        this.#sql.exec("UPDATE entries SET target = ? WHERE seq = ? AND target IS NULL", target, row.seq);
      }
      seq = found.at(-1)?.seq ?? seq;
      if (found.length < batchMax) return;
    }
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
      actorOf(draft.event),
      targetOf(draft.event),
      JSON.stringify(withoutPersons),
      JSON.stringify(personal),
      leaf,
      leafHash(leaf, sha256),
      draft.alongside,
    );
    this.#facets.add(seq, facetsOf(draft));
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

  /** A page of entries that match, newest first; see {@link EntrySearch}. */
  list(log: LogName, filter: AuditFilter): { items: AuditEntry[]; nextBeforeSeq: number | null } {
    const { seqs, nextBeforeSeq } = this.#search.page(filter);
    const items = seqs.flatMap((seq) => this.get(log, seq) ?? []);
    return { items, nextBeforeSeq };
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
      const rows = this.#sql.exec<Row & { actor: string | null }>(query, user, user, batchMax).toArray();
      // Each pass takes its rows out of the next one's query, so this ends.
      for (const row of rows) this.#eraseFrom(row, user);
      erased += rows.length;
      if (rows.length < batchMax) return erased;
    }
  }

  #eraseFrom(row: Row & { actor: string | null }, user: UserId): void {
    const own = row.actor === user;
    const personal = parsePersonal(row);
    if (own && personal.ip !== undefined) this.#facets.remove(row.seq, "address", personal.ip.value);
    const kept = Object.entries(personal).filter(
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
