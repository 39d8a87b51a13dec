import type { DeviceId, EnrollmentCodeId } from "../../core/ids.ts";
import { sql } from "../connect.ts";
import { idColumn, integerColumn } from "./columns.ts";
import type { TenantDatabase } from "./tenant-database.ts";

export interface NewDevice {
  readonly id: DeviceId;
  readonly name: string;
  readonly platform: string;
  /** Lower-case hex. */
  readonly tokenSha256: string;
  readonly publicKey: string | null;
}

/** A code that can be redeemed now. */
export interface UsableCode {
  readonly id: EnrollmentCodeId;
  /** Devices a minute while a roll-out is on, else null. */
  readonly rolloutPerMinute: number | null;
}

/** Finds a code that can be redeemed now. @param codeSha256 lower-case hex of the canonical code */
export async function findUsableCode(database: TenantDatabase, codeSha256: string): Promise<UsableCode | null> {
  const [rows] = await database.read(sql`
    SELECT id, CASE WHEN rollout_until > now() THEN rollout_per_minute END AS rollout_per_minute
    FROM enrollment_codes
    WHERE code_sha256 = ${codeSha256} AND revoked_at IS NULL AND expires_at > now() AND uses < max_uses`);
  const row = rows?.[0];
  if (row === undefined) return null;
  const rolloutPerMinute = row["rollout_per_minute"] === null ? null : integerColumn(row, "rollout_per_minute");
  return { id: idColumn("enrollmentCode", row, "id"), rolloutPerMinute };
}

/**
 * Redeems a code and makes the device, both or neither. Under READ COMMITTED a second redeemer waits
 * for the row and then judges it anew, so a code never gives more devices than its `max_uses`.
 * @param codeSha256 lower-case hex of the canonical code
 * @param devicesMax devices that the organisation may have: counted behind a lock, so that no crowd passes it together
 * @returns `no_code` for a code that is unknown, revoked, expired or used up; nothing says which
 */
export async function redeemEnrollmentCode(
  database: TenantDatabase,
  codeSha256: string,
  device: NewDevice,
  devicesMax: number,
): Promise<"redeemed" | "no_code" | "full"> {
  // The organisation's first code is there whenever any is. What stands behind it sees (READ COMMITTED: a new
  // snapshot) every device of those that held it before.
  const lock = sql`SELECT FROM enrollment_codes WHERE id = (SELECT min(id) FROM enrollment_codes) FOR UPDATE`;
  const [rows, counts] = await database.writeBehind(
    lock,
    sql`
    room AS (SELECT count(*) < ${devicesMax}::bigint AS room FROM devices),
    redeemed AS (
      UPDATE enrollment_codes SET uses = uses + 1
      WHERE code_sha256 = ${codeSha256} AND revoked_at IS NULL AND expires_at > now() AND uses < max_uses
        AND (SELECT room FROM room)
      RETURNING id
    ),
    work AS (
      INSERT INTO devices (id, name, platform, token_sha256, public_key, enrollment_code_id)
      SELECT ${device.id}::text, ${device.name}::text, ${device.platform}::text, ${device.tokenSha256}::text,
        ${device.publicKey}::text, id
      FROM redeemed
      RETURNING id
    )`,
    sql`SELECT count(*) >= ${devicesMax}::bigint AS full FROM devices`,
  );
  if (rows?.length === 1) return "redeemed";
  return counts?.[0]?.["full"] === true ? "full" : "no_code";
}

/** Takes an enrolment back: the device goes, and its code has that use again. Repeating it changes nothing. */
export async function undoEnrollment(database: TenantDatabase, device: DeviceId): Promise<void> {
  await database.write(sql`
    gone AS (DELETE FROM devices WHERE id = ${device} RETURNING enrollment_code_id),
    work AS (
      UPDATE enrollment_codes SET uses = uses - 1 FROM gone
      WHERE enrollment_codes.id = gone.enrollment_code_id AND uses > 0
      RETURNING enrollment_codes.id
    )`);
}
