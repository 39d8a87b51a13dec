/** What each entrypoint of the data Worker offers, and to whom. */
import type { AuditEntry } from "../audit/events.ts";
import type { LogName } from "../audit/logs.ts";
import type { MonthEntry } from "../audit/month-archive.ts";
import type { DataKeySet, KeeperChange, KeeperOutcome, KeeperRecord, WrappedDataKey } from "../crypto/data-key-set.ts";
import type { KeyUnavailableReason } from "../crypto/key-wrapper.ts";
import type { ReaderRole } from "../exports/job.ts";
import type { DataKeyId, DeviceId, OrgId, UserId } from "../ids.ts";
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
  /** Entries that were written, newest first: what their log keeps no more. Of the call's own log alone. */
  older(call: SignedCall, query: OlderQuery): Promise<readonly OlderEntry[]>;
  /** The next four are for calls of no organisation. The oldest month of each placement whose seven years are over. */
  dueMonths(call: SignedCall): Promise<readonly DueMonth[]>;
  /** Its entries behind one of them, in an order of the database's own; at most `monthEntriesMax`. */
  readMonth(
    call: SignedCall,
    month: DueMonth,
    after: Pick<MonthEntry, "log" | "seq"> | null,
  ): Promise<readonly MonthEntry[]>;
  /** Detaches it, if it has so many entries. */
  retireMonth(call: SignedCall, month: DueMonth, entries: number, seal: string): Promise<void>;
  /** Months that were detached in the last 30 days, of every placement. */
  retiredMonths(call: SignedCall): Promise<readonly RetiredMonth[]>;
}
export interface DueMonth {
  readonly placement: string;
  /** `2026-01`. */
  readonly month: string;
}
export interface RetiredMonth extends DueMonth {
  readonly entries: number;
  /** SHA-256 of the sealed copy's manifest, hex. */
  readonly seal: string;
}
/** Entries in one answer: leaves are below 64 KiB, and an answer may have 32 MiB. */
export const monthEntriesMax = 500;
export interface OlderQuery {
  /** The call's organisation, or a platform log. */
  readonly log: LogName;
  /** Numbers from (inclusive) and before (exclusive). */
  readonly from: number;
  readonly before: number;
  readonly type: string | null;
  /** Unix milliseconds, both inclusive. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** 1 to `olderEntriesMax`. */
  readonly limit: number;
}
export interface OlderEntry extends Pick<SinkEntry, "leafJson" | "sealed"> {
  readonly seq: number;
}
/** Entries in one answer: some KiB each. */
export const olderEntriesMax = 1000;
export interface SinkEntry {
  /** Without any personal value: those fields are null. */
  readonly entry: AuditEntry;
  /** The exact bytes that were hashed: RFC 8785 JSON with commitments. */
  readonly leafJson: string;
  /** Values and salts, sealed for whose they are; destroying a subject's key erases the person. */
  readonly sealed: readonly SealedFields[];
}
/** Personal fields of one entry that are one subject's. The key is in the log's own object and nowhere else. */
export interface SealedFields {
  /** The subject's number within its log. */
  readonly subject: number;
  /** `p1.` and base64url of nonce, ciphertext and tag (ADR 33). */
  readonly sealed: string;
}

/** For capabilities: a tenant's database, against a valid assertion for that tenant. */
export interface CredentialsRpc {
  /** @param reader of the job `run_exports` and of no other call: as whom it reads */
  forTenant(call: SignedCall, reader?: TenantReader): Promise<TenantConnection>;
}
/** Somebody who is not there, for a job that reads what they would see. */
export interface TenantReader {
  readonly user: UserId;
  readonly role: ReaderRole;
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
  /** Job `lifecycle`: drops schema and role of an organisation whose erasure has begun, once all is quiet. */
  dropTenant(call: SignedCall, org: OrgId): Promise<DroppedTenant>;
  /** Job `lifecycle`: begins a move to another placement, or finds that one is under way. Moves no row. */
  prepareMove(call: SignedCall, org: OrgId, target: string): Promise<PreparedMove>;
}
/**
 * - `rotating`: its password changes just now; a minute later it has
 * - `moved_lately`: what a move before has left is not dropped yet
 */
export type MoveRefusal =
  | "no_such_placement"
  | "not_ready"
  | "closed"
  | "same_placement"
  | "rotating"
  | "full"
  | "moving_elsewhere"
  | "moved_lately";
export type PreparedMove =
  | { readonly kind: "refused"; readonly why: MoveRefusal }
  | {
      readonly kind: "prepared";
      /** False: it had begun before. */
      readonly begun: boolean;
      /** The placement that it leaves. */
      readonly source: string;
      /** How far it is (migrations/control/0016). */
      readonly step: string;
    };
export interface DroppedTenant {
  /** False: not yet; ask again later. */
  readonly dropped: boolean;
}
export interface ProvisionedTenant {
  /** Null: every placement is full, and nothing was made. Not an error: a class does not survive the way. */
  readonly placement: string | null;
}

/**
 * For capabilities: the wrapped data keys of the call's own organisation. `data` holds nothing that
 * opens them, and capabilities hold no list of them.
 */
export interface DataKeysRpc {
  /** @param messages of the current key, to be reserved */
  read(call: SignedCall, messages: number): Promise<DataKeySet>;
  /** False: the set has changed since it was read. */
  add(call: SignedCall, version: number, key: WrappedDataKey): Promise<boolean>;
  report(call: SignedCall, outcome: KeeperOutcome): Promise<void>;
  /** For an owner, or the job `tend_keys`. False: the set has changed since it was read. */
  changeKeeper(call: SignedCall, change: KeeperChange): Promise<boolean>;
  describe(call: SignedCall): Promise<EncryptionState>;
}
/** What people are shown: no wrapped key and no credentials. Times in RFC 3339 UTC. */
export interface EncryptionState {
  readonly keeper: Pick<KeeperRecord, "kind" | "settings">;
  readonly shredded: boolean;
  /** Null: nobody yet, or the platform. */
  readonly changedBy: UserId | null;
  readonly changedAt: string | null;
  /** When the keeper last answered, and when it last did not. */
  readonly unwrappedAt: string | null;
  readonly failedAt: string | null;
  readonly failure: KeyUnavailableReason | null;
  readonly keys: readonly {
    readonly id: DataKeyId;
    readonly createdAt: string;
    readonly messagesReserved: number;
    readonly current: boolean;
  }[];
}
