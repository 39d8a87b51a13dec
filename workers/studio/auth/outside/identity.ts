import { email as emailSchema } from "../../http/schemas.ts";

/** What an outside issuer says of a person, after everything about it was verified. */
export interface OutsideIdentity {
  /** Who it is at this issuer: the one thing that never changes hands. */
  readonly subject: string;
  /** The address, normalised; null unless the issuer says that it is verified. */
  readonly verifiedEmail: string | null;
  /** What to call the person; null when the issuer says nothing usable. */
  readonly name: string | null;
  /** The issuer says that more than one factor was used. */
  readonly mfa: boolean;
}

/** What came of asking an issuer about a person. */
export type Proof =
  | { readonly kind: "proven"; readonly identity: OutsideIdentity }
  /** What was presented does not hold; the client is not told why. */
  | { readonly kind: "refused" }
  /** The issuer does not answer. */
  | { readonly kind: "unreachable" };

/** OpenID Connect Core §2: at most 255 ASCII characters. */
const subjectPattern = /^[\x20-\x7e]{1,255}$/;
const nameCharactersMax = 200;

/** A subject that can be kept, or null. */
export function subjectOf(claim: unknown): string | null {
  return typeof claim === "string" && subjectPattern.test(claim) ? claim : null;
}

/** An address as our own accounts have it, or null. */
export function emailOf(claim: unknown): string | null {
  const parsed = emailSchema.safeParse(claim);
  return parsed.success ? parsed.data : null;
}

/** A name without controls and direction overrides, cut to what an account holds; null when nothing is left. */
export function nameFrom(...claims: readonly unknown[]): string | null {
  for (const claim of claims) {
    if (typeof claim !== "string") continue;
    const name = claim
      .slice(0, 4 * nameCharactersMax)
      .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ")
      .trim();
    if (name !== "")
      return [...name]
        .slice(0, nameCharactersMax / 2)
        .join("")
        .trim();
  }
  return null;
}

/** Authentication contexts that mean more than one factor, whatever the issuer (OpenID EAP 1.0, PAPE 1.0). */
const strongContexts: ReadonlySet<unknown> = new Set([
  "phr",
  "phrh",
  "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
]);

/** True when the token says so: `amr` has `mfa` (RFC 8176 §2), or `acr` is one of the known contexts. */
export function saysMfa(claims: { readonly amr?: unknown; readonly acr?: unknown }): boolean {
  return (Array.isArray(claims.amr) && claims.amr.includes("mfa")) || strongContexts.has(claims.acr);
}
