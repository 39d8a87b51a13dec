/** The words that audit events are made of. A word is never renamed or taken away: entries of seven years use it. */

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
  "audit_log_signing_key",
  "client_secret",
  /** A witness that may cosign the log's checkpoints. */
  "audit_witness",
  /** What signs the log's entries on their way to the organisation's own SIEM. */
  "audit_stream_secret",
  /** What seals an organisation's data. */
  "data_key",
  /** What wraps its data keys, wherever that is kept. */
  "key_encryption_key",
  /** What an organisation shows to a provider of language models; `key_id` is the provider's. */
  "llm_key",
  /** What it takes to write to a destination of exports; `key_id` is the destination's. */
  "export_secret",
] as const;
export const keyActions = ["created", "rotated", "revoked", "unavailable"] as const;

/** What happens to an organisation as a whole. */
export const orgActions = [
  "created",
  "renamed",
  "suspended",
  "resumed",
  "deletion_requested",
  "deletion_undone",
  "deletion_begun",
  "deleted",
  "creation_abandoned",
  "plan_changed",
  "plan_requested",
  "billing_details_changed",
  "invoice_issued",
  "invoice_paid",
  "payment_standing_changed",
  "move_begun",
  "moved",
  "move_given_up",
  /** The last three: in entries from before `backup` was a type of its own. */
  "backed_up",
  "restore_begun",
  "restored",
] as const;
export type OrgAction = (typeof orgActions)[number];

/** What was done about devices joining, and about a device that has joined. */
export const enrollmentActions = [
  "code_created",
  "code_revoked",
  "rollout_opened",
  "enrolled",
  "token_rotated",
  "device_removed",
] as const;
export type EnrollmentAction = (typeof enrollmentActions)[number];

/** What the operator's own tool says of its backups. */
export const toolBackupActions = ["backed_up", "restore_begun", "restored"] as const;
export const backupActions = [
  ...toolBackupActions,
  /** Of the platform's own: somebody asked for one, none came of a run, it was too old, its key was given to the operator. */
  "requested",
  "failed",
  "deleted",
  "opened",
] as const;
export type BackupAction = (typeof backupActions)[number];

/** `refused`: the migration stopped before it changed anything. */
/** Sealed: exported, and read again as what was signed. */
export const auditMonthActions = ["begun", "sealed", "detached", "failed"] as const;

export const migrationActions = ["applied", "refused"] as const;

/** Events that are folded when they repeat: only failures of these. */
export const repeatableTypes = ["login", "api_call", "access_denied"] as const;

/** Patterns that the log looks for (core/audit/alerts.ts). */
export const alertKinds = ["many_failures", "impossible_travel", "mass_export", "role_raised_then_used"] as const;
export type AlertKind = (typeof alertKinds)[number];
