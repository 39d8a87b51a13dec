/** What each entrypoint of the data Worker offers, and to whom. */
import type { AuditEntry } from "../audit/events.ts";
import type { DeviceId, OrgId } from "../ids.ts";
import type { SignedCall } from "../mesh/claims.ts";
import type { DeviceReply } from "../telemetry.ts";

/** For TenantHub (job `ingest`). Idempotent: a record sent twice is stored once. */
export interface IngestRpc {
  write(call: SignedCall, org: OrgId, records: readonly IngestRecord[]): Promise<void>;
}
export type IngestRecord =
  | {
      readonly kind: "telemetry";
      readonly device: DeviceId;
      /** Unique per device. */
      readonly sampleId: string;
      readonly at: string;
      readonly receivedAt: string;
      readonly metrics: Readonly<Record<string, number>>;
    }
  | { readonly kind: "presence"; readonly device: DeviceId; readonly online: boolean; readonly at: string }
  | { readonly kind: "reply"; readonly device: DeviceId; readonly receivedAt: string; readonly reply: DeviceReply };

/** For AuditLog (job `audit_drain`). Idempotent by (log, seq). */
export interface AuditSinkRpc {
  write(call: SignedCall, entries: readonly SinkEntry[]): Promise<void>;
  /** True if the request's work was committed (its operation receipt is there). `org` null: control only. */
  receiptExists(call: SignedCall, org: OrgId | null, requestId: string): Promise<boolean>;
}
export interface SinkEntry {
  readonly entry: AuditEntry;
  /** The exact bytes that were hashed: RFC 8785 JSON with commitments. */
  readonly leafJson: string;
  /** Salts of the commitments by field name, base64url; erasing them erases the person. */
  readonly salts: Readonly<Record<string, string>>;
}

/** For capabilities: a tenant's database, against a valid assertion for that tenant. */
export interface CredentialsRpc {
  forTenant(call: SignedCall): Promise<TenantConnection>;
}
export interface TenantConnection {
  readonly org: OrgId;
  /** `postgres://role:password@host/db` of the tenant's own LOGIN role. Never logged. */
  readonly databaseUrl: string;
  /** The neighbouring epoch's password, tried once on a refused login during rotation. */
  readonly fallbackDatabaseUrl: string | null;
  /** Signed row scope: goes into the setting `sentinel.scope`, checked by a SECURITY DEFINER function. */
  readonly rowScope: string;
  readonly expiresAtMs: number;
}

/** For studio (job `provision`). Idempotent. */
export interface ProvisionerRpc {
  /** Creates (or finishes creating) schema, LOGIN role, grants, row-level security; migrates to newest. */
  createTenant(call: SignedCall, org: OrgId): Promise<ProvisionedTenant>;
}
export interface ProvisionedTenant {
  /** Null: every placement is full, and nothing was made. Not an error: a class does not survive the way. */
  readonly placement: string | null;
}
