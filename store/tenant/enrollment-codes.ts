import type { EnrollmentCodeId, UserId } from "../../core/ids.ts";
import type { EnrollmentCode, Page } from "../../core/rpc/capabilities.ts";
import { type Row, sql } from "../connect.ts";
import { idColumn, instantColumn, instantOrNullColumn, integerColumn, textColumn } from "./columns.ts";
import { type Keyset, pageOf } from "./page.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** A window that is over is none. */
const columns = sql`id, name, expires_at, max_uses, uses, created_by, created_at, revoked_at,
  CASE WHEN rollout_until > now() THEN rollout_per_minute END AS rollout_per_minute,
  CASE WHEN rollout_until > now() THEN rollout_until END AS rollout_until`;

/** Stores a code's hash. @param code.codeSha256 lower-case hex */
export async function addEnrollmentCode(
  database: TenantDatabase,
  code: {
    readonly id: EnrollmentCodeId;
    readonly codeSha256: string;
    readonly name: string;
    readonly expiresInSeconds: number;
    readonly maxUses: number;
    readonly createdBy: UserId;
  },
): Promise<EnrollmentCode> {
  const [rows] = await database.write(sql`
    work AS (
      INSERT INTO enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
      VALUES (${code.id}, ${code.codeSha256}, ${code.name},
        now() + make_interval(secs => ${code.expiresInSeconds}), ${code.maxUses}, ${code.createdBy})
      RETURNING ${columns}
    )`);
  const row = rows?.[0];
  if (row === undefined) throw new Error("a stored enrolment code did not come back");
  return enrollmentCode(row);
}

/** Newest first. */
export async function listEnrollmentCodes(database: TenantDatabase, keyset: Keyset): Promise<Page<EnrollmentCode>> {
  const [rows] = await database.read(sql`
    SELECT ${columns} FROM enrollment_codes
    WHERE ${keyset.after}::text IS NULL OR id < ${keyset.after}
    ORDER BY id DESC LIMIT ${keyset.limit + 1}`);
  return pageOf((rows ?? []).map(enrollmentCode), keyset);
}

/** Revokes a code; a code revoked before keeps its first time. False when there is no such code. */
export async function revokeEnrollmentCode(database: TenantDatabase, id: EnrollmentCodeId): Promise<boolean> {
  const [rows] = await database.write(sql`
    work AS (
      UPDATE enrollment_codes SET revoked_at = coalesce(revoked_at, now()) WHERE id = ${id} RETURNING id
    )`);
  return rows?.length === 1;
}

/** Opens a roll-out window, in place of one that is open. Null when there is no such code or nobody can use it. */
export async function openRollout(
  database: TenantDatabase,
  id: EnrollmentCodeId,
  window: { readonly perMinute: number; readonly minutes: number },
): Promise<EnrollmentCode | null> {
  const [rows] = await database.write(sql`
    work AS (
      UPDATE enrollment_codes
      SET rollout_per_minute = ${window.perMinute}, rollout_until = now() + make_interval(mins => ${window.minutes})
      WHERE id = ${id} AND revoked_at IS NULL AND expires_at > now() AND uses < max_uses
      RETURNING ${columns}
    )`);
  const row = rows?.[0];
  return row === undefined ? null : enrollmentCode(row);
}

function enrollmentCode(row: Row): EnrollmentCode {
  const until = instantOrNullColumn(row, "rollout_until");
  return {
    id: idColumn("enrollmentCode", row, "id"),
    name: textColumn(row, "name"),
    expiresAt: instantColumn(row, "expires_at"),
    maxUses: integerColumn(row, "max_uses"),
    uses: integerColumn(row, "uses"),
    createdBy: idColumn("user", row, "created_by"),
    createdAt: instantColumn(row, "created_at"),
    revokedAt: instantOrNullColumn(row, "revoked_at"),
    rollout: until === null ? null : { perMinute: integerColumn(row, "rollout_per_minute"), until },
  };
}
