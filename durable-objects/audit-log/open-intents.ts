/**
 * A request's intent is looked up by the reconciler when it has been open for this long, in
 * milliseconds: longer than any request may live, so whoever opened it is gone.
 */
export const intentOpenMsMax = 60_000;

/** Open intents in one log. Beyond it, work is refused before it begins (fail closed). */
export const openIntentsMax = 10_000;

export interface OpenIntent {
  readonly seq: number;
  readonly requestId: string;
  /** Failed look-ups so far. */
  readonly tries: number;
}

type Row = { seq: number; request_id: string; tries: number };

/** Intents without an outcome, and when the reconciler looks at each. */
export class OpenIntents {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS open_intents (
        seq INTEGER PRIMARY KEY, request_id TEXT NOT NULL, tries INTEGER NOT NULL, due_ms INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS open_intents_by_due ON open_intents (due_ms);`);
  }

  count(): number {
    return this.#sql.exec<{ open: number }>("SELECT count(*) AS open FROM open_intents").one().open;
  }

  open(seq: number, requestId: string, nowMs: number): void {
    const query = "INSERT INTO open_intents (seq, request_id, tries, due_ms) VALUES (?, ?, 0, ?)";
    this.#sql.exec(query, seq, requestId, nowMs + intentOpenMsMax);
  }

  get(seq: number): OpenIntent | null {
    const row = this.#sql.exec<Row>("SELECT seq, request_id, tries FROM open_intents WHERE seq = ?", seq).toArray()[0];
    return row === undefined ? null : { seq: row.seq, requestId: row.request_id, tries: row.tries };
  }

  close(seq: number): void {
    this.#sql.exec("DELETE FROM open_intents WHERE seq = ?", seq);
  }

  due(nowMs: number, limit: number): OpenIntent[] {
    const query = "SELECT seq, request_id, tries FROM open_intents WHERE due_ms <= ? ORDER BY due_ms, seq LIMIT ?";
    return [...this.#sql.exec<Row>(query, nowMs, limit)].map((row) => ({
      seq: row.seq,
      requestId: row.request_id,
      tries: row.tries,
    }));
  }

  postpone(seq: number, tries: number, dueMs: number): void {
    this.#sql.exec("UPDATE open_intents SET tries = ?, due_ms = ? WHERE seq = ?", tries, dueMs, seq);
  }

  nextDueMs(): number | null {
    return this.#sql.exec<{ due: number | null }>("SELECT min(due_ms) AS due FROM open_intents").one().due;
  }
}
