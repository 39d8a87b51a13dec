/** Kept for as long as an intent may wait for its outcome, and far longer, in milliseconds. */
const keptMs = 24 * 3600_000;

/**
 * Receipts of erasures: the work is done in the log's own object, so its receipt is there too, in the transaction that
 * did it. The reconciler looks here before it asks Postgres.
 */
export class Erasures {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS erasures (request_id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    );
  }

  add(requestId: string, nowMs: number): void {
    this.#sql.exec("INSERT INTO erasures (request_id, at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING", requestId, nowMs);
  }

  has(requestId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM erasures WHERE request_id = ?", requestId).toArray().length > 0;
  }

  forget(nowMs: number): void {
    this.#sql.exec("DELETE FROM erasures WHERE at_ms <= ?", nowMs - keptMs);
  }
}
