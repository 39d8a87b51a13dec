import type { AuditEntry, AuditFields, AuditPhase, AuditResult } from "../../core/audit/events.ts";
import { facetsOf, targetOf } from "../../core/audit/facets.ts";
import {
  committedFields,
  leafHash,
  leafJson,
  type Salts,
  saltBytes,
  type UnhashedEntry,
} from "../../core/audit/leaf.ts";
import type { LogName } from "../../core/audit/logs.ts";
import { parseId } from "../../core/ids.ts";
import type { SinkEntry } from "../../core/rpc/data.ts";
import type { AuditFilter } from "../../core/rpc/durable-objects.ts";
import { sha256 } from "../sha256.ts";
import { bareEntry, type EntryRow, openEntry, readKept, writeSealed } from "./entry-row.ts";
import { entriesSchema } from "./entry-schema.ts";
import { EntrySealing } from "./entry-sealing.ts";
import { EntrySearch } from "./entry-search.ts";
import { FacetStore } from "./facet-store.ts";
import { PersonalFields } from "./personal-fields.ts";
import type { SubjectKeys } from "./subject-keys.ts";

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

/** Rows in memory at once while a log is indexed; an active one has more than an isolate holds. */
const batchMax = 500;

/**
 * The log's entries. The leaf never changes; personal values and their salts stand beside it, sealed for
 * whose they are. Every method is synchronous, so callers compose them into one transaction.
 */
export class EntryStore {
  readonly #sql: SqlStorage;
  readonly #search: EntrySearch;
  readonly #facets: FacetStore;
  readonly #fields: PersonalFields;
  /** What is left to do for personal fields. */
  readonly sealing: EntrySealing;

  constructor(sql: SqlStorage, keys: SubjectKeys) {
    this.#sql = sql;
    this.#search = new EntrySearch(sql);
    this.#facets = new FacetStore(sql);
    this.#fields = new PersonalFields(keys);
    sql.exec(entriesSchema);
    this.sealing = new EntrySealing(sql, keys, this.#fields);
    if (this.#facets.isNew) this.#indexAll();
  }

  /**
   * Of a log from before there were facets, once: nothing is awaited here, so all of it is one transaction, and a
   * crash on the way leaves a log that has none yet.
   */
  #indexAll(): void {
    for (let seq = 0; ; ) {
      const rows = this.#sql.exec<EntryRow>("SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?", seq, batchMax);
      const found = rows.toArray();
      for (const row of found) {
        // The log's name is no facet; and persons are found when they are sealed.
        const entry = bareEntry("platform-0", row);
        this.#facets.add(row.seq, facetsOf(entry));
        const device = parseId("device", targetOf(entry.event));
        this.#sql.exec("UPDATE entries SET target = ? WHERE seq = ? AND target IS NULL", device, row.seq);
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
    const sealed = this.#fields.seal({ log, seq }, draft.event, salts, atMs);
    const { actor, target } = this.sealing.names.columns(draft.event);
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
      actor,
      target,
      JSON.stringify(withoutPersons),
      writeSealed(sealed),
      leaf,
      leafHash(leaf, sha256),
      draft.alongside,
    );
    this.#facets.add(seq, facetsOf(draft));
    this.sealing.names.addAddress(seq, draft.event, sealed);
    return seq;
  }

  /** One entry, or null. */
  get(log: LogName, seq: number): AuditEntry | null {
    const row = this.#sql.exec<EntryRow>("SELECT * FROM entries WHERE seq = ?", seq).toArray()[0];
    return row === undefined ? null : openEntry(log, row, this.#fields);
  }

  /** The outcome that closed an intent, and how many single events followed it; null while it is open. */
  outcomeOf(intentSeq: number): { seq: number; alongside: number } | null {
    const query = "SELECT seq, alongside FROM entries WHERE intent_seq = ?";
    return this.#sql.exec<{ seq: number; alongside: number }>(query, intentSeq).toArray()[0] ?? null;
  }

  /** A page of entries that match, newest first; see {@link EntrySearch}. */
  list(log: LogName, filter: AuditFilter): { items: AuditEntry[]; nextBeforeSeq: number | null } {
    const { seqs, nextBeforeSeq } = this.#search.page(filter, this.sealing.names);
    const items = seqs.flatMap((seq) => this.get(log, seq) ?? []);
    return { items, nextBeforeSeq };
  }

  /** Entries after `seq`, oldest first, as the sink takes them. */
  after(log: LogName, seq: number, limit: number): SinkEntry[] {
    const rows = this.#sql.exec<EntryRow>("SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit);
    return [...rows].map((row) => {
      const kept = readKept(row.personal);
      // What is in clear waits here until it is sealed; then it is sent again.
      return { entry: bareEntry(log, row), leafJson: row.leaf, sealed: kept.kind === "sealed" ? kept.sealed : [] };
    });
  }
}
