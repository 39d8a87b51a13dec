import type { OrgId, UserId } from "../ids.ts";
import type { Role } from "../tenancy/roles.ts";
import type { Audience, Job, Workload } from "./workloads.ts";

/**
 * The first argument of every inward call: a short-lived Ed25519 JWT made by the caller's isolate,
 * and the user's own access token whose hash it carries. Both are verified by the callee, so a
 * broken Studio can't speak for a user who isn't there.
 */
export interface SignedCall {
  readonly assertion: string;
  /** Null only for a job. */
  readonly accessToken: string | null;
}

/** JWS `typ` of each kind of token; a token of one kind is never taken for another (RFC 8725 §3.11). */
export const tokenTypes = {
  access: "at+jwt",
  assertion: "sentinel-assertion+jwt",
  certificate: "sentinel-certificate+jwt",
} as const;

/** Audience of access tokens. */
export const accessTokenAudience = "sentinel-api";

/** A person's access token (RFC 9068), signed by KeyRing. */
export interface AccessClaims {
  readonly iss: string;
  readonly aud: typeof accessTokenAudience;
  readonly sub: UserId;
  /** Null until the token is for one organisation. */
  readonly org: OrgId | null;
  readonly role: Role | null;
  /** The session it was made for; ending the session ends it. */
  readonly sid: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
}

declare const verifiedAccess: unique symbol;
/** The claims of a token whose signature, type, issuer, audience and times hold. Only `verifyAccessToken` makes one. */
export type VerifiedAccess = AccessClaims & { readonly [verifiedAccess]: true };

/** What KeyRing says of an isolate's public key. */
export interface CertificateClaims {
  readonly iss: "keyring";
  readonly sub: Workload;
  readonly cnf: { readonly jwk: { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string } };
  readonly audiences: readonly Audience[];
  readonly jobs: readonly Job[];
  readonly iat: number;
  readonly exp: number;
}

interface AssertionBase {
  readonly iss: Workload;
  readonly aud: Audience;
  readonly jti: string;
  /** Request id, for the audit trail. */
  readonly rid: string;
  readonly iat: number;
  readonly exp: number;
}

/** An assertion on behalf of a user; `ath` = base64url(SHA-256(access token)) (RFC 9449 §4.2). */
export interface UserAssertion extends AssertionBase {
  readonly kind: "user";
  readonly org: OrgId;
  readonly sub: UserId;
  readonly role: Role;
  readonly ath: string;
}

/** An assertion for work without a user. */
export interface JobAssertion extends AssertionBase {
  readonly kind: "job";
  readonly job: Job;
  readonly org: OrgId | null;
}

export type AssertionClaims = UserAssertion | JobAssertion;

/**
 * Who a verified call speaks for. Only `verifyCall` (core/mesh/verify.ts) makes one:
 * holding it is the proof.
 */
declare const verified: unique symbol;
export type VerifiedCall = AssertionClaims & { readonly [verified]: true };
export type VerifiedUserCall = UserAssertion & { readonly [verified]: true };
export type VerifiedJobCall = JobAssertion & { readonly [verified]: true };
