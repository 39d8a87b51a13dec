import { type CryptoKey, importJWK, type JWK } from "jose";
import { createReplayGuard, type ReplayGuard } from "./replays.ts";

/** Finds a public key by `kid`. */
export interface KeySource {
  /** The key, or null when nobody knows it. Throws only when the source can't be asked at all. */
  find(kid: string): Promise<CryptoKey | null>;
}

/**
 * The keys of people's access tokens and whose tokens they are: a key vouches for one issuer, so nobody
 * holds the one without the other (RFC 8725 §3.8).
 */
export interface AccessKeySource extends KeySource {
  /** The `iss` that every token must have. */
  readonly issuer: string;
}

/** What a callee needs to verify a call. */
export interface MeshKeys {
  /** Keys that sign certificates. */
  readonly roots: KeySource;
  /** Keys that sign people's access tokens. */
  readonly access: AccessKeySource;
  /** Assertions that were accepted already, where each is good once. */
  readonly replays: ReplayGuard;
}

/**
 * How long a fetched set is used, in milliseconds. It bounds what a key is worth after an emergency
 * rotation has revoked it; a month's own rotation publishes a day ahead and could do with far more. An
 * isolate asks once a minute for each set: nothing beside the requests that it verifies.
 */
export const keySetFreshMs = 60_000;
/**
 * How long a set is used whose holder can't be asked, in milliseconds. Longer would let whoever keeps
 * KeyRing from answering keep a revoked key alive; shorter would turn a hiccup into an outage.
 */
export const keySetStaleMsMax = 5 * 60_000;
/**
 * An unknown kid asks the source again at most this often, in milliseconds, so that forged kids can't flood
 * it: hundreds of isolates under attack are some hundred small reads a second. Whoever sends forged kids
 * all the time keeps a key that is new without notice (an emergency's) unknown for that long, and no other.
 */
export const unknownKidCooldownMs = 2000;
/**
 * How long before a set's end somebody asks for the next one, in milliseconds: that request waits, the
 * others use the set at hand meanwhile. As long after a failure nobody asks again, so that a holder that
 * hangs holds up one request and not all.
 */
export const refreshAheadMs = 2000;
/** Keys in one set: current, next and the last few months' ones. */
const keySetMax = 16;

/**
 * Caches a JWK set. A set that is a minute old, or an unknown kid after the cool-down, fetches it again;
 * a failed refresh keeps the old set until it is five minutes old.
 *
 * Only finished sets are shared between requests, never a pending fetch: a Worker may not wait for
 * another request's I/O. Two cold requests may therefore fetch twice.
 * @param fetchKeys asks whoever holds the keys
 * @param now Unix milliseconds
 */
export function createKeySource(fetchKeys: () => Promise<{ keys: JWK[] }>, now: () => number): KeySource {
  let keys: ReadonlyMap<string, CryptoKey> = new Map();
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let failed = false;
  let unknownKidAtMs = Number.NEGATIVE_INFINITY;

  /** What is at hand for a known kid may be used without asking. */
  const mayWait = (ageMs: number): boolean => {
    if (ageMs < keySetFreshMs - refreshAheadMs) return true;
    const someoneAsks = now() - triedAtMs < refreshAheadMs;
    return someoneAsks && ageMs < (failed ? keySetStaleMsMax : keySetFreshMs);
  };

  return {
    async find(kid) {
      const known = keys.get(kid);
      const ageMs = now() - fetchedAtMs;
      if (known !== undefined && mayWait(ageMs)) return known;
      if (known === undefined && ageMs < keySetFreshMs) {
        if (now() - unknownKidAtMs < unknownKidCooldownMs) return null;
        unknownKidAtMs = now();
      }
      const askedAtMs = now();
      triedAtMs = askedAtMs;
      try {
        const fetched = await importKeys((await fetchKeys()).keys);
        // As old as the question: an answer that took its time may name a key that was revoked meanwhile.
        if (askedAtMs >= fetchedAtMs) {
          keys = fetched;
          fetchedAtMs = askedAtMs;
        }
        failed = false;
      } catch (error) {
        failed = true;
        if (known === undefined || now() - fetchedAtMs >= keySetStaleMsMax) throw error;
        return known;
      }
      return keys.get(kid) ?? null;
    },
  };
}

/**
 * The same for access tokens.
 * @param issuer the unit's ISSUER, unchecked
 * @throws Error when it is no http(s) origin: a unit that does not know whose tokens to take must not run
 */
export function createAccessKeySource(
  issuer: unknown,
  fetchKeys: () => Promise<{ keys: JWK[] }>,
  now: () => number,
): AccessKeySource {
  if (!isIssuer(issuer)) throw new Error("ISSUER is not an http(s) origin");
  return { issuer, ...createKeySource(fetchKeys, now) };
}

/** Whether a unit's ISSUER names whose tokens to take: an http(s) origin, spelled as `iss` has it. */
export function isIssuer(issuer: unknown): issuer is string {
  return typeof issuer === "string" && /^https?:/.test(issuer) && URL.parse(issuer)?.origin === issuer;
}

/** All that a callee verifies with; see {@link createKeySource} and {@link createAccessKeySource}. */
export function createMeshKeys(dependencies: {
  readonly issuer: unknown;
  readonly fetchRoots: () => Promise<{ keys: JWK[] }>;
  readonly fetchAccess: () => Promise<{ keys: JWK[] }>;
  /** Unix milliseconds. */
  readonly now: () => number;
}): MeshKeys {
  const { issuer, fetchRoots, fetchAccess, now } = dependencies;
  return {
    roots: createKeySource(fetchRoots, now),
    access: createAccessKeySource(issuer, fetchAccess, now),
    replays: createReplayGuard(),
  };
}

async function importKeys(set: readonly JWK[]): Promise<Map<string, CryptoKey>> {
  const imported = new Map<string, CryptoKey>();
  for (const jwk of set.slice(0, keySetMax)) {
    if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || typeof jwk.kid !== "string" || typeof jwk.x !== "string")
      continue;
    // Only the public members are imported: whatever else a set carries is not looked at.
    const key = await importJWK({ kty: "OKP", crv: "Ed25519", x: jwk.x }, "EdDSA");
    if (!(key instanceof Uint8Array)) imported.set(jwk.kid, key);
  }
  return imported;
}
