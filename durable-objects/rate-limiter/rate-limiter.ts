import { DurableObject } from "cloudflare:workers";
import { rateLimitMax } from "../../core/limits.ts";
import type { RateAttempt, RateDecision, RateLease, RateVerdict } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { Attempts } from "./attempts.ts";
import type { Counter, RateLimiterMethods } from "./rate-limiter-methods.ts";
import { decide, type Hit, type HitLog, type RateRule, usedOf } from "./sliding-window.ts";

/**
 * Most rows one shard keeps. At a Durable Object's soft ceiling of 1,000 requests a second and our
 * window of a minute there are 60,000; this leaves room for long windows and stays near 100 MB.
 * Beyond it the shard refuses: forgetting old hits instead would let a flood buy everyone a new window.
 */
const rowsMax = rateLimitMax;

/** Expired hits are deleted this often, in milliseconds. They count for nothing meanwhile. */
const sweepEveryMs = 60_000;

type Row = { n: number; at_ms: number };

/**
 * Counts one shard of keys. All state is in SQLite, so an eviction forgets nothing; an answer
 * leaves only after its hit is stored (output gate).
 */
export class RateLimiter extends DurableObject<Env> implements RateLimiterMethods {
  readonly #sql: SqlStorage;
  readonly #attempts: Attempts;
  /** Rows there are, or more: a place that was given back counts until the next sweep. Written with the rows. */
  #rows: number;
  /** Whether an alarm is set. Written by the constructor, `#sweepLater` and `alarm`. */
  #sweeping = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS hits (
      key TEXT NOT NULL, at_ms INTEGER NOT NULL, n INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
      PRIMARY KEY (key, at_ms, n)
    ) STRICT, WITHOUT ROWID`);
    this.#attempts = new Attempts(this.#sql);
    this.#rows = this.#countRows();
    void ctx.blockConcurrencyWhile(async () => {
      this.#sweeping = (await ctx.storage.getAlarm()) !== null;
    });
  }

  /** Counts one request under all counters or under none. There is no `await` between the checks and the writes. */
  async consume(counters: readonly Counter[]): Promise<RateVerdict> {
    const nowMs = Date.now();
    const decided = counters.map(({ key, rule }) => decide(this.#log(key), rule, nowMs));
    const allowed = decided.every(({ granted }) => granted > 0);
    // Of those that would have had room: what they have without this request.
    if (!allowed) return { allowed, decisions: decided.map(({ granted, decision }) => without(granted, decision)) };
    if (this.#isFull(counters.length))
      return { allowed: false, decisions: decided.map(({ decision }) => full(decision)) };
    for (const [index, { key, rule }] of counters.entries()) this.#store(key, rule, decided[index]?.hits ?? []);
    await this.#sweepLater(nowMs);
    return { allowed, decisions: decided.map(({ decision }) => decision) };
  }

  /** Counts up to `permits` requests at once. */
  async lease({ key, rule }: Counter, permits: number): Promise<RateLease> {
    const nowMs = Date.now();
    const { decision, granted, hits } = decide(this.#log(key), rule, nowMs, permits);
    if (granted === 0) return { granted, decision };
    if (this.#isFull(hits.length)) return { granted: 0, decision: full(decision) };
    this.#store(key, rule, hits);
    await this.#sweepLater(nowMs);
    return { granted, decision };
  }

  /** How many the window holds; it counts nothing. */
  async used({ key, rule }: Counter): Promise<number> {
    return usedOf(this.#log(key), rule, Date.now());
  }

  /** Takes a place, to be settled. */
  async attempt(counter: Counter): Promise<RateAttempt> {
    const nowMs = Date.now();
    const taken = this.#attempts.take(counter, crypto.randomUUID(), nowMs);
    if (taken.attempt === null) return taken;
    this.#rows += 1;
    if (this.#rows > rowsMax) {
      this.#attempts.settle(counter, taken.attempt, false);
      this.#rows -= 1;
      return { attempt: null, decision: full(taken.decision) };
    }
    await this.#sweepLater(nowMs);
    return taken;
  }

  /** Gives a place back, or leaves it taken. */
  async settle(counter: Counter, attempt: string, missed: boolean): Promise<void> {
    this.#attempts.settle(counter, attempt, missed);
  }

  /** Deletes what no window can hold any more, and sleeps when nothing is left. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    this.#sql.exec("DELETE FROM hits WHERE expires_ms <= ?", nowMs);
    this.#attempts.sweep(nowMs);
    this.#rows = this.#countRows();
    this.#sweeping = this.#rows > 0;
    if (this.#sweeping) await this.ctx.storage.setAlarm(nowMs + sweepEveryMs);
  }

  #isFull(more: number): boolean {
    return this.#rows + more > rowsMax;
  }

  #store(key: string, rule: RateRule, hits: readonly Hit[]): void {
    for (const { n, atMs } of hits) {
      this.#sql.exec(
        "INSERT INTO hits (key, at_ms, n, expires_ms) VALUES (?, ?, ?, ?)",
        key,
        atMs,
        n,
        atMs + rule.windowMs,
      );
    }
    this.#rows += hits.length;
  }

  async #sweepLater(nowMs: number): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    await this.ctx.storage.setAlarm(nowMs + sweepEveryMs);
  }

  #countRows(): number {
    const { hits } = this.#sql.exec<{ hits: number }>("SELECT count(*) AS hits FROM hits").one();
    return hits + this.#attempts.count();
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

/** A shard that holds all it may refuses until its next sweep. */
function full(decision: RateDecision): RateDecision {
  return { ...decision, allowed: false, remaining: 0, resetSeconds: sweepEveryMs / 1000 };
}

/** What a policy says of a request that another policy refused. */
function without(granted: number, decision: RateDecision): RateDecision {
  return granted === 0 ? decision : { ...decision, remaining: decision.remaining + granted };
}
