import { parseOutsideAddress } from "../../../../core/outside-address.ts";
import type { ProviderKind, Signing } from "../../../../store/control/outside/providers.ts";
import type { OutsideIssuers } from "./issuers.ts";
import { IssuerRefused, IssuerUnreachable } from "./outbound.ts";

/** What a new provider is, before anybody asked its issuer. */
export interface WantedIssuer {
  readonly kind: ProviderKind;
  readonly issuer: string | undefined;
  readonly clientId: string | undefined;
  readonly secret: string | undefined;
  readonly signing: Signing | undefined;
}

export type Judged =
  | { readonly kind: "good"; readonly issuer: string; readonly signing: Signing }
  /** Says what to mend, naming the field. */
  | { readonly kind: "bad"; readonly path: string; readonly message: string };

const googleIssuer = "https://accounts.google.com";
/** One tenant of Microsoft Entra, by its id. `common`, `organizations` and `consumers` are not one issuer but a template of many. */
const microsoftIssuer = /^https:\/\/login\.microsoftonline\.com\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/v2\.0$/;
/** A shared HS256 secret is as long as the hash at least (RFC 7518 §3.2), in characters. */
const sharedSecretCharactersMin = 32;

/** Judges what an administrator wrote down, and then whether its issuer really is one: it is asked now, not at the first sign-in. */
export async function judgeProvider(outside: OutsideIssuers, wanted: WantedIssuer): Promise<Judged> {
  const { kind, clientId, secret } = wanted;
  const signing = wanted.signing ?? "jwks";
  const issuer = kind === "google" ? (wanted.issuer ?? googleIssuer) : wanted.issuer;
  const misplaced = judgeFields(kind, signing, clientId, secret);
  if (misplaced !== null) return misplaced;
  const address = parseOutsideAddress(issuer, outside.loopback);
  if (issuer === undefined || address === null || address.search !== "" || issuer.endsWith("/#")) {
    return bad("issuer", "must be an https address of a public name, without port, user information or query");
  }
  const known = !outside.loopback.has(address.origin);
  if (known && kind === "google" && issuer !== googleIssuer) return bad("issuer", `must be ${googleIssuer}`);
  if (known && kind === "microsoft" && !microsoftIssuer.test(issuer)) {
    return bad("issuer", "must be of one tenant: https://login.microsoftonline.com/{tenant id}/v2.0");
  }
  return (await ask(outside, kind, signing, issuer)) ?? { kind: "good", issuer, signing };
}

function judgeFields(
  kind: ProviderKind,
  signing: Signing,
  clientId: string | undefined,
  secret: string | undefined,
): Judged | null {
  if (kind !== "supabase") {
    if (signing !== "jwks") return bad("signing", "must be jwks: only Supabase projects may share a secret");
    if (clientId === undefined) return bad("client_id", "is missing");
    return secret === undefined ? bad("client_secret", "is missing") : null;
  }
  if (clientId !== undefined) return bad("client_id", "has no meaning for Supabase");
  if (signing === "jwks") {
    return secret === undefined ? null : bad("client_secret", "has no meaning for a project with public keys");
  }
  return secret === undefined || secret.length < sharedSecretCharactersMin
    ? bad("client_secret", `must be the project's JWT secret, of ${sharedSecretCharactersMin} characters or more`)
    : null;
}

async function ask(
  outside: OutsideIssuers,
  kind: ProviderKind,
  signing: Signing,
  issuer: string,
): Promise<Judged | null> {
  try {
    if (kind !== "supabase") await outside.discovery.find(issuer);
    else if (signing === "jwks") await outside.issuerKeys.of(issuer, false);
    return null;
  } catch (error) {
    // Our own words, none of the issuer's: an answer that is quoted would show what stands behind the address.
    if (error instanceof IssuerRefused) return bad("issuer", error.message);
    if (error instanceof IssuerUnreachable) return bad("issuer", "does not answer");
    throw error;
  }
}

function bad(path: string, message: string): Judged {
  return { kind: "bad", path, message };
}
