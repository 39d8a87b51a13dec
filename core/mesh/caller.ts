import { base64url, type CryptoKey, decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { makeId, type OrgId, parseId } from "../ids.ts";
import { assertionSecondsMax } from "../limits.ts";
import { parseRole } from "../tenancy/roles.ts";
import { type SignedCall, tokenTypes } from "./claims.ts";
import { sha256Base64url } from "./hash.ts";
import type { KeySource } from "./keys.ts";
import type { Audience, Job, Workload } from "./workloads.ts";

export interface CallerDependencies {
  readonly workload: Workload;
  /** Asks KeyRing to certify this isolate's public key (raw Ed25519, base64url). */
  readonly certify: (publicKey: string) => Promise<{ certificate: string; expiresAtMs: number }>;
  /** Keys that sign certificates: one whose key was revoked is worth nothing, whatever its expiry says. */
  readonly roots: KeySource;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Fills an array with random bytes. */
  readonly random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;
}

/** One isolate's identity: makes the signed first argument of inward calls. */
export interface Caller {
  /** On behalf of the user of `accessToken`, which must be scoped to an organisation. */
  asUser(audience: Audience, accessToken: string, requestId: string): Promise<SignedCall>;
  /** For work without a user. */
  asJob(audience: Audience, job: Job, org: OrgId | null, requestId: string): Promise<SignedCall>;
  /** Forgets this identity: the next call has a new one. For whoever has just had the roots rotated. */
  renew(): void;
}

/** A certificate is renewed this long before it ends, in milliseconds: longer than an assertion lives. */
const renewBeforeMs = 5 * 60_000;

interface Identity {
  readonly key: CryptoKey;
  readonly certificate: string;
  /** The key that signed the certificate. */
  readonly rootKid: string;
  readonly renewAtMs: number;
}

/**
 * Makes a caller. The key pair is made here on first use, never leaves the isolate (not extractable)
 * and is replaced together with its certificate before the hour is over, or as soon as the key that
 * signed the certificate is seen to be revoked.
 */
export function createCaller(dependencies: CallerDependencies): Caller {
  const { workload, certify, roots, now, random } = dependencies;
  // Only a finished identity is shared: a Worker may not wait for another request's I/O.
  let current: Identity | null = null;

  const identity = async (): Promise<Identity> => {
    const held = current;
    if (held !== null && now() < held.renewAtMs && (await roots.find(held.rootKid)) !== null) return held;
    const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
    const raw = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
    const { certificate, expiresAtMs } = await certify(base64url.encode(new Uint8Array(raw)));
    const rootKid = decodeProtectedHeader(certificate).kid ?? "";
    const made = { key: pair.privateKey, certificate, rootKid, renewAtMs: expiresAtMs - renewBeforeMs };
    current = made;
    return made;
  };
  const sign = async (audience: Audience, requestId: string, claims: Record<string, unknown>): Promise<string> => {
    const { key, certificate } = await identity();
    const iat = Math.floor(now() / 1000);
    return new SignJWT({ rid: requestId, ...claims })
      .setProtectedHeader({ alg: "EdDSA", typ: tokenTypes.assertion, cert: certificate })
      .setIssuer(workload)
      .setAudience(audience)
      .setJti(makeId("assertion", now(), random(new Uint8Array(10))))
      .setIssuedAt(iat)
      .setExpirationTime(iat + assertionSecondsMax)
      .sign(key);
  };

  return {
    renew() {
      current = null;
    },
    async asUser(audience, accessToken, requestId) {
      // Not verified here: the callee verifies it, and this caller did before.
      const token = decodeJwt(accessToken);
      const org = parseId("org", token["org"]);
      const role = parseRole(token["role"]);
      if (org === null || role === null || token.sub === undefined)
        throw new Error("the access token is not scoped to an organisation");
      const ath = await sha256Base64url(accessToken);
      return {
        assertion: await sign(audience, requestId, { kind: "user", org, sub: token.sub, role, ath }),
        accessToken,
      };
    },
    async asJob(audience, job, org, requestId) {
      return { assertion: await sign(audience, requestId, { kind: "job", job, org }), accessToken: null };
    },
  };
}
