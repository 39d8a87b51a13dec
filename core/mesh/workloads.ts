/**
 * Who may call whom. KeyRing certifies an isolate's key for one workload and writes that
 * workload's row of this table into the certificate; a callee accepts nothing outside it.
 */
export const workloads = ["studio", "capabilities", "durable-objects"] as const;
export type Workload = (typeof workloads)[number];

/** The callee an assertion is for: one unit's one entrypoint. */
export const audiences = [
  "capabilities.devices",
  "durable-objects.audit-intake",
  "durable-objects.audit-reader",
  "durable-objects.hub-control",
  "durable-objects.hub-backup",
  "durable-objects.token-signer",
  "durable-objects.key-rotation",
  "durable-objects.backends",
  "data.ingest",
  "data.audit-sink",
  "data.credentials",
  "data.provisioner",
  "data.data-keys",
  "capabilities.encryption",
  "capabilities.backups",
  "capabilities.documents",
  "capabilities.llm",
  "capabilities.export-destinations",
  "capabilities.exports",
  "capabilities.billing",
  "data.backup-source",
] as const;
export type Audience = (typeof audiences)[number];

/** Work without a user. Each job is narrower than any role. */
export const jobs = [
  /** A request before anyone is known: register, login, enrol. Studio only. */
  "anonymous_request",
  /** Signing tokens for a session that Studio has just checked. */
  "sign_tokens",
  /** Revoking every signing key of one purpose, on the operator's word. Studio only. */
  "rotate_keys",
  /** Redeeming an enrolment code into a device. */
  "enroll",
  /** Creating or migrating an organisation's schema, role and hub. */
  "provision",
  /** Shutting, opening and erasing an organisation: its hub, its schema and role. Studio only. */
  "lifecycle",
  /** Reading and reconciling an organisation's hub for a backup or restore. Studio only. */
  "backup",
  /** TenantHub's outbox. */
  "ingest",
  /** AuditLog's drain and reconciler. */
  "audit_drain",
  /** What a witness may: an organisation's checkpoint, its consistency, and a cosignature. Studio only. */
  "audit_witness",
  /** Reading an organisation's log for the destination that it streams to. Studio only. */
  "audit_stream",
  /** Making a person unreadable in the platform's logs, on the operator's word. Studio only. */
  "erase_subject",
  /** Rotating an organisation's data key and wrapping its keys anew, on the operator's word. */
  "tend_keys",
  /** Making, reading and deleting an organisation's backups, by the clock, on its word or the operator's. */
  "tend_backups",
  /** Ending uploads and documents that are over, and an organisation's objects, by the clock. */
  "tend_documents",
  /** Making, delivering and ending exports, reading as whoever asked for one. */
  "run_exports",
  /** Measuring what an organisation uses, and ending its subscription, by the clock. */
  "tend_billing",
  /** Hearing a payment provider out, before it is known about whom. Studio only. */
  "take_payments",
] as const;
export type Job = (typeof jobs)[number];

export interface WorkloadGrant {
  readonly audiences: readonly Audience[];
  readonly jobs: readonly Job[];
}

export const workloadGrants: Readonly<Record<Workload, WorkloadGrant>> = {
  studio: {
    audiences: [
      "capabilities.devices",
      "capabilities.encryption",
      "capabilities.backups",
      "capabilities.documents",
      "capabilities.llm",
      "capabilities.export-destinations",
      "capabilities.exports",
      "capabilities.billing",
      "durable-objects.audit-intake",
      "durable-objects.audit-reader",
      "durable-objects.hub-control",
      "durable-objects.hub-backup",
      "durable-objects.token-signer",
      "durable-objects.key-rotation",
      "durable-objects.backends",
      "data.provisioner",
    ],
    jobs: [
      "anonymous_request",
      "sign_tokens",
      "rotate_keys",
      "enroll",
      "provision",
      "lifecycle",
      "tend_keys",
      "backup",
      "audit_witness",
      "audit_stream",
      "erase_subject",
      "tend_backups",
      "tend_documents",
      "run_exports",
      "tend_billing",
      "take_payments",
    ],
  },
  capabilities: {
    audiences: [
      "data.credentials",
      "data.data-keys",
      "data.backup-source",
      "durable-objects.hub-control",
      "durable-objects.hub-backup",
    ],
    jobs: ["enroll", "tend_keys", "tend_backups", "tend_documents", "run_exports", "tend_billing"],
  },
  "durable-objects": {
    audiences: ["data.ingest", "data.audit-sink"],
    jobs: ["ingest", "audit_drain"],
  },
};
