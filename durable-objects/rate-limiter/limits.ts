import { WorkerEntrypoint } from "cloudflare:workers";
import { base64url } from "jose";
import { rateLimitMax } from "../../core/limits.ts";
import type { LimitsRpc, RateDecision, RateLease } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";

/** Longest key a caller may count; the rate class, a credential and a tenant are some 100. */
export const keyCharactersMax = 256;
/** Longest window; a longer one would keep rows for longer than a shard can hold them. */
export const windowMsMax = 3600_000;
/** Most requests counted at once; the edge asks for far fewer. */
export const permitsMax = 256;

/**
 * Objects over which keys are spread. One object takes about 1,000 requests a second, so sixteen
 * carry more than one placement's Postgres. Changing the number forgets one window, once.
 */
export const limiterShards = 16;

/**
 * Exact counting, for the edge. It carries no assertion: nobody is known yet when the edge counts,
 * the binding is the authority, and the edge alone holds it. All it can do is count.
 */
export class Limits extends WorkerEntrypoint<Env> implements LimitsRpc {
  /** @throws RangeError for arguments that no rate class has */
  async consume(key: string, limit: number, windowMs: number): Promise<RateDecision> {
    const { limiter, digest } = await this.#find(key, limit, windowMs);
    return await limiter.consume(digest, { limit, windowMs });
  }

  /** @throws RangeError for arguments that no rate class has */
  async lease(key: string, limit: number, windowMs: number, permits: number): Promise<RateLease> {
    if (!Number.isSafeInteger(permits) || permits < 1 || permits > permitsMax) {
      throw new RangeError(`permits are 1 to ${permitsMax}`);
    }
    const { limiter, digest } = await this.#find(key, limit, windowMs);
    return await limiter.lease(digest, { limit, windowMs }, permits);
  }

  /** The object that counts `key`, and the name it knows it by. */
  async #find(key: string, limit: number, windowMs: number) {
    if (typeof key !== "string" || key.length === 0 || key.length > keyCharactersMax) {
      throw new RangeError(`a key is 1 to ${keyCharactersMax} characters`);
    }
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > rateLimitMax) throw new RangeError("limit out of range");
    if (!Number.isSafeInteger(windowMs) || windowMs < 1 || windowMs > windowMsMax) {
      throw new RangeError("window out of range");
    }
    // Only a digest is stored: keys hold addresses. The window is part of it, so a row always
    // outlives every window that may count it.
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${windowMs} ${key}`));
    const shard = new DataView(digest).getUint32(0) % limiterShards;
    const limiter = this.env.RATE_LIMITER.getByName(`shard-${shard}`);
    return { limiter, digest: base64url.encode(new Uint8Array(digest)) };
  }
}
