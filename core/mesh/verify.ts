import { importJWK, type JWTPayload, jwtVerify } from "jose";
import { type OrgId, parseId } from "../ids.ts";
import { assertionSecondsMax, certificateSecondsMax, clockSkewSecondsMax } from "../limits.ts";
import { parseRole } from "../tenancy/roles.ts";
import { asRefusal, verifyAccessToken, verifyTyped } from "./access.ts";
import { type AssertionClaims, type SignedCall, tokenTypes, type VerifiedCall } from "./claims.ts";
import { readCompact } from "./compact.ts";
import { sha256Base64url } from "./hash.ts";
import type { MeshKeys } from "./keys.ts";
import { CallRefused } from "./refused.ts";
import { type Audience, audiences, type Job, jobs, type Workload, workloadGrants, workloads } from "./workloads.ts";

/** What a callee accepts. */
export interface CallExpectation {
  readonly audience: Audience;
  /** When given, the call must be for exactly this organisation (null: for none). */
  readonly org?: OrgId | null;
  /** Accept calls on behalf of a user. */
  readonly users?: boolean;
  /** Accept these jobs. */
  readonly jobs?: readonly Job[];
  /**
   * Accept each assertion once. For what does something more when it is done again; what reads, or is
   * idempotent by the ids it carries, needs no memory.
   */
  readonly once?: boolean;
}

/**
 * Verifies an inward call, in order: certificate (signed by a root, in time, within the workload's own
 * grants) → assertion (signed by the certified key, at most 60 s, for this audience) → what it may do
 * (job or user) → the user's own access token, whose hash, person, organisation and role must agree →
 * where it matters, not accepted before by this isolate.
 * @param nowMs Unix milliseconds
 * @throws CallRefused; nothing of the call may be used then
 */
export async function verifyCall(
  call: SignedCall,
  expect: CallExpectation,
  keys: MeshKeys,
  nowMs: number,
): Promise<VerifiedCall> {
  if (typeof call?.assertion !== "string") throw new CallRefused("missing");
  const certificate = await verifyCertificate(call.assertion, keys, nowMs);
  const payload = await verifyAssertion(call.assertion, certificate, nowMs);
  const claims = parseAssertion(payload, certificate.workload);
  if (claims.aud !== expect.audience) throw new CallRefused("wrong_audience");
  if (!certificate.audiences.includes(claims.aud)) throw new CallRefused("not_granted");
  if (claims.kind === "job") {
    if (!certificate.jobs.includes(claims.job)) throw new CallRefused("not_granted");
    if (!(expect.jobs ?? []).includes(claims.job)) throw new CallRefused("wrong_job");
  } else {
    if (expect.users !== true) throw new CallRefused("user_not_accepted");
    await verifyUser(claims, call.accessToken, keys, nowMs);
  }
  if (expect.org !== undefined && claims.org !== expect.org) throw new CallRefused("wrong_org");
  if (expect.once === true) {
    // Last, so that only a call that would have been accepted can use an identifier up.
    const untilMs = (claims.exp + clockSkewSecondsMax) * 1000;
    if (!keys.replays.take(`${claims.iss} ${claims.jti}`, untilMs, nowMs)) throw new CallRefused("replayed");
  }
  return claims as VerifiedCall;
}

interface Certificate {
  readonly workload: Workload;
  readonly x: string;
  readonly audiences: readonly Audience[];
  readonly jobs: readonly Job[];
}

async function verifyCertificate(assertion: string, keys: MeshKeys, nowMs: number): Promise<Certificate> {
  const token = certificateOf(assertion);
  let payload: JWTPayload;
  try {
    payload = await verifyTyped(token, { typ: tokenTypes.certificate, issuer: "keyring" }, keys.roots, nowMs);
  } catch (error) {
    if (error instanceof CallRefused) throw new CallRefused(error.reason === "expired" ? "expired" : "bad_certificate");
    throw error;
  }
  const workload = workloads.find((name) => name === payload.sub);
  const jwk = (payload["cnf"] as { jwk?: { x?: unknown } } | undefined)?.jwk;
  const lifeSeconds = (payload.exp ?? 0) - (payload.iat ?? 0);
  if (workload === undefined || typeof jwk?.x !== "string") throw new CallRefused("bad_certificate");
  if (lifeSeconds <= 0 || lifeSeconds > certificateSecondsMax) throw new CallRefused("bad_certificate");
  // The certificate may only narrow what this build's own table grants: a stale or forged wide one gains nothing.
  const grant = workloadGrants[workload];
  const within = <T extends string>(claimed: unknown, granted: readonly T[]): readonly T[] =>
    Array.isArray(claimed) ? granted.filter((name) => claimed.includes(name)) : [];
  return {
    workload,
    x: jwk.x,
    audiences: within(payload["audiences"], grant.audiences),
    jobs: within(payload["jobs"], grant.jobs),
  };
}

/** The certificate travels in the assertion's own header, unverified until `verifyCertificate`. */
function certificateOf(assertion: string): string {
  const { alg, cert } = readCompact(assertion);
  if (alg !== "EdDSA" || typeof cert !== "string") throw new CallRefused("malformed");
  return cert;
}

async function verifyAssertion(assertion: string, certificate: Certificate, nowMs: number): Promise<JWTPayload> {
  try {
    const key = await importJWK({ kty: "OKP", crv: "Ed25519", x: certificate.x }, "EdDSA");
    const { payload } = await jwtVerify(assertion, key, {
      algorithms: ["EdDSA"],
      typ: tokenTypes.assertion,
      issuer: certificate.workload,
      currentDate: new Date(nowMs),
      clockTolerance: clockSkewSecondsMax,
      requiredClaims: ["iat", "exp", "aud", "jti", "rid", "kind"],
    });
    const lifeSeconds = (payload.exp ?? 0) - (payload.iat ?? 0);
    if (lifeSeconds <= 0 || lifeSeconds > assertionSecondsMax) throw new CallRefused("expired");
    if ((payload.iat ?? 0) > nowMs / 1000 + clockSkewSecondsMax) throw new CallRefused("not_yet_valid");
    return payload;
  } catch (error) {
    throw asRefusal(error);
  }
}

function parseAssertion(payload: JWTPayload, workload: Workload): AssertionClaims {
  const aud = audiences.find((name) => name === payload.aud);
  const rid = payload["rid"];
  const { jti, iat, exp } = payload;
  if (aud === undefined) throw new CallRefused("wrong_audience");
  if (typeof rid !== "string" || rid.length > 64 || iat === undefined || exp === undefined)
    throw new CallRefused("malformed");
  const id = parseId("assertion", jti);
  if (id === null) throw new CallRefused("malformed");
  const base = { iss: workload, aud, jti: id, rid, iat, exp };
  const org = payload["org"] === null ? null : parseId("org", payload["org"]);
  if (payload["org"] !== null && org === null) throw new CallRefused("malformed");
  if (payload["kind"] === "job") {
    const job = jobs.find((name) => name === payload["job"]);
    if (job === undefined) throw new CallRefused("malformed");
    return { ...base, kind: "job", job, org };
  }
  const sub = parseId("user", payload.sub);
  const role = parseRole(payload["role"]);
  const ath = payload["ath"];
  if (payload["kind"] !== "user" || org === null || sub === null || role === null || typeof ath !== "string") {
    throw new CallRefused("malformed");
  }
  return { ...base, kind: "user", org, sub, role, ath };
}

async function verifyUser(
  claims: Extract<AssertionClaims, { kind: "user" }>,
  accessToken: string | null,
  keys: MeshKeys,
  nowMs: number,
): Promise<void> {
  if (typeof accessToken !== "string") throw new CallRefused("access_token_mismatch");
  if ((await sha256Base64url(accessToken)) !== claims.ath) throw new CallRefused("access_token_mismatch");
  const access = await verifyAccessToken(accessToken, keys.access, nowMs);
  if (access.sub !== claims.sub || access.org !== claims.org || access.role !== claims.role) {
    throw new CallRefused("access_token_mismatch");
  }
}
