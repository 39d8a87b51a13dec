import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { parseId } from "../ids.ts";
import { clockSkewSecondsMax } from "../limits.ts";
import { parseRole } from "../tenancy/roles.ts";
import { type AccessClaims, accessTokenAudience, tokenTypes } from "./claims.ts";
import type { KeySource } from "./keys.ts";
import { CallRefused } from "./refused.ts";

/** Longest token we parse; ours are below 1 KiB. */
export const tokenCharactersMax = 8 * 1024;

/**
 * Verifies a compact JWS of one `typ` with EdDSA alone. `jku`, `x5u` and `jwk` headers are never
 * looked at; a `crit` header is refused by jose (RFC 7515 §4.1.11, RFC 8725 §3.1, §3.11).
 */
export async function verifyTyped(
  token: string,
  expect: { typ: string; audience?: string; issuer?: string },
  keys: KeySource,
  nowMs: number,
): Promise<JWTPayload> {
  if (token.length > tokenCharactersMax) throw new CallRefused("malformed");
  // Outside the try: a source that can't be asked is its own failure, not the token's.
  const key = await keys.find(keyIdOf(token));
  if (key === null) throw new CallRefused("bad_signature");
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["EdDSA"],
      typ: expect.typ,
      currentDate: new Date(nowMs),
      clockTolerance: clockSkewSecondsMax,
      requiredClaims: ["iat", "exp"],
      ...(expect.audience === undefined ? {} : { audience: expect.audience }),
      ...(expect.issuer === undefined ? {} : { issuer: expect.issuer }),
    });
    return payload;
  } catch (error) {
    throw asRefusal(error);
  }
}

function keyIdOf(token: string): string {
  try {
    const header = decodeProtectedHeader(token);
    if (header.alg === "EdDSA" && typeof header.kid === "string") return header.kid;
  } catch (error) {
    throw asRefusal(error);
  }
  throw new CallRefused("malformed");
}

/** jose's errors become ours; what is not a token's fault (a source that can't be asked) stays as it is. */
export function asRefusal(error: unknown): unknown {
  if (error instanceof CallRefused) return error;
  if (error instanceof errors.JWTExpired) return new CallRefused("expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new CallRefused(error.claim === "aud" ? "wrong_audience" : "malformed");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return new CallRefused("bad_signature");
  if (error instanceof errors.JOSEError || error instanceof TypeError) return new CallRefused("malformed");
  return error;
}

/**
 * Verifies a person's access token.
 * @param nowMs Unix milliseconds
 * @returns its claims, parsed
 * @throws CallRefused
 */
export async function verifyAccessToken(token: string, keys: KeySource, nowMs: number): Promise<AccessClaims> {
  const payload = await verifyTyped(token, { typ: tokenTypes.access, audience: accessTokenAudience }, keys, nowMs);
  const sub = parseId("user", payload.sub);
  const org = payload["org"] === null ? null : parseId("org", payload["org"]);
  const role = payload["role"] === null ? null : parseRole(payload["role"]);
  const sid = parseId("session", payload["sid"]);
  const { iss, jti, iat, exp } = payload;
  if (sub === null || sid === null || typeof iss !== "string" || typeof jti !== "string")
    throw new CallRefused("malformed");
  if (iat === undefined || exp === undefined) throw new CallRefused("malformed");
  if ((payload["org"] !== null && org === null) || (payload["role"] !== null && role === null))
    throw new CallRefused("malformed");
  // A role without an organisation, or the other way round, was never signed by us.
  if ((org === null) !== (role === null)) throw new CallRefused("malformed");
  return { iss, aud: accessTokenAudience, sub, org, role, sid, jti, iat, exp };
}
