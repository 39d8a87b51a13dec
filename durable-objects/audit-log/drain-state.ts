import { type LogName, parseLogName } from "../../core/audit/logs.ts";

export interface DrainState {
  /** Everything up to this sequence number is in Postgres. Only a write that succeeded moves it. */
  readonly drainedSeq: number;
  /** Failed writes in a row. */
  readonly tries: number;
  /** When to write next, Unix milliseconds. */
  readonly dueMs: number;
}

type Row = { log: string; drained_seq: number; tries: number; due_ms: number };

/** The log's name and how far it has been drained: one row. */
export class DrainStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS drain (
      id INTEGER PRIMARY KEY CHECK (id = 1), log TEXT NOT NULL,
      drained_seq INTEGER NOT NULL, tries INTEGER NOT NULL, due_ms INTEGER NOT NULL
    ) STRICT`);
  }

  /** The log's name; null before its first entry. An alarm has no caller who could say it. */
  log(): LogName | null {
    return parseLogName(this.#row()?.log);
  }

  /** Remembers the name at the first entry; later, an object that is addressed by another is a bug. */
  claim(log: LogName): void {
    const known = this.#row()?.log;
    if (known === log) return;
    if (known !== undefined) throw new Error("this object holds another log");
    this.#sql.exec("INSERT INTO drain (id, log, drained_seq, tries, due_ms) VALUES (1, ?, 0, 0, 0)", log);
  }

  get(): DrainState {
    const row = this.#row();
    return { drainedSeq: row?.drained_seq ?? 0, tries: row?.tries ?? 0, dueMs: row?.due_ms ?? 0 };
  }

  set(state: DrainState): void {
    const query = "UPDATE drain SET drained_seq = ?, tries = ?, due_ms = ? WHERE id = 1";
    this.#sql.exec(query, state.drainedSeq, state.tries, state.dueMs);
  }

  #row(): Row | undefined {
    return this.#sql.exec<Row>("SELECT log, drained_seq, tries, due_ms FROM drain").toArray()[0];
  }
}
