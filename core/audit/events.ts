import type { Role } from "../tenancy/roles.ts";

/** How a sign-in was tried. */
export const loginMethods = ["password", "passkey", "oidc", "supabase", "refresh_token"] as const;
export type LoginMethod = (typeof loginMethods)[number];

/** Why a sign-in failed, as a class: what an investigator counts by, and nothing that a client is told. */
export const loginFailureReasons = [
  "unknown_account",
  "wrong_password",
  "disabled",
  "not_a_member",
  "factor_failed",
  /** The first proof was right and a second factor was asked for. */
  "factor_due",
  /** A passkey signed rightly, with a counter that was used before: there may be a copy of it. */
  "passkey_copied",
  "throttled",
  "token_reused",
  "provider_refused",
  "not_linked",
] as const;
export type LoginFailureReason = (typeof loginFailureReasons)[number];

/** What a person proves themselves with. */
export const factorKinds = ["password", "totp", "passkey", "recovery_codes", "email", "external_identity"] as const;
export type FactorKind = (typeof factorKinds)[number];
export const factorActions = ["added", "changed", "removed", "used", "reset"] as const;

/** Why sessions ended before their time. */
export const sessionEndReasons = [
  "signed_out",
  "by_owner",
  "by_admin",
  "disabled",
  "removed",
  "factor_reset",
  "token_reused",
] as const;

export const accountActions = ["disabled", "enabled"] as const;

/** Keys and secrets whose changes are on record. */
export const keyKinds = [
  "api_key",
  "access_signing_key",
  "mesh_signing_key",
  "client_secret",
  /** What seals an organisation's data. */
  "data_key",
  /** What wraps its data keys, wherever that is kept. */
  "key_encryption_key",
] as const;
export const keyActions = ["created", "rotated", "revoked", "unavailable"] as const;

/** What happens to an organisation as a whole. */
export const orgActions = [
  "created",
  "suspended",
  "resumed",
  "deletion_requested",
  "deletion_undone",
  "deletion_begun",
  "deleted",
  "creation_abandoned",
  "plan_changed",
  "backed_up",
  "restore_begun",
  "restored",
] as const;
export type OrgAction = (typeof orgActions)[number];

/** The five events of ARCHITECTURE.md with exactly their fields, changes of what proves identity, and the edge's folded refusals. */
export type AuditFields =
  | {
      readonly type: "login";
      readonly user_id: string | null;
      readonly ip: string;
      readonly user_agent: string;
      readonly outcome: "success" | "failure";
      readonly mfa: "none" | "passed" | "failed" | "not_reached";
      /** Absent in entries written before there was more than one method. */
      readonly method?: LoginMethod;
      /** Null for a success; absent where `method` is. */
      readonly reason?: LoginFailureReason | null;
    }
  | {
      readonly type: "api_call";
      readonly user_id: string | null;
      /** The route's pattern, never the raw path: `/api/v1/orgs/{org}/members`. */
      readonly endpoint: string;
      readonly method: string;
      /** Null in an intent. */
      readonly status_code: number | null;
      readonly duration_ms: number | null;
    }
  | {
      readonly type: "data_access";
      readonly user_id: string;
      readonly document_id: string;
      readonly action: "read" | "write" | "delete";
    }
  | {
      readonly type: "role_change";
      readonly admin_id: string;
      readonly target_user_id: string;
      readonly old_role: Role | null;
      readonly new_role: Role | null;
    }
  | {
      readonly type: "export";
      readonly user_id: string;
      readonly format: string;
      readonly document_ids: readonly string[];
      readonly destination: string;
    }
  | {
      /** A password, second factor, address or outside identity of a person changed, or a recovery code was used. */
      readonly type: "factor_change";
      readonly user_id: string;
      readonly factor: FactorKind;
      readonly action: (typeof factorActions)[number];
    }
  | {
      /** Sessions were ended by other means than their own expiry. */
      readonly type: "session_end";
      /** Who ended them; null: the platform's operator. */
      readonly user_id: string | null;
      readonly target_user_id: string;
      /** Null: all of the person's. */
      readonly session_id: string | null;
      readonly reason: (typeof sessionEndReasons)[number];
    }
  | {
      /** A person or a membership was disabled or enabled again. */
      readonly type: "account_change";
      /** Null: the platform's operator. */
      readonly admin_id: string | null;
      readonly target_user_id: string;
      readonly action: (typeof accountActions)[number];
    }
  | {
      /** An API key, a signing key, an identity provider's client secret, or a key that data is sealed under. */
      readonly type: "key_change";
      /** Null: the platform's operator or a schedule. */
      readonly user_id: string | null;
      readonly kind: (typeof keyKinds)[number];
      /** Never the key: its id or RFC 7638 thumbprint. */
      readonly key_id: string;
      readonly action: (typeof keyActions)[number];
    }
  | {
      readonly type: "policy_change";
      readonly user_id: string | null;
      /** `geo`, `tls`, `mfa`, …, or `identity_provider`. */
      readonly policy: string;
    }
  | {
      /** The organisation itself was made, shut, opened or taken away. */
      readonly type: "org_change";
      /** Null: the platform's operator or a schedule. */
      readonly user_id: string | null;
      /** Named here too: the platform's log has it when the organisation is gone. */
      readonly org_id: string;
      readonly action: OrgAction;
      /** The new plan for `plan_changed`, the backup for `backed_up`, `restore_begun` and `restored`, else null. */
      readonly detail: string | null;
    }
  | {
      readonly type: "edge_refusals";
      readonly gate: string;
      readonly code: string;
      readonly country: string;
      readonly count: number;
      readonly first_at: string;
      readonly last_at: string;
    };

/** What changed of a factor, whoever's it is. */
export type FactorChange = Pick<Extract<AuditFields, { type: "factor_change" }>, "factor" | "action">;

export type AuditType = AuditFields["type"];

/** Every type, for parsing a filter. */
export const auditTypes = [
  "login",
  "api_call",
  "data_access",
  "role_change",
  "export",
  "factor_change",
  "session_end",
  "account_change",
  "key_change",
  "policy_change",
  "org_change",
  "edge_refusals",
] as const satisfies readonly AuditType[];

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
