import { alertWindowMs, type Signal, signalsOf } from "../../core/audit/alerts.ts";
import type { AuditFields } from "../../core/audit/events.ts";
import type { LogName } from "../../core/audit/logs.ts";
import type { AlertKind } from "../../core/audit/vocabulary.ts";
import type { EntryStore } from "./entry-store.ts";
import type { SubjectKeys } from "./subject-keys.ts";

/** Patterns that are watched at once. Beyond it new ones are not: the entries themselves are all there. */
export const watchedMax = 5000;

/** An event that has just been written, or counted, and the number that stands for it. */
export interface Noted {
  readonly event: AuditFields;
  readonly seq: number;
}

type Alert = Omit<Extract<AuditFields, { type: "alert" }>, "type" | "kind" | "last_seq">;
type Row = { count: number; country: string; first_seq: number; alerted: number };

/**
 * Looks for patterns of events, and writes an entry for each that it finds, behind the events, in their transaction.
 * One pattern of one subject is told once in its window. Every method is synchronous.
 */
export class Alerts {
  readonly #sql: SqlStorage;
  readonly #entries: EntryStore;
  readonly #keys: SubjectKeys;

  constructor(sql: SqlStorage, entries: EntryStore, keys: SubjectKeys) {
    this.#sql = sql;
    this.#entries = entries;
    this.#keys = keys;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS watched (
        kind TEXT NOT NULL, subject TEXT NOT NULL, count INTEGER NOT NULL, country TEXT NOT NULL,
        first_seq INTEGER NOT NULL, alerted INTEGER NOT NULL, until_ms INTEGER NOT NULL, PRIMARY KEY (kind, subject)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS watched_by_end ON watched (until_ms);`);
  }

  /** @returns how many alerts were written */
  watch(log: LogName, requestId: string, noted: readonly Noted[], nowMs: number): number {
    let alerts = 0;
    for (const { event, seq } of noted) {
      for (const signal of signalsOf(event)) {
        const alert = this.#take(signal, seq, nowMs);
        if (alert === null) continue;
        const found: AuditFields = { type: "alert", kind: signal.kind, ...alert, last_seq: seq };
        const rest = { phase: "event", intentSeq: null, result: null, alongside: 0 } as const;
        this.#entries.append(log, { ...rest, requestId, event: found }, nowMs);
        alerts += 1;
      }
    }
    return alerts;
  }

  /** Forgets whom it watches: subjects are people and addresses, by their tags. What was found is in entries. */
  forget(): void {
    this.#sql.exec("DELETE FROM watched");
  }

  #take(signal: Signal, seq: number, nowMs: number): Alert | null {
    this.#sql.exec("DELETE FROM watched WHERE until_ms <= ?", nowMs);
    const { kind, subject } = signal;
    const tag = this.#keys.tag("watched", subject);
    const query = "SELECT count, country, first_seq, alerted FROM watched WHERE kind = ? AND subject = ?";
    const before = this.#sql.exec<Row>(query, kind, tag).toArray()[0] ?? null;
    const about = { user_id: subject, ip: null, country: null, country_before: null };
    switch (signal.kind) {
      case "many_failures":
      case "mass_export": {
        const count = (before?.count ?? 0) + signal.weight;
        const isFound = count >= signal.enough && before?.alerted !== 1;
        const alerted = isFound || before?.alerted === 1 ? 1 : 0;
        const first_seq = before?.first_seq ?? seq;
        this.#keep(kind, tag, { count, country: "", first_seq, alerted }, before === null, nowMs);
        if (!isFound) return null;
        return { ...about, ...(signal.about === "address" ? { user_id: null, ip: subject } : {}), count, first_seq };
      }
      case "impossible_travel": {
        const { country } = signal;
        // The hour begins anew with each sign-in: what counts is the time since the last.
        this.#sql.exec("DELETE FROM watched WHERE kind = ? AND subject = ?", kind, tag);
        this.#keep(kind, tag, { count: 1, country, first_seq: seq, alerted: 0 }, true, nowMs);
        if (before === null || before.country === country) return null;
        return { ...about, country, country_before: before.country, count: 2, first_seq: before.first_seq };
      }
      case "role_raised_then_used": {
        if (signal.what === "raised") {
          this.#keep(kind, tag, { count: 1, country: "", first_seq: seq, alerted: 0 }, before === null, nowMs);
          return null;
        }
        if (before === null) return null;
        this.#sql.exec("DELETE FROM watched WHERE kind = ? AND subject = ?", kind, tag);
        return { ...about, count: 2, first_seq: before.first_seq };
      }
    }
  }

  /** @param isNew begins a window; else the one that is open goes on */
  #keep(
    kind: AlertKind,
    tag: string,
    { count, country, first_seq, alerted }: Row,
    isNew: boolean,
    nowMs: number,
  ): void {
    if (!isNew) {
      const update = "UPDATE watched SET count = ?, first_seq = ?, alerted = ? WHERE kind = ? AND subject = ?";
      this.#sql.exec(update, count, first_seq, alerted, kind, tag);
      return;
    }
    if (this.#sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM watched").one().rows >= watchedMax) return;
    this.#sql.exec(
      `INSERT INTO watched (kind, subject, count, country, first_seq, alerted, until_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ...[kind, tag, count, country, first_seq, alerted, nowMs + alertWindowMs[kind]],
    );
  }
}
