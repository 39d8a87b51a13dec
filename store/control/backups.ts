import type { KeptBackup } from "../../core/backup/retention.ts";
import type { BackupId } from "../../core/ids.ts";
import type { Plan } from "../../core/tenancy/plan.ts";
import { type Database, type Row, sql } from "../connect.ts";
import { booleanOf, idOf, numberOf, textOf, textOrNull } from "./columns.ts";
import { listOf } from "./data-key-columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { planOf } from "./org-state.ts";

/** A backup as its organisation sees it; where the file is, and its key, are the operator's. */
export interface BackupSummary {
  readonly id: BackupId;
  /** Of which moment the rows are, RFC 3339. */
  readonly snapshotAt: string;
  readonly createdAt: string;
  /** Of the file. */
  readonly bytes: number;
  readonly rows: number;
  /** When it was last read from beginning to end, RFC 3339. */
  readonly verifiedAt: string | null;
  /** Its key is gone: nothing opens it. */
  readonly destroyed: boolean;
  /** The operator's lie where the operator put them, the platform's in its bucket. */
  readonly madeBy: "operator" | "platform";
}

/** Newest first; ids rise with time. @throws DatabaseError */
export async function listBackups(
  database: Database,
  { org }: OrgScope,
  page: { readonly before: string | null; readonly limit: number },
): Promise<BackupSummary[]> {
  const rows = await database.query(
    sql`SELECT id, control.rfc3339(snapshot_at) AS snapshot_at, control.rfc3339(created_at) AS created_at,
        bytes::text AS bytes, rows::text AS rows, control.rfc3339(verified_at) AS verified_at, destroyed, made_by
      FROM control.backups
      WHERE org_id = ${org} AND (${page.before}::text IS NULL OR id < ${page.before}::text)
      ORDER BY id DESC LIMIT ${page.limit}`,
    { readOnly: true },
  );
  return rows.map(summaryOf);
}

function summaryOf(row: Row): BackupSummary {
  return {
    id: idOf("backup", row, "id"),
    snapshotAt: textOf(row, "snapshot_at"),
    createdAt: textOf(row, "created_at"),
    bytes: Number(textOf(row, "bytes")),
    rows: Number(textOf(row, "rows")),
    verifiedAt: textOrNull(row, "verified_at"),
    destroyed: booleanOf(row, "destroyed"),
    madeBy: row["made_by"] === "platform" ? "platform" : "operator",
  };
}

/**
 * The wrapped key of a backup that the platform made. The operator's are wrapped under a key of theirs.
 * @returns null when the organisation has no such backup; `wrapped` null when its key was destroyed
 * @throws DatabaseError
 */
export async function readWrappedKey(
  database: Database,
  { org }: OrgScope,
  backup: BackupId,
): Promise<{ readonly wrapped: string | null } | null> {
  const [row] = await database.query(
    sql`SELECT wrapped_key FROM control.backups WHERE id = ${backup} AND org_id = ${org} AND made_by = 'platform'`,
    { readOnly: true },
  );
  return row === undefined ? null : { wrapped: textOrNull(row, "wrapped_key") };
}

/** The platform's backups of an organisation, and the plan that says how long they are kept. */
export interface PlatformBackups {
  readonly plan: Plan;
  readonly backups: readonly KeptBackup[];
}

/** @returns null when the organisation is gone @throws DatabaseError */
export async function readPlatformBackups(database: Database, { org }: OrgScope): Promise<PlatformBackups | null> {
  const [row] = await database.query(
    sql`SELECT o.plan, (SELECT coalesce(jsonb_agg(jsonb_build_object('id', b.id,
          'at_ms', floor(extract(epoch FROM b.snapshot_at) * 1000))), '[]')
        FROM control.backups b WHERE b.org_id = o.id AND b.made_by = 'platform') AS backups
      FROM control.organisations o WHERE o.id = ${org}`,
    { readOnly: true },
  );
  if (row === undefined) return null;
  return {
    plan: planOf(row, "plan"),
    backups: listOf(row, "backups").map((each) => ({
      id: idOf("backup", each, "id"),
      atMs: numberOf(each, "at_ms"),
    })),
  };
}

/** Deletes rows of the platform's backups, and with each the key: from here on nothing opens the object. @throws DatabaseError */
export async function deletePlatformBackups(
  database: Database,
  { org }: OrgScope,
  backups: readonly BackupId[],
): Promise<void> {
  await database.query(
    sql`DELETE FROM control.backups WHERE org_id = ${org} AND made_by = 'platform' AND id = ANY (${backups}::text[])`,
  );
}
