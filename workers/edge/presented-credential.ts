import { tokenCharactersMax } from "../../core/mesh/compact.ts";
import { apiKeyPrefix } from "../../core/routes/api-keys.ts";
import { sessionCookieName } from "../../core/rpc/studio.ts";

/** Marks a device's token; only the hub can verify one. */
export const deviceTokenPrefix = "sdt_";
/** A session secret is some 43 characters of base64url; anything longer is not ours. */
const sessionSecretCharactersMax = 256;

/** What a request presents, before anything is verified. */
export type PresentedCredential =
  | { readonly kind: "none" }
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "cookie"; readonly secret: string }
  /** There is one and it can't be ours. */
  | { readonly kind: "malformed"; readonly source: "bearer" | "cookie" };

/**
 * Reads the credential. With both, the bearer counts and the cookie is ignored: the bearer was set on
 * purpose, a browser adds the cookie by itself.
 */
export function readPresentedCredential(headers: Headers): PresentedCredential {
  const authorization = headers.get("Authorization");
  if (authorization !== null) {
    // RFC 6750 §2.1 b64token. Two Authorization fields arrive joined by a comma and match nothing.
    const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1];
    if (token === undefined || token.length > tokenCharactersMax) return { kind: "malformed", source: "bearer" };
    return { kind: "bearer", token };
  }
  const values = cookiePairs(headers).filter(([name]) => name === sessionCookieName);
  const [first] = values;
  if (first === undefined) return { kind: "none" };
  const secret = first[1];
  // Two of one name: somebody planted one, and which is read first is anybody's guess. An API key travels as a
  // bearer alone: as a cookie it would be somebody else's account planted in a browser, good for a year.
  const misplaced = secret.startsWith(apiKeyPrefix);
  if (
    values.length > 1 ||
    misplaced ||
    secret.length > sessionSecretCharactersMax ||
    !/^[A-Za-z0-9._~-]+$/.test(secret)
  )
    return { kind: "malformed", source: "cookie" };
  return { kind: "cookie", secret };
}

/** The secret part of a credential, or null. */
export function secretOf(presented: PresentedCredential): string | null {
  switch (presented.kind) {
    case "bearer":
      return presented.token;
    case "cookie":
      return presented.secret;
    case "none":
    case "malformed":
      return null;
  }
}

/** All cookies as (name, value), undecoded (RFC 6265 §4.2.1). */
export function cookiePairs(headers: Headers): [name: string, value: string][] {
  const header = headers.get("Cookie");
  if (header === null) return [];
  return header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      return equals === -1 ? ["", pair] : [pair.slice(0, equals).trimEnd(), pair.slice(equals + 1).trimStart()];
    });
}
