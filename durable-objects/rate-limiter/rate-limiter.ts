import { DurableObject } from "cloudflare:workers";
import { rateLimitMax } from "../../core/limits.ts";
import type { RateDecision, RateLease } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import type { RateLimiterMethods } from "./rate-limiter-methods.ts";
import { decide, type Hit, type HitLog, type RateRule } from "./sliding-window.ts";

/**
 * Most hits one shard keeps. At a Durable Object's soft ceiling of 1,000 requests a second and our
 * window of a minute there are 60,000; this leaves room for long windows and stays near 100 MB.
 * Beyond it the shard refuses: forgetting old hits instead would let a flood buy everyone a new window.
 */
const hitsMax = rateLimitMax;

/** Expired hits are deleted this often, in milliseconds. They count for nothing meanwhile. */
const sweepEveryMs = 60_000;

type Row = { n: number; at_ms: number };

/**
 * Counts one shard of keys. All state is in SQLite, so an eviction forgets nothing; an answer
 * leaves only after its hit is stored (output gate).
 */
export class RateLimiter extends DurableObject<Env> implements RateLimiterMethods {
  readonly #sql: SqlStorage;
  /** Rows in `hits`. Written by `lease` and `alarm`, in the same turn as the rows. */
  #hits: number;
  /** Whether an alarm is set. Written by the constructor, `lease` and `alarm`. */
  #sweeping = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS hits (
      key TEXT NOT NULL, at_ms INTEGER NOT NULL, n INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
      PRIMARY KEY (key, at_ms, n)
    ) STRICT, WITHOUT ROWID`);
    this.#hits = this.#sql.exec<{ hits: number }>("SELECT count(*) AS hits FROM hits").one().hits;
    void ctx.blockConcurrencyWhile(async () => {
      this.#sweeping = (await ctx.storage.getAlarm()) !== null;
    });
  }

  /**
   * Counts one request.
   * @param key a digest made by `Limits`, which also validated `rule`
   */
  async consume(key: string, rule: RateRule): Promise<RateDecision> {
    return (await this.lease(key, rule, 1)).decision;
  }

  /**
   * Counts up to `permits` requests at once. There is no `await` between the check and its writes.
   * @param key a digest made by `Limits`, which also validated `rule` and `permits`
   */
  async lease(key: string, rule: RateRule, permits: number): Promise<RateLease> {
    const nowMs = Date.now();
    const { decision, granted, hits } = decide(this.#log(key), rule, nowMs, permits);
    if (granted === 0) return { granted, decision };
    if (this.#hits + hits.length > hitsMax) {
      const full = { ...decision, allowed: false, remaining: 0, resetSeconds: sweepEveryMs / 1000 };
      return { granted: 0, decision: full };
    }
    for (const { n, atMs } of hits) {
      this.#sql.exec(
        "INSERT INTO hits (key, at_ms, n, expires_ms) VALUES (?, ?, ?, ?)",
        key,
        atMs,
        n,
        atMs + rule.windowMs,
      );
    }
    this.#hits += hits.length;
    if (!this.#sweeping) {
      this.#sweeping = true;
      await this.ctx.storage.setAlarm(nowMs + sweepEveryMs);
    }
    return { granted, decision };
  }

  /** Deletes what no window can hold any more, and sleeps when nothing is left. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    this.#sql.exec("DELETE FROM hits WHERE expires_ms <= ?", nowMs);
    this.#hits = this.#sql.exec<{ hits: number }>("SELECT count(*) AS hits FROM hits").one().hits;
    this.#sweeping = this.#hits > 0;
    if (this.#sweeping) await this.ctx.storage.setAlarm(nowMs + sweepEveryMs);
  }

  #log(key: string): HitLog {
    const first = (query: string, ...values: unknown[]): Hit | null => {
      const [row] = this.#sql.exec<Row>(query, ...values);
      return row === undefined ? null : { n: row.n, atMs: row.at_ms };
    };
    return {
      newest: () => first("SELECT n, at_ms FROM hits WHERE key = ? ORDER BY at_ms DESC, n DESC LIMIT 1", key),
      firstAfter: (atMs) =>
        first("SELECT n, at_ms FROM hits WHERE key = ? AND at_ms > ? ORDER BY at_ms, n LIMIT 1", key, atMs),
      get: (n) => first("SELECT n, at_ms FROM hits WHERE key = ? AND n >= ? ORDER BY at_ms, n LIMIT 1", key, n),
    };
  }
}
