/** Backups that the platform makes by itself: what capabilities do for studio, and what `data` hands to them for it. */
import type { BackupId } from "../ids.ts";
import type { SignedCall } from "../mesh/claims.ts";

/**
 * Why no backup was made. Nothing of it stays.
 * - `too_large`: more than one run can read while its snapshot is held; the operator's tool has no such bound
 * - `out_of_time`: the run's time was over before its rows were
 * - `key_unavailable`: the organisation's keeper refuses or is away, or its keys were shredded
 * - `unreadable_table`, `being_migrated`, `unknown_kind`, `cyclic_references`, `no_schema`: see CatalogueRefused
 * - `scope_lost`: its rows could not be told to be all
 * - `hub_unavailable`: its hub did not give a copy of what it holds
 * - `stopped`: the caller said so
 * - `not_whole`: what was written does not read back as what was meant
 * - `failed`: anything else; the Worker's log says what
 * - `interrupted`: the run ended without a word (said by studio, of a run that it has not heard of)
 */
export const backupFailures = [
  "too_large",
  "out_of_time",
  "key_unavailable",
  "unreadable_table",
  "being_migrated",
  "unknown_kind",
  "cyclic_references",
  "no_schema",
  "scope_lost",
  "hub_unavailable",
  "stopped",
  "not_whole",
  "failed",
  "interrupted",
] as const;
export type BackupFailure = (typeof backupFailures)[number];

export interface BackupProgress {
  /** Of rows, before compression. */
  readonly bytes: number;
  /** Of the tables on disk. */
  readonly bytesEstimated: number;
}

export interface MadeBackup {
  /** Under the organisation's own data keys, and so under its keeper. */
  readonly wrappedKey: string;
  readonly schema: number;
  /** RFC 3339. */
  readonly snapshotAt: string;
  /** Of the object. */
  readonly bytes: number;
  readonly rows: number;
  /** Of the object, hex. */
  readonly sha256: string;
}

/** What studio gives to a run; both are asked from within it. */
export interface BackupOrder {
  readonly backup: BackupId;
  /** Lines of the control plane's streams by their names, read now. */
  readonly controlLines: () => Promise<Readonly<Record<string, string>>>;
  /** Every few seconds. @returns false: stop, and leave nothing */
  readonly onProgress: (progress: BackupProgress) => Promise<boolean>;
}

export type MakeResult =
  | { readonly ok: true; readonly value: MadeBackup }
  | { readonly ok: false; readonly code: BackupFailure };

export type OpenKeyResult =
  | { readonly ok: true; readonly key: Uint8Array<ArrayBuffer> }
  | { readonly ok: false; readonly code: "unknown_backup" | "key_destroyed" | "key_unavailable" };

/** Longest piece of {@link BackupsRpc.read}: as JSON in base64 some 5.4 MiB. */
export const backupReadBytesMax = 4 * 1024 * 1024;

/** Of capabilities, for studio's job `tend_backups` and nobody else: no user, an owner neither, holds a backup's key. */
export interface BackupsRpc {
  /** Makes the backup of the call's organisation, puts it into the bucket and reads it again. */
  make(call: SignedCall, order: BackupOrder): Promise<MakeResult>;
  /** @returns null when there is no such object; fewer bytes than asked for at its end */
  read(
    call: SignedCall,
    backup: BackupId,
    offset: number,
    length: number,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number } | null>;
  /** A backup's key, for the operator who restores it. */
  openKey(call: SignedCall, backup: BackupId): Promise<OpenKeyResult>;
  /**
   * Deletes the organisation's objects but for those to keep, and but for young ones: whose row is still being written.
   * @returns how many
   */
  prune(call: SignedCall, keep: readonly BackupId[]): Promise<number>;
  /** Deletes every object of the organisation, young ones too. */
  erase(call: SignedCall): Promise<void>;
}

/** Entries of one page of {@link BackupSourceRpc.readAudit}. */
export const auditPageEntriesMax = 1_000;

/** Of `data`, for capabilities (job `tend_backups`): what a backup needs and the tenant's own role may not read. */
export interface BackupSourceRpc {
  /** The newest migration of the organisation's schema, as its own ledger says now. */
  schemaNumber(call: SignedCall): Promise<number>;
  /**
   * Drained entries of the organisation's log as COPY writes them, in order.
   * @param after the `seq` of the last one that was read, 0 at first
   * @returns `last` null: there are no more
   */
  readAudit(call: SignedCall, after: number): Promise<{ readonly lines: string; readonly last: number | null }>;
  /** @returns null for a backup that is not this organisation's, or not the platform's; `wrapped` null: destroyed */
  wrappedKey(call: SignedCall, backup: BackupId): Promise<{ readonly wrapped: string | null } | null>;
}
