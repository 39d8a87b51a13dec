/**
 * What the passwords Worker offers to studio: plain HTTP over a service binding, because locally it is a
 * workerd process of its own on a loopback port, where no RPC reaches. Each request carries the token that
 * only these two know, as `Authorization: Bearer …`.
 */

/** `POST`: a new password's hash. */
export const hashPath = "/hash";
/** `POST`: whether a password is the one of a stored hash. */
export const verifyPath = "/verify";
/** `GET`: 204 when it is there and the token is the right one. */
export const readyPath = "/ready";

export interface HashRequest {
  readonly password: string;
}
export type HashOutcome =
  | { readonly kind: "ok"; readonly hash: string }
  /** It is one that guessing tries first. */
  | { readonly kind: "refused"; readonly reason: "common" }
  | Busy;

export interface VerifyRequest {
  readonly password: string;
  /** Null for somebody who is not there: costs the same work and is wrong. */
  readonly stored: string | null;
}
export type VerifyOutcome =
  /** `renewed`: its hash with today's parameters, when the stored one is behind. */
  { readonly kind: "right"; readonly renewed: string | null } | { readonly kind: "wrong" } | Busy;

/** Too many wait already. 503 with Retry-After. */
export interface Busy {
  readonly kind: "busy";
}
/** When to come back after `busy`, in seconds: half of a full queue is done by then. */
export const busyRetrySeconds = 2;

/** Longest password, in characters (code points) of its normal form. */
export const passwordCharactersMax = 128;
/** Long enough for that in UTF-16 units before normalisation. */
export const passwordUnitsMax = passwordCharactersMax * 4;

/** The form that is hashed and compared: the same password typed on another keyboard is the same bytes (NIST 800-63B-4 §3.1.1.2). */
export function normalisePassword(password: string): string {
  return password.normalize("NFC");
}
