import { errors, type JWTPayload, jwtVerify } from "jose";
import { parseId } from "../ids.ts";
import { accessTokenSecondsMax, clockSkewSecondsMax } from "../limits.ts";
import { parseRole } from "../tenancy/roles.ts";
import { type AccessClaims, accessTokenAudience, tokenTypes, type VerifiedAccess } from "./claims.ts";
import { readCompact } from "./compact.ts";
import type { AccessKeySource, KeySource } from "./keys.ts";
import { CallRefused, type RefusalReason } from "./refused.ts";

/**
 * Verifies a compact JWS of one `typ` with EdDSA alone. `jku`, `x5u` and `jwk` headers are never
 * looked at; a `crit` header is refused by jose (RFC 7515 §4.1.11, RFC 8725 §3.1, §3.11).
 */
export async function verifyTyped(
  token: string,
  expect: { typ: string; issuer: string; audience?: string },
  keys: KeySource,
  nowMs: number,
): Promise<JWTPayload> {
  const { alg, kid } = readCompact(token);
  if (alg !== "EdDSA" || typeof kid !== "string") throw new CallRefused("malformed");
  // Outside the try: a source that can't be asked is its own failure, not the token's.
  const key = await keys.find(kid);
  if (key === null) throw new CallRefused("bad_signature");
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["EdDSA"],
      typ: expect.typ,
      issuer: expect.issuer,
      currentDate: new Date(nowMs),
      clockTolerance: clockSkewSecondsMax,
      requiredClaims: ["iat", "exp"],
      ...(expect.audience === undefined ? {} : { audience: expect.audience }),
    });
    return payload;
  } catch (error) {
    throw asRefusal(error);
  }
}

/** jose's errors become ours; what is not a token's fault (a source that can't be asked) stays as it is. */
export function asRefusal(error: unknown): unknown {
  if (error instanceof CallRefused) return error;
  if (error instanceof errors.JWTExpired) return new CallRefused("expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    const reasons: Record<string, RefusalReason> = {
      aud: "wrong_audience",
      iss: "wrong_issuer",
      nbf: "not_yet_valid",
      typ: "wrong_type",
    };
    return new CallRefused(reasons[error.claim] ?? "malformed");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return new CallRefused("bad_signature");
  if (error instanceof errors.JOSEError || error instanceof TypeError) return new CallRefused("malformed");
  return error;
}

/**
 * Verifies a person's access token (RFC 9068 §4): its type, issuer and audience, and that it was never
 * meant to live longer than an hour.
 * @param keys the issuer's; which issuer is expected comes with them
 * @param nowMs Unix milliseconds
 * @returns its claims, parsed
 * @throws CallRefused
 */
export async function verifyAccessToken(token: string, keys: AccessKeySource, nowMs: number): Promise<VerifiedAccess> {
  const expect = { typ: tokenTypes.access, issuer: keys.issuer, audience: accessTokenAudience };
  const payload = await verifyTyped(token, expect, keys, nowMs);
  const sub = parseId("user", payload.sub);
  const org = payload["org"] === null ? null : parseId("org", payload["org"]);
  const role = payload["role"] === null ? null : parseRole(payload["role"]);
  const sid = parseId("session", payload["sid"]);
  const { iss, jti, iat, exp } = payload;
  if (sub === null || sid === null || typeof iss !== "string" || typeof jti !== "string")
    throw new CallRefused("malformed");
  if (iat === undefined || exp === undefined || exp - iat > accessTokenSecondsMax) throw new CallRefused("malformed");
  if ((payload["org"] !== null && org === null) || (payload["role"] !== null && role === null))
    throw new CallRefused("malformed");
  // RFC 7519 leaves `iat` to the reader; from us, one ahead of our clocks says that the token is not yet valid.
  if (iat > nowMs / 1000 + clockSkewSecondsMax) throw new CallRefused("not_yet_valid");
  // A role without an organisation, or the other way round, was never signed by us.
  if ((org === null) !== (role === null)) throw new CallRefused("malformed");
  const claims: AccessClaims = { iss, aud: accessTokenAudience, sub, org, role, sid, jti, iat, exp };
  return claims as VerifiedAccess;
}
