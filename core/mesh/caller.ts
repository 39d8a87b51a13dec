import { base64url, type CryptoKey, decodeJwt, SignJWT } from "jose";
import { makeId, type OrgId, parseId } from "../ids.ts";
import { assertionSecondsMax } from "../limits.ts";
import { parseRole } from "../tenancy/roles.ts";
import { type SignedCall, tokenTypes } from "./claims.ts";
import { sha256Base64url } from "./hash.ts";
import type { Audience, Job, Workload } from "./workloads.ts";

export interface CallerDependencies {
  readonly workload: Workload;
  /** Asks KeyRing to certify this isolate's public key (raw Ed25519, base64url). */
  readonly certify: (publicKey: string) => Promise<{ certificate: string; expiresAtMs: number }>;
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
}

/** A certificate is renewed this long before it ends, in milliseconds: longer than an assertion lives. */
const renewBeforeMs = 5 * 60_000;

interface Identity {
  readonly key: CryptoKey;
  readonly certificate: string;
  readonly renewAtMs: number;
}

/**
 * Makes a caller. The key pair is made here on first use, never leaves the isolate (not extractable)
 * and is replaced together with its certificate before the hour is over.
 */
export function createCaller(dependencies: CallerDependencies): Caller {
  const { workload, certify, now, random } = dependencies;
  // Only a finished identity is shared: a Worker may not wait for another request's I/O.
  let current: Identity | null = null;

  const identity = async (): Promise<Identity> => {
    if (current !== null && now() < current.renewAtMs) return current;
    const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
    const raw = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
    const { certificate, expiresAtMs } = await certify(base64url.encode(new Uint8Array(raw)));
    current = { key: pair.privateKey, certificate, renewAtMs: expiresAtMs - renewBeforeMs };
    return current;
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
