import type { DeviceId, GroupId, UserId } from "../../core/ids.ts";
import type { Group, Page } from "../../core/rpc/capabilities.ts";
import { type Row, sql } from "../connect.ts";
import { idColumn, idsColumn, instantColumn, textColumn } from "./columns.ts";
import { type Keyset, pageOf } from "./page.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/**
 * Devices in one group, and members of it. The hub takes twice as many, so a few that slip past this
 * count at the same moment do no harm; a school's largest group is far below.
 */
export const groupSizeMax = 5_000;
/** Groups of one tenant: the hub keeps them all in memory. */
export const groupsMax = 1_000;

/** Devices and members as far as the actor may see them, in the order of their ids. */
const columns = sql`
  g.id, g.name, g.created_at,
  ARRAY(SELECT d.device_id FROM group_devices d WHERE d.group_id = g.id ORDER BY d.device_id) AS devices,
  ARRAY(SELECT m.user_id FROM group_members m WHERE m.group_id = g.id ORDER BY m.user_id) AS members`;

/** Null when there are {@link groupsMax} already. @throws DatabaseError 23505 when the name is taken */
export async function addGroup(database: TenantDatabase, id: GroupId, name: string): Promise<Group | null> {
  const [rows] = await database.write(sql`
    work AS (
      INSERT INTO groups AS g (id, name)
      SELECT ${id}::text, ${name}::text WHERE (SELECT count(*) FROM groups) < ${groupsMax}
      RETURNING ${columns}
    )`);
  const row = rows?.[0];
  return row === undefined ? null : groupOf(row);
}

/** Oldest first. */
export async function listGroups(database: TenantDatabase, keyset: Keyset): Promise<Page<Group>> {
  const [rows] = await database.read(sql`
    SELECT ${columns} FROM groups g
    WHERE ${keyset.after}::text IS NULL OR g.id > ${keyset.after}
    ORDER BY g.id LIMIT ${keyset.limit + 1}`);
  return pageOf((rows ?? []).map(groupOf), keyset);
}

export async function findGroup(database: TenantDatabase, id: GroupId): Promise<Group | null> {
  const [rows] = await database.read(sql`SELECT ${columns} FROM groups g WHERE g.id = ${id}`);
  const row = rows?.[0];
  return row === undefined ? null : groupOf(row);
}

/** @throws DatabaseError 23505 when the name is taken */
export async function renameGroup(database: TenantDatabase, id: GroupId, name: string): Promise<Group | null> {
  const [rows] = await database.write(sql`
    work AS (UPDATE groups g SET name = ${name} WHERE g.id = ${id} RETURNING ${columns})`);
  const row = rows?.[0];
  return row === undefined ? null : groupOf(row);
}

/** Removes a group with everything in it. False when it is not there. */
export async function removeGroup(database: TenantDatabase, id: GroupId): Promise<boolean> {
  const [rows] = await database.write(sql`work AS (DELETE FROM groups WHERE id = ${id} RETURNING id)`);
  return rows?.length === 1;
}

/**
 * Puts a device into a group. Being there already is no error.
 * @returns the group as it is now (without the device when the group is full), or null when the group
 *   or the device is not there
 */
export async function addGroupDevice(
  database: TenantDatabase,
  group: GroupId,
  device: DeviceId,
): Promise<Group | null> {
  const [, rows] = await database.write(
    sql`
      work AS (
        INSERT INTO group_devices (group_id, device_id)
        SELECT g.id, d.id FROM groups g, devices d WHERE g.id = ${group} AND d.id = ${device}
          AND (SELECT count(*) FROM group_devices WHERE group_id = ${group}) < ${groupSizeMax}
        ON CONFLICT DO NOTHING RETURNING device_id
      )`,
    sql`SELECT ${columns} FROM groups g WHERE g.id = ${group} AND EXISTS (SELECT FROM devices WHERE id = ${device})`,
  );
  const row = rows?.[0];
  return row === undefined ? null : groupOf(row);
}

export async function removeGroupDevice(database: TenantDatabase, group: GroupId, device: DeviceId): Promise<void> {
  await database.write(sql`
    work AS (DELETE FROM group_devices WHERE group_id = ${group} AND device_id = ${device} RETURNING device_id)`);
}

/**
 * Assigns a group to a user. Being assigned already is no error.
 * @returns the group as it is now (without the user when it is full), or null when it is not there
 */
export async function addGroupMember(database: TenantDatabase, group: GroupId, user: UserId): Promise<Group | null> {
  const [, rows] = await database.write(
    sql`
      work AS (
        INSERT INTO group_members (group_id, user_id)
        SELECT g.id, ${user}::text FROM groups g WHERE g.id = ${group}
          AND (SELECT count(*) FROM group_members WHERE group_id = ${group}) < ${groupSizeMax}
        ON CONFLICT DO NOTHING RETURNING user_id
      )`,
    sql`SELECT ${columns} FROM groups g WHERE g.id = ${group}`,
  );
  const row = rows?.[0];
  return row === undefined ? null : groupOf(row);
}

export async function removeGroupMember(database: TenantDatabase, group: GroupId, user: UserId): Promise<void> {
  await database.write(sql`
    work AS (DELETE FROM group_members WHERE group_id = ${group} AND user_id = ${user} RETURNING user_id)`);
}

/** Every group assigned to a user. */
export async function groupsOfUser(database: TenantDatabase, user: UserId): Promise<Group[]> {
  const [rows] = await database.read(sql`
    SELECT ${columns} FROM groups g
    WHERE g.id IN (SELECT group_id FROM group_members WHERE user_id = ${user}) ORDER BY g.id`);
  return (rows ?? []).map(groupOf);
}

/** Takes a user out of every group; returns which they were. */
export async function removeUserFromGroups(database: TenantDatabase, user: UserId): Promise<GroupId[]> {
  const [rows] = await database.write(sql`
    work AS (DELETE FROM group_members WHERE user_id = ${user} RETURNING group_id)`);
  return (rows ?? []).map((row) => idColumn("group", row, "group_id"));
}

function groupOf(row: Row): Group {
  return {
    id: idColumn("group", row, "id"),
    name: textColumn(row, "name"),
    createdAt: instantColumn(row, "created_at"),
    devices: idsColumn("device", row, "devices"),
    members: idsColumn("user", row, "members"),
  };
}
