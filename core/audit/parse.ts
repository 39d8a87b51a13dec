/**
 * Audit events at the door: exactly the fields of one type, each bounded, or null. What passes is
 * stored for seven years, hashed, and written to Postgres, so nothing else may.
 */
import { parseId } from "../ids.ts";
import { parseRole } from "../tenancy/roles.ts";
import {
  type AuditFields,
  type AuditType,
  accountActions,
  factorActions,
  factorKinds,
  keyActions,
  keyKinds,
  loginFailureReasons,
  loginMethods,
  orgActions,
  sessionEndReasons,
} from "./events.ts";

/** Longest user agent kept; browsers' are under 300. */
export const userAgentCharactersMax = 512;
/** Longest of the other free texts. */
export const textCharactersMax = 512;
/** Documents in one export event; a larger export is several events. */
export const documentIdsMax = 1000;
/** Longest duration, in milliseconds: a day. */
const durationMsMax = 24 * 3600_000;

type Fields = Readonly<Record<string, unknown>>;
type Parser = (fields: Fields) => AuditFields | null;

/** The fields of each type, besides `type`. */
const fieldNames: Readonly<Record<AuditType, readonly string[]>> = {
  login: ["user_id", "ip", "user_agent", "outcome", "mfa"],
  api_call: ["user_id", "endpoint", "method", "status_code", "duration_ms"],
  data_access: ["user_id", "document_id", "action"],
  role_change: ["admin_id", "target_user_id", "old_role", "new_role"],
  export: ["user_id", "format", "document_ids", "destination"],
  factor_change: ["user_id", "factor", "action"],
  session_end: ["user_id", "target_user_id", "session_id", "reason"],
  account_change: ["admin_id", "target_user_id", "action"],
  key_change: ["user_id", "kind", "key_id", "action"],
  policy_change: ["user_id", "policy"],
  org_change: ["user_id", "org_id", "action", "detail"],
  edge_refusals: ["gate", "code", "country", "count", "first_at", "last_at"],
};

/** Fields that came later: older entries lack them all, newer ones have them all. */
const laterFields: Readonly<Partial<Record<AuditType, readonly string[]>>> = { login: ["method", "reason"] };

const parsers: Readonly<Record<AuditType, Parser>> = {
  login(fields) {
    const user_id = nullable(fields["user_id"], typeId);
    const ip = matching(fields["ip"], /^[0-9A-Za-z:.%_-]{0,64}$/);
    const user_agent = freeText(fields["user_agent"], userAgentCharactersMax);
    const outcome = oneOf(fields["outcome"], ["success", "failure"] as const);
    const mfa = oneOf(fields["mfa"], ["none", "passed", "failed", "not_reached"] as const);
    if (user_id === undefined || ip === undefined || user_agent === undefined) return null;
    if (outcome === undefined || mfa === undefined) return null;
    const base = { type: "login" as const, user_id, ip, user_agent, outcome, mfa };
    if (!Object.hasOwn(fields, "method")) return base;
    const method = oneOf(fields["method"], loginMethods);
    const reason = nullable(fields["reason"], (value) => oneOf(value, loginFailureReasons));
    if (method === undefined || reason === undefined || (reason === null) !== (outcome === "success")) return null;
    return { ...base, method, reason };
  },
  api_call(fields) {
    const user_id = nullable(fields["user_id"], typeId);
    const endpoint = matching(fields["endpoint"], /^\/[\x21-\x7e]{0,255}$/);
    const method = matching(fields["method"], /^[A-Z]{3,7}$/);
    const status_code = nullable(fields["status_code"], (value) => integer(value, 100, 599));
    const duration_ms = nullable(fields["duration_ms"], duration);
    if (user_id === undefined || endpoint === undefined || method === undefined) return null;
    if (status_code === undefined || duration_ms === undefined) return null;
    return { type: "api_call", user_id, endpoint, method, status_code, duration_ms };
  },
  data_access(fields) {
    const user_id = typeId(fields["user_id"]);
    const document_id = typeId(fields["document_id"]);
    const action = oneOf(fields["action"], ["read", "write", "delete"] as const);
    if (user_id === undefined || document_id === undefined || action === undefined) return null;
    return { type: "data_access", user_id, document_id, action };
  },
  role_change(fields) {
    const admin_id = typeId(fields["admin_id"]);
    const target_user_id = typeId(fields["target_user_id"]);
    const old_role = nullable(fields["old_role"], (value) => parseRole(value) ?? undefined);
    const new_role = nullable(fields["new_role"], (value) => parseRole(value) ?? undefined);
    if (admin_id === undefined || target_user_id === undefined) return null;
    if (old_role === undefined || new_role === undefined) return null;
    return { type: "role_change", admin_id, target_user_id, old_role, new_role };
  },
  export(fields) {
    const user_id = typeId(fields["user_id"]);
    const format = matching(fields["format"], /^[A-Za-z0-9._+/-]{1,64}$/);
    const document_ids = list(fields["document_ids"], documentIdsMax, typeId);
    const destination = freeText(fields["destination"], textCharactersMax);
    if (user_id === undefined || format === undefined) return null;
    if (document_ids === undefined || destination === undefined) return null;
    return { type: "export", user_id, format, document_ids, destination };
  },
  factor_change(fields) {
    const user_id = typeId(fields["user_id"]);
    const factor = oneOf(fields["factor"], factorKinds);
    const action = oneOf(fields["action"], factorActions);
    if (user_id === undefined || factor === undefined || action === undefined) return null;
    return { type: "factor_change", user_id, factor, action };
  },
  session_end(fields) {
    const user_id = nullable(fields["user_id"], typeId);
    const target_user_id = typeId(fields["target_user_id"]);
    const session_id = nullable(fields["session_id"], typeId);
    const reason = oneOf(fields["reason"], sessionEndReasons);
    if (user_id === undefined || target_user_id === undefined) return null;
    if (session_id === undefined || reason === undefined) return null;
    return { type: "session_end", user_id, target_user_id, session_id, reason };
  },
  account_change(fields) {
    const admin_id = nullable(fields["admin_id"], typeId);
    const target_user_id = typeId(fields["target_user_id"]);
    const action = oneOf(fields["action"], accountActions);
    if (admin_id === undefined || target_user_id === undefined || action === undefined) return null;
    return { type: "account_change", admin_id, target_user_id, action };
  },
  key_change(fields) {
    const user_id = nullable(fields["user_id"], typeId);
    const kind = oneOf(fields["kind"], keyKinds);
    const key_id = matching(fields["key_id"], /^[A-Za-z0-9_-]{1,64}$/);
    const action = oneOf(fields["action"], keyActions);
    if (user_id === undefined || kind === undefined || key_id === undefined || action === undefined) return null;
    return { type: "key_change", user_id, kind, key_id, action };
  },
  policy_change(fields) {
    const user_id = nullable(fields["user_id"], typeId);
    const policy = matching(fields["policy"], /^[a-z][a-z_]{1,31}$/);
    if (user_id === undefined || policy === undefined) return null;
    return { type: "policy_change", user_id, policy };
  },
  org_change(fields) {
    const user_id = nullable(fields["user_id"], typeId);
    const org_id = parseId("org", fields["org_id"]);
    const action = oneOf(fields["action"], orgActions);
    const detail = nullable(fields["detail"], (value) => matching(value, /^[a-z][a-z0-9_-]{0,62}$/));
    if (user_id === undefined || org_id === null || action === undefined || detail === undefined) return null;
    return { type: "org_change", user_id, org_id, action, detail };
  },
  edge_refusals(fields) {
    const gate = matching(fields["gate"], refusalWord);
    const code = matching(fields["code"], refusalWord);
    const country = matching(fields["country"], refusalCountry);
    const count = integer(fields["count"], 1, Number.MAX_SAFE_INTEGER);
    const first_at = matching(fields["first_at"], utcTime);
    const last_at = matching(fields["last_at"], utcTime);
    if (gate === undefined || code === undefined || country === undefined) return null;
    if (count === undefined || first_at === undefined || last_at === undefined) return null;
    return { type: "edge_refusals", gate, code, country, count, first_at, last_at };
  },
};

/** A gate's name and a problem code. */
export const refusalWord = /^[a-z][a-z0-9_]{0,31}$/;
/** As `request.cf.country` says it (`T1` included); `XX` also where it said nothing. */
export const refusalCountry = /^[A-Z][A-Z0-9]$/;
const utcTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Parses one event; null for an unknown type, a missing, unknown or misshapen field. */
export function parseAuditFields(value: unknown): AuditFields | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const fields = value as Fields;
  const type = fields["type"];
  if (typeof type !== "string" || !Object.hasOwn(parsers, type)) return null;
  const found = Object.keys(fields);
  const [firstLater, ...later] = laterFields[type as AuditType] ?? [];
  const isLater = firstLater !== undefined && Object.hasOwn(fields, firstLater);
  const expected = [...fieldNames[type as AuditType], ...(isLater ? [firstLater, ...later] : [])];
  if (found.length !== expected.length + 1 || !expected.every((name) => Object.hasOwn(fields, name))) return null;
  return parsers[type as AuditType](fields);
}

/** Any of our identifiers. */
function typeId(value: unknown): string | undefined {
  return matching(value, /^[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
}

function matching(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === "string" && pattern.test(value) ? value : undefined;
}

/**
 * Text that a stranger chose. It is cut to length, not refused: a failed sign-in with a monstrous
 * user agent must still be recorded. NUL, which Postgres can't store, and lone surrogates, which
 * canonical JSON can't, become U+FFFD. Other control characters are escaped by JSON wherever they go.
 */
function freeText(value: unknown, charactersMax: number): string | undefined {
  if (typeof value !== "string") return undefined;
  return value.slice(0, charactersMax).toWellFormed().replaceAll("\0", "\ufffd");
}

function integer(value: unknown, min: number, max: number): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
    ? (value as number)
    : undefined;
}

/** Clocks may give fractions of a millisecond; the log keeps whole ones. */
function duration(value: unknown): number | undefined {
  return typeof value === "number" ? integer(Math.round(value), 0, durationMsMax) : undefined;
}

function oneOf<T extends string>(value: unknown, words: readonly T[]): T | undefined {
  return words.find((word) => word === value);
}

function nullable<T>(value: unknown, parse: (value: unknown) => T | undefined): T | null | undefined {
  return value === null ? null : parse(value);
}

function list<T>(value: unknown, max: number, parse: (value: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value) || value.length > max) return undefined;
  const parsed = value.map(parse);
  return parsed.every((item) => item !== undefined) ? (parsed as T[]) : undefined;
}
