/**
 * Where the keys of backups are: each wrapped under the backup key-encryption key, which the operator holds, in
 * `control.backups`. Both are needed, so destroying either destroys the backup.
 */
import { randomBytes } from "node:crypto";
import type pg from "pg";
import type { BackupHeader } from "../../core/backup/header.ts";
import { KeyUnavailable, type KeyWrapper } from "../../core/crypto/key-wrapper.ts";
import { createSentinelKeeper } from "../../core/crypto/sentinel-keeper.ts";
import { type BackupId, makeId, type OrgId } from "../../core/ids.ts";
import type { PlatformLink } from "./platform-link.ts";

/**
 * - `unknown_backup`: the control plane has never heard of it, or its organisation is gone
 * - `key_destroyed`: its key was shredded; nothing opens it any more
 * - `wrong_key_file`: the key-encryption key is another one
 * - `own_keeper`: the organisation keeps its key-encryption key itself, and this program can't ask its keeper
 * - `keys_shredded`: the organisation's keys were shredded, so no further backup of it is made
 * - `other_header`: the file says of itself what the control plane does not
 * - `needs_sentinel`: the platform made it, so its key is had from a Sentinel that runs, and none was named
 * - `needs_key_file`: the operator made it, and no key file was named
 */
export class CustodyRefused extends Error {
  override readonly name = "CustodyRefused";
  readonly code:
    | "unknown_backup"
    | "key_destroyed"
    | "wrong_key_file"
    | "own_keeper"
    | "keys_shredded"
    | "other_header"
    | "needs_sentinel"
    | "needs_key_file";

  constructor(code: CustodyRefused["code"], message: string) {
    super(message);
    this.code = code;
  }
}

const purposeOf = (backup: BackupId): string => `backup:${backup}`;
const fresh = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from(randomBytes(length));

/** @param text 32 bytes, base64url @throws Error when it is anything else */
export const openKeeper = (text: string): Promise<KeyWrapper> => createSentinelKeeper(text, null, fresh);

export interface NewBackup {
  readonly backup: BackupId;
  /** 32 bytes; in memory alone until the file is whole. */
  readonly key: Uint8Array<ArrayBuffer>;
}

/**
 * Names a backup and makes its key.
 * @throws CustodyRefused `own_keeper`, `keys_shredded`
 */
export async function newBackup(control: pg.ClientBase, org: OrgId, nowMs: number): Promise<NewBackup> {
  const { rows } = await control.query<{ keeper: string; shredded: boolean }>(
    "SELECT keeper, shredded_at IS NOT NULL AS shredded FROM control.encryption_settings WHERE org_id = $1",
    [org],
  );
  if (rows[0]?.shredded === true) throw new CustodyRefused("keys_shredded", "the organisation's keys were shredded");
  // Wrapped under ours it would outlive the key that the organisation can take back.
  if (rows[0] !== undefined && rows[0].keeper !== "sentinel")
    throw new CustodyRefused(
      "own_keeper",
      "the organisation keeps its own key, which this program can't ask for; the platform's own backups are made under it (backup list)",
    );
  return { backup: makeId("backup", nowMs, fresh(10)), key: fresh(32) };
}

export interface FinishedBackup {
  readonly header: BackupHeader & { readonly org: OrgId };
  readonly key: Uint8Array;
  readonly bytes: number;
  readonly rows: number;
  /** Of the file, hex. */
  readonly sha256: string;
}

/** Takes a key into custody. Only then is the file more than noise. */
export async function keepKey(control: pg.ClientBase, keeper: KeyWrapper, finished: FinishedBackup): Promise<void> {
  const { header, bytes, rows, sha256 } = finished;
  const wrapped = await keeper.wrap(header.org, finished.key, purposeOf(header.backup));
  await control.query(
    `INSERT INTO control.backups (id, org_id, wrapped_key, tenant_schema, snapshot_at, bytes, rows, sha256)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [header.backup, header.org, wrapped, header.schema, header.snapshot_at, bytes, rows, sha256],
  );
}

/** For a program that was given no key file: the platform's backups open without. */
export const noKeeper: KeyWrapper = {
  wrap: () => Promise.reject(new CustodyRefused("needs_key_file", "say --key-file")),
  unwrap: () => Promise.reject(new CustodyRefused("needs_key_file", "the operator made it: say --key-file")),
};

/**
 * The key of a backup. One that the platform made lies under the organisation's own keys, whoever keeps those, and is
 * asked for where they are.
 * @param header as the file says, not yet authentic: what opens the file under this key is
 * @throws CustodyRefused
 */
export async function keyOf(
  control: pg.ClientBase,
  keeper: KeyWrapper,
  platform: PlatformLink | null,
  { backup, org }: BackupHeader,
): Promise<Uint8Array<ArrayBuffer>> {
  const { rows } = await control.query<{ org: OrgId; wrapped: string | null; made_by: string }>(
    "SELECT org_id AS org, wrapped_key AS wrapped, made_by FROM control.backups WHERE id = $1",
    [backup],
  );
  const [row] = rows;
  if (row === undefined) throw new CustodyRefused("unknown_backup", `${backup} is not known to this control plane`);
  if (row.org !== org)
    throw new CustodyRefused("other_header", "the file names another organisation than its key does");
  if (row.wrapped === null)
    throw new CustodyRefused("key_destroyed", "its key was destroyed: nothing opens it any more");
  if (row.made_by === "platform") {
    if (platform === null)
      throw new CustodyRefused(
        "needs_sentinel",
        "the platform made it: say --url or --state of the Sentinel that runs",
      );
    return await platform.openKey(row.org, backup);
  }
  try {
    return await keeper.unwrap(row.org, row.wrapped, purposeOf(backup));
  } catch (error) {
    if (!(error instanceof KeyUnavailable)) throw error;
    throw new CustodyRefused("wrong_key_file", "the key-encryption key is not the one that this backup was made with");
  }
}

/** Notes that a backup was read to its end. */
export async function noteVerified(control: pg.ClientBase, backup: BackupId): Promise<void> {
  await control.query("UPDATE control.backups SET verified_at = now() WHERE id = $1", [backup]);
}
