import type { RateAttempt } from "../../core/rpc/durable-objects.ts";
import type { Counter } from "./rate-limiter-methods.ts";

/** Told to come back so soon while a place may still be given back. */
const unsettledRetrySeconds = 1;

type Window = { used: number; unsettled: number; oldest_ms: number | null; newest_ms: number | null };

/**
 * Places of a window that are taken before it is known whether the request counts. There are never more of a key
 * than its limit, which is small (ten guesses), so they are counted by looking at each.
 */
export class Attempts {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS attempts (
      key TEXT NOT NULL, id TEXT NOT NULL, at_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
      settled INTEGER NOT NULL, PRIMARY KEY (key, id)
    ) STRICT, WITHOUT ROWID`);
  }

  /** Rows there are, of all keys. */
  count(): number {
    return this.#sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM attempts").one().rows;
  }

  /** Takes a place under the name `id`, if one is free. @param nowMs Unix milliseconds; time that goes back stands still */
  take({ key, rule }: Counter, id: string, nowMs: number): RateAttempt {
    const { limit, windowMs } = rule;
    const newest = this.#window(key, Number.MIN_SAFE_INTEGER).newest_ms;
    const atMs = Math.max(nowMs, newest ?? nowMs);
    const { used, unsettled, oldest_ms: oldest } = this.#window(key, atMs - windowMs);
    if (used >= limit) {
      const waitMs = (oldest ?? atMs) + windowMs - atMs;
      const resetSeconds = unsettled > 0 ? unsettledRetrySeconds : Math.max(1, Math.ceil(waitMs / 1000));
      return { attempt: null, decision: { allowed: false, limit, remaining: 0, resetSeconds } };
    }
    this.#sql.exec(
      "INSERT INTO attempts (key, id, at_ms, expires_ms, settled) VALUES (?, ?, ?, ?, 0)",
      key,
      id,
      atMs,
      atMs + windowMs,
    );
    const decision = { allowed: true, limit, remaining: limit - used - 1, resetSeconds: Math.ceil(windowMs / 1000) };
    return { attempt: id, decision };
  }

  settle({ key }: Counter, id: string, missed: boolean): void {
    const change = missed
      ? "UPDATE attempts SET settled = 1 WHERE key = ? AND id = ?"
      : "DELETE FROM attempts WHERE key = ? AND id = ?";
    this.#sql.exec(change, key, id);
  }

  sweep(nowMs: number): void {
    this.#sql.exec("DELETE FROM attempts WHERE expires_ms <= ?", nowMs);
  }

  #window(key: string, afterMs: number): Window {
    return this.#sql
      .exec<Window>(
        `SELECT count(*) AS used, coalesce(sum(settled = 0), 0) AS unsettled, min(at_ms) AS oldest_ms,
          max(at_ms) AS newest_ms FROM attempts WHERE key = ? AND at_ms > ?`,
        key,
        afterMs,
      )
      .one();
  }
}
