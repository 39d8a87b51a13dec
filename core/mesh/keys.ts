import { type CryptoKey, importJWK, type JWK } from "jose";

/** Finds a public key by `kid`. */
export interface KeySource {
  /** The key, or null when nobody knows it. Throws only when the source can't be asked at all. */
  find(kid: string): Promise<CryptoKey | null>;
}

/** What a callee needs to verify a call. */
export interface MeshKeys {
  /** Keys that sign certificates. */
  readonly roots: KeySource;
  /** Keys that sign people's access tokens. */
  readonly access: KeySource;
}

/** How long a fetched set is used, in milliseconds: rotation publishes a key a day before it signs. */
export const keySetFreshMs = 5 * 60_000;
/** An unknown kid asks the source again at most this often, in milliseconds, so that forged kids can't flood it. */
export const unknownKidCooldownMs = 10_000;
/** Keys in one set: current, next and the last few months' ones. */
const keySetMax = 16;

/**
 * Caches a JWK set. A set older than five minutes, or an unknown kid after the cool-down, fetches it
 * again; a failed refresh keeps the old set for as long as its keys are found in it.
 *
 * Only finished sets are shared between requests, never a pending fetch: a Worker may not wait for
 * another request's I/O. Two cold requests may therefore fetch twice.
 * @param fetchKeys asks whoever holds the keys
 * @param now Unix milliseconds
 */
export function createKeySource(fetchKeys: () => Promise<{ keys: JWK[] }>, now: () => number): KeySource {
  let keys: ReadonlyMap<string, CryptoKey> = new Map();
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let unknownKidAtMs = Number.NEGATIVE_INFINITY;

  return {
    async find(kid) {
      const known = keys.get(kid);
      const fresh = now() - fetchedAtMs < keySetFreshMs;
      if (known !== undefined && fresh) return known;
      if (known === undefined && fresh) {
        if (now() - unknownKidAtMs < unknownKidCooldownMs) return null;
        unknownKidAtMs = now();
      }
      try {
        keys = await importKeys((await fetchKeys()).keys);
        fetchedAtMs = now();
      } catch (error) {
        if (known === undefined) throw error;
      }
      return keys.get(kid) ?? null;
    },
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
