import type { DeviceId } from "../../core/ids.ts";
import type { Device, Page } from "../../core/rpc/capabilities.ts";
import { type Row, sql } from "../connect.ts";
import { booleanColumn, idColumn, idsColumn, instantColumn, instantOrNullColumn, textColumn } from "./columns.ts";
import { type Keyset, pageOf } from "./page.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** `groups` are those of the device's groups that the actor may see. */
const columns = sql`
  d.id, d.name, d.platform, d.enrolled_at, d.last_seen_at, d.online,
  ARRAY(SELECT g.group_id FROM group_devices g WHERE g.device_id = d.id ORDER BY g.group_id) AS groups`;

/** Oldest first. */
export async function listDevices(database: TenantDatabase, keyset: Keyset): Promise<Page<Device>> {
  const [rows] = await database.read(sql`
    SELECT ${columns} FROM devices d
    WHERE ${keyset.after}::text IS NULL OR d.id > ${keyset.after}
    ORDER BY d.id LIMIT ${keyset.limit + 1}`);
  return pageOf((rows ?? []).map(device), keyset);
}

export async function findDevice(database: TenantDatabase, id: DeviceId): Promise<Device | null> {
  const [rows] = await database.read(sql`SELECT ${columns} FROM devices d WHERE d.id = ${id}`);
  const row = rows?.[0];
  return row === undefined ? null : device(row);
}

export async function renameDevice(database: TenantDatabase, id: DeviceId, name: string): Promise<Device | null> {
  const [rows] = await database.write(sql`
    work AS (UPDATE devices d SET name = ${name} WHERE d.id = ${id} RETURNING ${columns})`);
  const row = rows?.[0];
  return row === undefined ? null : device(row);
}

/** Removes a device with its commands and its places in groups. False when it is not there. */
export async function removeDevice(database: TenantDatabase, id: DeviceId): Promise<boolean> {
  const [rows] = await database.write(sql`work AS (DELETE FROM devices WHERE id = ${id} RETURNING id)`);
  return rows?.length === 1;
}

/** Replaces a device's token hash (lower-case hex). False when the device is not there. */
export async function replaceTokenHash(database: TenantDatabase, id: DeviceId, tokenSha256: string): Promise<boolean> {
  const [rows] = await database.write(sql`
    work AS (UPDATE devices SET token_sha256 = ${tokenSha256} WHERE id = ${id} RETURNING id)`);
  return rows?.length === 1;
}

/** The hash that the hub must hold for a device, or null when it must hold none. */
export async function tokenHash(database: TenantDatabase, id: DeviceId): Promise<string | null> {
  const [rows] = await database.read(sql`SELECT token_sha256 FROM devices WHERE id = ${id}`);
  const row = rows?.[0];
  return row === undefined ? null : textColumn(row, "token_sha256");
}

function device(row: Row): Device {
  return {
    id: idColumn("device", row, "id"),
    name: textColumn(row, "name"),
    platform: textColumn(row, "platform"),
    enrolledAt: instantColumn(row, "enrolled_at"),
    lastSeenAt: instantOrNullColumn(row, "last_seen_at"),
    online: booleanColumn(row, "online"),
    groups: idsColumn("group", row, "groups"),
  };
}
