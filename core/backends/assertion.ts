/**
 * What a backend is told of who calls: a JWT of a minute that it verifies with the published keys
 * (`/.well-known/jwks.json`). Its type and audience are its own, so it is never taken for an access token, nor an
 * access token for it, nor one backend's for another's (RFC 8725 §3.9, §3.11).
 */
import type { OrgId, UserId } from "../ids.ts";
import type { Role } from "../tenancy/roles.ts";

export const backendAssertionType = "sentinel-backend+jwt";
/** The header that carries it. Not `Authorization`, which proxies and logs of a backend know too well. */
export const backendAssertionHeader = "Sentinel-Assertion";

export const backendAudience = (backend: string): `backend:${string}` => `backend:${backend}`;

export interface BackendAssertionClaims {
  /** Sentinel's own address: the ISSUER of access tokens. */
  readonly iss: string;
  readonly aud: `backend:${string}`;
  /** The person, or the service user of an API key. */
  readonly sub: UserId;
  readonly org: OrgId;
  readonly role: Role;
  /** Request id; the audit log has the same. */
  readonly rid: string;
  readonly jti: string;
  readonly iat: number;
  /** At most 60 s after `iat`. */
  readonly exp: number;
}
