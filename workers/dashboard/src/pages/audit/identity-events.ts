/** The events of core/audit/events.ts that are about proving who one is, in words. */
import type { FactorKind, LoginFailureReason, LoginMethod } from "../../../../../core/audit/vocabulary.ts";
import type { AuditEntry } from "../../api/schemas.ts";

type Event = AuditEntry["event"];

export const text = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);
/** A word of ours without its underscores. */
export const words = (value: unknown): string => text(value, "?").replaceAll("_", " ");
/** The words for a value this page knows, or the value's own. */
function said(table: Readonly<Record<string, string>>, value: unknown): string {
  return (typeof value === "string" && Object.hasOwn(table, value) ? table[value] : undefined) ?? words(value);
}

const methods: Readonly<Record<LoginMethod, string>> = {
  password: "a password",
  passkey: "a passkey",
  oidc: "an identity provider",
  supabase: "Supabase",
  refresh_token: "a refresh token",
};

const failures: Readonly<Record<LoginFailureReason, string>> = {
  unknown_account: "no such account",
  wrong_password: "wrong password",
  disabled: "the account is disabled",
  not_a_member: "not a member here",
  factor_failed: "wrong second factor",
  factor_due: "second factor asked for",
  passkey_copied: "the passkey may have been copied",
  throttled: "too many failed attempts",
  token_reused: "the token was used twice, so its sessions were ended",
  provider_refused: "the provider refused",
  not_linked: "not linked to an account",
};

/** `Sign-in with a password from 198.51.100.7 failed: wrong password`. */
export function describeLogin(event: Event): string {
  // Entries from before there was more than one method name none.
  const method = event["method"] === undefined ? "" : ` with ${said(methods, event["method"])}`;
  const where = `Sign-in${method} from ${text(event["ip"], "an erased address")}`;
  if (event["outcome"] === "success") {
    return `${where} succeeded${event["mfa"] === "passed" ? ", with a second factor" : ""}`;
  }
  const { reason } = event;
  if (reason === "factor_due") return `${where}: ${failures.factor_due}`;
  return typeof reason === "string" ? `${where} failed: ${said(failures, reason)}` : `${where} failed`;
}

const factors: Readonly<Record<FactorKind, string>> = {
  password: "password",
  totp: "authenticator app",
  passkey: "passkey",
  recovery_codes: "recovery codes",
  email: "e-mail address",
  external_identity: "linked account",
};

/** `Asha added a passkey`. */
export function describeFactorChange(event: Event, person: string): string {
  const { factor, action } = event;
  if (factor === "recovery_codes" && action === "used") return `${person} used a recovery code`;
  if (action === "reset") return `The ${said(factors, factor)} of ${person} was reset`;
  const article = factor === "recovery_codes" ? "" : factor === "totp" || factor === "email" ? "an " : "a ";
  const their = action === "added" ? article : "their ";
  return `${person} ${words(action)} ${their}${said(factors, factor)}`;
}

const ends: Readonly<Record<string, string>> = {
  signed_out: "signed out",
  by_owner: "ended by its holder",
  by_admin: "ended by an admin",
  disabled: "disabled",
  removed: "removed from the organisation",
  factor_reset: "password or factor reset",
  token_reused: "a refresh token was used twice",
};

export function describeSessionEnd(event: Event, person: string): string {
  const which = typeof event["session_id"] === "string" ? "A session" : "Every session";
  return `${which} of ${person} ended: ${said(ends, event["reason"])}`;
}

const keys: Readonly<Record<string, string>> = {
  api_key: "API key",
  access_signing_key: "Signing key of access tokens",
  mesh_signing_key: "Signing key between services",
  audit_log_signing_key: "Signing key of audit checkpoints",
  client_secret: "Client secret",
  audit_witness: "Witness of the audit log",
  audit_stream_secret: "Secret of the audit log's stream",
};

export function describeKeyChange(event: Event): string {
  return `${said(keys, event["kind"])} ${text(event["key_id"], "?")} ${words(event["action"])}`;
}

const policies: Readonly<Record<string, string>> = {
  geo: "where requests may come from",
  geo_confirmed: "where requests may come from, kept",
  geo_reverted: "where requests may come from, gone back by itself",
  geo_exception: "a traveller",
  geo_break_glass_made: "a break-glass code was made",
  geo_break_glass_used: "THE BREAK-GLASS CODE WAS USED",
  tls: "TLS of devices",
  mfa: "second factor",
  waf: "the firewall",
  waf_allowance: "something was exempted from the firewall",
  identity_provider: "identity providers",
};

export function describePolicyChange(event: Event): string {
  return `Policy changed: ${said(policies, event["policy"])}`;
}
