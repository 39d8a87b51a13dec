/**
 * Every audit event: its stable code, and the fields of each version of its schema. The types, the parser at the
 * door (parse.ts) and docs/audit-events.md all come from this table. What is here never changes: a new field is a
 * new version behind the others, and what was written under an older version stays valid for seven years.
 */
import { parseId } from "../ids.ts";
import { roles } from "../tenancy/roles.ts";
import {
  address,
  count,
  country,
  documentIdsMax,
  duration,
  endpoint,
  type Field,
  freeText,
  id,
  instant,
  integer,
  list,
  matching,
  method,
  monthPattern,
  oneOf,
  orNull,
  problemCode,
  refusalWord,
  textCharactersMax,
  userAgentCharactersMax,
  type ValueOf,
} from "./field.ts";
import {
  accountActions,
  alertKinds,
  auditMonthActions,
  backupActions,
  enrollmentActions,
  factorActions,
  factorKinds,
  keyActions,
  keyKinds,
  loginFailureReasons,
  loginMethods,
  migrationActions,
  orgActions,
  repeatableTypes,
  sessionEndReasons,
} from "./vocabulary.ts";

type Fields = Readonly<Record<string, Field<unknown>>>;

interface EventSchema {
  /** Names the type for ever, for rules of whoever reads the log with a machine. */
  readonly code: number;
  readonly says: string;
  /** Version 1. */
  readonly fields: Fields;
  /** What each later version adds; an entry has all fields of its version or none of them. */
  readonly later?: readonly Fields[];
  /** What must hold between fields. */
  readonly check?: (values: Readonly<Record<string, unknown>>) => boolean;
}

const user = id("user");
const org: Field<string> = {
  says: id("org").says,
  parse: (value) => parseId("org", value) ?? undefined,
};
const nobody = "nobody is known";
const byPlatform = "the platform's operator or a schedule";
const role = orNull(oneOf(roles), "no member");

export const eventSchemas = {
  login: {
    code: 1001,
    says: "A sign-in, or an attempt at one.",
    fields: {
      user_id: orNull(user, nobody),
      ip: address,
      user_agent: freeText("as the client said it", userAgentCharactersMax),
      outcome: oneOf(["success", "failure"]),
      mfa: oneOf(["none", "passed", "failed", "not_reached"]),
    },
    later: [{ method: oneOf(loginMethods), reason: orNull(oneOf(loginFailureReasons), "a success") }, { country }],
    check: ({ outcome, reason }) => reason === undefined || (reason === null) === (outcome === "success"),
  },
  factor_change: {
    code: 1002,
    says: "A password, second factor, address or outside identity of a person changed, or a recovery code was used.",
    fields: { user_id: user, factor: oneOf(factorKinds), action: oneOf(factorActions) },
  },
  session_end: {
    code: 1003,
    says: "Sessions were ended by other means than their own expiry.",
    fields: {
      user_id: orNull(user, "the platform's operator"),
      target_user_id: user,
      session_id: orNull(id("session"), "all of the person's"),
      reason: oneOf(sessionEndReasons),
    },
  },
  account_change: {
    code: 1004,
    says: "A person or a membership was disabled or enabled again.",
    fields: {
      admin_id: orNull(user, "the platform's operator"),
      target_user_id: user,
      action: oneOf(accountActions),
    },
  },
  person_erased: {
    code: 1005,
    says: "A person was made unreadable in this log for good. Whom, the leaf commits to, and nobody can open it.",
    fields: { admin_id: orNull(user, "the platform's operator"), target_user_id: user },
  },
  api_call: {
    code: 2001,
    says: "A request to the API, by what came of it.",
    fields: {
      user_id: orNull(user, nobody),
      endpoint,
      method,
      status_code: orNull(integer("HTTP status", 100, 599), "an intent"),
      duration_ms: orNull(duration, "an intent"),
    },
  },
  access_denied: {
    code: 2002,
    says: "Somebody who is known was refused: the role, the proof or the policy does not allow it.",
    fields: {
      user_id: orNull(user, "whoever holds the operator's token"),
      ip: address,
      country,
      endpoint,
      method,
      code: problemCode,
    },
  },
  edge_refusals: {
    code: 2003,
    says: "Requests that a gate of the edge refused, added up over a minute.",
    fields: {
      gate: matching("which gate", refusalWord),
      code: problemCode,
      country,
      count,
      first_at: instant,
      last_at: instant,
    },
  },
  repeated: {
    code: 2004,
    says: "The same failure again and again: the first is an entry of its own, and this counts those that followed it within a minute. What they had in common stands here; what they had not is null.",
    fields: {
      of: oneOf(repeatableTypes),
      user_id: orNull(user, nobody),
      ip: orNull(address, "the events have none"),
      country: orNull(country, "the events have none"),
      endpoint: orNull(endpoint, "the events have none"),
      method: orNull(method, "the events have none"),
      status_code: orNull(integer("HTTP status", 100, 599), "the events have none"),
      reason: orNull(matching("`reason` of sign-ins, `code` of denials", refusalWord), "the events have none"),
      first_seq: integer("number of the entry that is the first", 1, Number.MAX_SAFE_INTEGER),
      count,
      first_at: instant,
      last_at: instant,
      last_request_id: id("request"),
    },
  },
  alert: {
    code: 2005,
    says: "Several events together that somebody should look at; the log itself says so, in the transaction of the last of them.",
    fields: {
      kind: oneOf(alertKinds),
      user_id: orNull(user, "it is about an address"),
      ip: orNull(address, "it is about a person"),
      country: orNull(country, "no country is concerned"),
      country_before: orNull(country, "no country is concerned"),
      count: integer("sign-ins, documents or events that make the pattern", 1, Number.MAX_SAFE_INTEGER),
      first_seq: integer("number of the entry that it began with", 1, Number.MAX_SAFE_INTEGER),
      last_seq: integer("number of the entry that completed it", 1, Number.MAX_SAFE_INTEGER),
    },
  },
  data_access: {
    code: 3001,
    says: "A document was read, written or deleted.",
    fields: { user_id: user, document_id: id("document"), action: oneOf(["read", "write", "delete"]) },
  },
  export: {
    code: 3002,
    says: "Documents left the system.",
    fields: {
      user_id: user,
      format: matching("file format", /^[A-Za-z0-9._+/-]{1,64}$/),
      document_ids: list(id("document"), documentIdsMax),
      destination: freeText("where to", textCharactersMax),
    },
  },
  role_change: {
    code: 4001,
    says: "A member joined, left or got another role.",
    fields: { admin_id: user, target_user_id: user, old_role: role, new_role: role },
  },
  policy_change: {
    code: 4002,
    says: "A policy of the organisation changed: `geo`, `tls`, `mfa`, …, or `identity_provider`.",
    fields: { user_id: orNull(user, byPlatform), policy: matching("which", /^[a-z][a-z_]{1,31}$/) },
  },
  org_change: {
    code: 4003,
    says: "The organisation itself was made, shut, opened or taken away.",
    fields: {
      user_id: orNull(user, byPlatform),
      /** Named here too: the platform's log has it when the organisation is gone. */
      org_id: org,
      action: oneOf(orgActions),
      detail: orNull(
        matching(
          "the plan for `plan_changed` and `plan_requested`; the standing for `payment_standing_changed`; the invoice's id; the placement that it is moved to; the backup in entries from before `backup` was a type of its own",
          /^[a-z][a-z0-9_-]{0,62}$/,
        ),
        "nothing to add",
      ),
    },
  },
  key_change: {
    code: 5001,
    says: "An API key, a signing key, an identity provider's client secret, or a key that data is sealed under.",
    fields: {
      user_id: orNull(user, byPlatform),
      kind: oneOf(keyKinds),
      key_id: matching("never the key: its id or RFC 7638 thumbprint", /^[A-Za-z0-9_-]{1,64}$/),
      action: oneOf(keyActions),
    },
  },
  enrollment: {
    code: 6001,
    says: "A device joined or left, got a new token, or a code by which devices join was made, opened wide or withdrawn.",
    fields: {
      user_id: orNull(user, "the device itself, by a code"),
      action: oneOf(enrollmentActions),
      code_id: orNull(id("enrollmentCode"), "no code is concerned"),
      device_id: orNull(id("device"), "no device is concerned"),
    },
  },
  device_command: {
    code: 6002,
    says: "A command was sent to a device. Its arguments are not here: they may hold secrets.",
    fields: {
      user_id: user,
      device_id: id("device"),
      command_id: id("command"),
      command: matching("its name", /^[a-z][a-z0-9_]{0,63}$/),
    },
  },
  backup: {
    code: 7001,
    says: "The organisation's data was backed up or is being put back.",
    fields: {
      user_id: orNull(user, byPlatform),
      org_id: org,
      backup_id: id("backup"),
      action: oneOf(backupActions),
    },
  },
  migration: {
    code: 7002,
    says: "The organisation's own schema was brought to a newer version, or that was refused.",
    fields: {
      user_id: orNull(user, byPlatform),
      org_id: org,
      from_version: integer("number of the migration before, 0 for none", 0, 9999),
      to_version: integer("number of the newest migration", 1, 9999),
      action: oneOf(migrationActions),
    },
  },
  audit_month: {
    code: 7003,
    says: "A month of a placement's audit table is older than seven years and leaves it. In a log of the platform alone.",
    fields: {
      placement: matching("name of the database", /^[a-z][a-z0-9-]{0,62}$/),
      month: matching("year and month, `2026-01`", monthPattern),
      action: oneOf(auditMonthActions),
      entries: orNull(integer("how many it holds", 0, Number.MAX_SAFE_INTEGER), "not sealed"),
      seal: orNull(matching("SHA-256 of the sealed copy's manifest, hex", /^[0-9a-f]{64}$/), "not sealed"),
    },
  },
} as const satisfies Readonly<Record<string, EventSchema>>;

type Schemas = typeof eventSchemas;
export type AuditType = keyof Schemas;

type Values<F> = { readonly [K in keyof F]: ValueOf<F[K]> };
type Both<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;
/** Fields of all later versions; each may be absent. */
type Later<S> = S extends { readonly later: readonly (infer F)[] } ? Partial<Values<Both<F>>> : unknown;
type Flat<T> = { [K in keyof T]: T[K] };

/** An event: `type`, and exactly the fields of one version of its schema. */
export type AuditFields = {
  [T in AuditType]: Flat<{ readonly type: T } & Values<Schemas[T]["fields"]> & Later<Schemas[T]>>;
}[AuditType];

/** What changed of a factor, whoever's it is. */
export type FactorChange = Pick<Extract<AuditFields, { type: "factor_change" }>, "factor" | "action">;

/** Every type, for parsing a filter. */
export const auditTypes = Object.keys(eventSchemas) as [AuditType, ...AuditType[]];

/** The schema of a type, as what is the same of all of them. */
export const schemaOf = (type: AuditType): EventSchema => eventSchemas[type];

/** Which version of its type's schema an event has: 1 and up. */
export function schemaVersion(event: AuditFields): number {
  const later = schemaOf(event.type).later ?? [];
  return 1 + later.filter((fields) => Object.keys(fields).every((name) => Object.hasOwn(event, name))).length;
}

/** Fields that name a person: a salted commitment in the leaf, so that a person can be erased. */
export const personalFields = ["user_id", "admin_id", "target_user_id", "ip", "user_agent"] as const;

/**
 * One change leaves two entries: `intent` before the work and `outcome` after it, which names the
 * intent's sequence number. What needs no pair (a read, a login) is one `event`.
 */
export type AuditPhase = "event" | "intent" | "outcome";

/** How an intent ended. `lost`: the reconciler looked and found the work not done. */
export type AuditResult = "answered" | "reconciled_done" | "reconciled_not_done";

/** An entry as readers see it (personal fields resolved, or null once erased). */
export interface AuditEntry {
  readonly version: 1;
  /** An organisation's id, or `platform-{shard}` for events that belong to none. */
  readonly log: string;
  /** 1, 2, 3 … without a gap within one log. */
  readonly seq: number;
  /** Commit time by the log's own clock, RFC 3339 UTC with milliseconds. */
  readonly at: string;
  readonly request_id: string;
  readonly phase: AuditPhase;
  /** For an outcome: the intent's `seq`. */
  readonly intent_seq: number | null;
  readonly result: AuditResult | null;
  readonly event: AuditFields;
  /** RFC 9162 leaf hash, lower-case hex. */
  readonly leaf_hash: string;
}

/** Number of platform logs: events without an organisation are spread over them by request id. */
export const platformLogShards = 4;
