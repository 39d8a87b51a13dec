import { base64url } from "jose";
import { rateLimitMax } from "../../core/limits.ts";
import type { RatePolicy } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import type { Counter } from "./rate-limiter-methods.ts";

/** Longest name of a client; an address or a person in a tenant is some 80 characters. */
export const clientCharactersMax = 256;
/** Longest name of a policy: a word or two. */
export const policyCharactersMax = 64;
/** Policies of one request: its class's own, and everything. */
export const policiesMax = 4;
/** Longest window; a longer one would keep rows for longer than a shard can hold them. */
export const windowMsMax = 3600_000;

/**
 * Objects over which clients are spread. One object takes about 1,000 requests a second, so sixteen
 * carry more than one placement's Postgres. Changing the number forgets one window, once.
 */
export const limiterShards = 16;

/**
 * The object that counts a client, and the names it knows its counts by. All counts of one client are in one
 * object, so that they are judged in one turn.
 * @throws RangeError for arguments that no rate class has
 */
export async function findCounters({ RATE_LIMITER }: Env, client: string, policies: readonly RatePolicy[]) {
  if (typeof client !== "string" || client.length === 0 || client.length > clientCharactersMax) {
    throw new RangeError(`a client is 1 to ${clientCharactersMax} characters`);
  }
  if (!Array.isArray(policies) || policies.length === 0 || policies.length > policiesMax) {
    throw new RangeError(`policies are 1 to ${policiesMax}`);
  }
  const shard = new DataView(await sha256(client)).getUint32(0) % limiterShards;
  const counters = await Promise.all(policies.map((policy) => counterOf(client, policy)));
  return { limiter: RATE_LIMITER.getByName(`shard-${shard}`), counters };
}

/** The same for one policy. @throws RangeError as `findCounters` */
export async function findCounter(env: Env, client: string, policy: RatePolicy) {
  const { limiter, counters } = await findCounters(env, client, [policy]);
  const [counter] = counters;
  if (counter === undefined) throw new Error("a policy was asked for and none came back");
  return { limiter, counter };
}

async function counterOf(client: string, { policy, limit, windowMs }: RatePolicy): Promise<Counter> {
  if (typeof policy !== "string" || policy.length === 0 || policy.length > policyCharactersMax) {
    throw new RangeError(`a policy's name is 1 to ${policyCharactersMax} characters`);
  }
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > rateLimitMax) throw new RangeError("limit out of range");
  if (!Number.isSafeInteger(windowMs) || windowMs < 1 || windowMs > windowMsMax) {
    throw new RangeError("window out of range");
  }
  // Only a digest is stored: clients are addresses. The window is part of it, so a row always outlives
  // every window that may count it.
  const key = base64url.encode(new Uint8Array(await sha256(`${windowMs} ${policy} ${client}`)));
  return { key, rule: { limit, windowMs } };
}

const sha256 = (text: string): Promise<ArrayBuffer> => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
