import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { CommandId, DeviceId, GroupId, UserId } from "../../../core/ids.ts";
import { roles } from "../../../core/tenancy/roles.ts";
import { sql } from "../../../store/connect.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import type { FreshTenant } from "../support.ts";
import { accepted, codeOf, createWorld, enrolOne, ingest, type Person, type World } from "./support.ts";

const deviceCount = 5;
const groupCount = 3;
const userCount = 3;
const all = { limit: 200, cursor: null };
const dayMs = 86_400_000;
/** Yesterday: a day that is over, so that an hour of it is at hand in every resolution. */
const fromMs = Math.floor(Date.now() / dayMs - 1) * dayMs;
const range = { fromMs, toMs: fromMs + dayMs, stepSeconds: 86_400 };

let world: World;
let tenant: FreshTenant;
let devices: DeviceId[];
let commands: Map<DeviceId, CommandId>;
let groups: GroupId[];
let users: UserId[];

beforeAll(async () => {
  world = await createWorld();
  tenant = await world.tenant();
  const owner: Person = { user: newId("user"), role: "owner" };
  devices = [];
  commands = new Map();
  for (let index = 0; index < deviceCount; index += 1) {
    const { id } = await enrolOne(world, tenant.org, `PC ${index}`);
    devices.push(id);
    await ingest(tenant, id, [{ id: "s", at: new Date(range.fromMs).toISOString(), metrics: { index } }]);
    const ping = { name: "ping", args: { index }, ttlSeconds: 60 } as const;
    commands.set(id, accepted(await world.devices.sendCommand(await world.as(tenant.org, owner), id, ping)).id);
  }
  groups = [];
  for (let index = 0; index < groupCount; index += 1) {
    groups.push(accepted(await world.devices.createGroup(await world.as(tenant.org, owner), `Group ${index}`)).id);
  }
  users = Array.from({ length: userCount }, () => newId("user"));
});

/** Which devices and users are in which group, by index. */
interface Layout {
  readonly devices: readonly (readonly number[])[];
  readonly members: readonly (readonly number[])[];
}
const subsets = (size: number): fc.Arbitrary<number[][]> =>
  fc.array(fc.subarray(Array.from({ length: size }, (_, index) => index)), {
    minLength: groupCount,
    maxLength: groupCount,
  });
const layouts: fc.Arbitrary<Layout> = fc.record({ devices: subsets(deviceCount), members: subsets(userCount) });

/** Lays the groups out as a superuser would, in one statement each. */
async function layOut(layout: Layout): Promise<void> {
  const pairs = (content: readonly (readonly number[])[], ids: readonly string[]) =>
    content.flatMap((inside, group) => inside.map((index) => [groups[group], ids[index]]));
  await tenant.run(
    "system",
    null,
    sql`DELETE FROM group_devices`,
    sql`DELETE FROM group_members`,
    ...pairs(layout.devices, devices).map(
      ([group, id]) => sql`INSERT INTO group_devices (group_id, device_id) VALUES (${group}, ${id})`,
    ),
    ...pairs(layout.members, users).map(
      ([group, id]) => sql`INSERT INTO group_members (group_id, user_id) VALUES (${group}, ${id})`,
    ),
  );
}

/** The rule in one place, written without SQL: which group and device indexes a person may see. */
function visibleTo(layout: Layout, user: number, role: Person["role"]): { groups: number[]; devices: number[] } {
  const everyGroup = groups.map((_, index) => index);
  if (role !== "analyst" && role !== "viewer") return { groups: everyGroup, devices: devices.map((_, index) => index) };
  const own = everyGroup.filter((group) => layout.members[group]?.includes(user));
  return {
    groups: own,
    devices: devices
      .map((_, index) => index)
      .filter((device) => own.some((group) => layout.devices[group]?.includes(device))),
  };
}

describe("what a person sees", () => {
  it("is what the model says, for every method, role and layout of groups", async () => {
    await fc.assert(
      fc.asyncProperty(layouts, fc.nat(userCount - 1), fc.constantFrom(...roles), async (layout, userIndex, role) => {
        await layOut(layout);
        const user = users[userIndex] as UserId;
        const call = await world.as(tenant.org, { user, role });
        const visible = visibleTo(layout, userIndex, role);
        const limited = role === "analyst" || role === "viewer";

        const listed = accepted(await world.devices.listDevices(call, all));
        expect(listed.items.map((device) => devices.indexOf(device.id)).sort()).toEqual(visible.devices);
        for (const device of listed.items) {
          const index = devices.indexOf(device.id);
          const within = visible.groups.filter((group) => layout.devices[group]?.includes(index));
          expect([...device.groups].sort()).toEqual(within.map((group) => groups[group]).sort());
        }

        const listedGroups = accepted(await world.devices.listGroups(call, all));
        expect(listedGroups.items.map((group) => groups.indexOf(group.id)).sort()).toEqual(visible.groups);
        for (const group of listedGroups.items) {
          const index = groups.indexOf(group.id);
          const members = (layout.members[index] ?? []).filter((member) => !limited || member === userIndex);
          expect([...group.members].sort()).toEqual(members.map((member) => users[member]).sort());
          expect([...group.devices].sort()).toEqual(
            (layout.devices[index] ?? []).map((device) => devices[device]).sort(),
          );
        }

        for (const [index, id] of devices.entries()) {
          const seen = visible.devices.includes(index);
          const expected = seen ? "ok" : "not_found";
          expect(codeOf(await world.devices.getDevice(call, id))).toBe(expected);
          const telemetry = await world.devices.telemetry(call, id, range);
          expect(codeOf(telemetry)).toBe(expected);
          if (telemetry.ok) expect(telemetry.value.buckets.map((bucket) => bucket.metrics)).toEqual([{ index }]);
          const sent = await world.devices.listCommands(call, id, all);
          expect(codeOf(sent)).toBe(expected);
          if (sent.ok) expect(sent.value.items.map((command) => command.id)).toEqual([commands.get(id)]);
        }
        for (const [index, id] of groups.entries()) {
          const expected = visible.groups.includes(index) ? "ok" : "not_found";
          expect(codeOf(await world.devices.getGroup(call, id))).toBe(expected);
        }
      }),
      { numRuns: 40 },
    );
  }, 600_000);
});

describe("a connection whose row scope is forged", () => {
  it("shows nothing and changes nothing, whatever the call said", async () => {
    const [id, group] = [devices[0] as DeviceId, groups[0] as GroupId];
    const tokens = new Map(world.hub.of(tenant.org).tokens);
    const impostor: Person = { user: newId("user"), role: "owner" };
    world.credentials.spoil = (connection) => ({
      ...connection,
      rowScope: `${connection.rowScope.slice(0, -43)}${"A".repeat(43)}`,
    });
    const call = await world.as(tenant.org, impostor);
    const empty = { items: [], nextCursor: null };
    expect(accepted(await world.devices.listDevices(call, all))).toEqual(empty);
    expect(accepted(await world.devices.listGroups(call, all))).toEqual(empty);
    expect(accepted(await world.devices.listEnrollmentCodes(call, all))).toEqual(empty);
    expect(codeOf(await world.devices.getDevice(call, id))).toBe("not_found");
    expect(codeOf(await world.devices.telemetry(call, id, range))).toBe("not_found");
    expect(codeOf(await world.devices.listCommands(call, id, all))).toBe("not_found");
    expect(codeOf(await world.devices.renameDevice(call, id, "Mine"))).toBe("not_found");
    expect(codeOf(await world.devices.rotateToken(call, id))).toBe("not_found");
    expect(codeOf(await world.devices.renameGroup(call, group, "Mine"))).toBe("not_found");
    const making = await world.as(tenant.org, impostor);
    await expect(world.devices.createGroup(making, "Mine")).rejects.toMatchObject({ code: "42501" });
    world.credentials.spoil = (connection) => connection;
    expect(world.hub.of(tenant.org).tokens).toEqual(tokens);
    const [rows] = await tenant.run("system", null, sql`SELECT FROM devices WHERE name = 'Mine'`);
    expect(rows).toEqual([]);
  });
});

describe("row-level security by itself, with the capability's own checks out of the way", () => {
  const everything = [
    sql`SELECT FROM enrollment_codes`,
    sql`SELECT FROM devices`,
    sql`SELECT FROM telemetry`,
    sql`SELECT FROM commands`,
    sql`SELECT FROM groups`,
    sql`SELECT FROM group_devices`,
    sql`SELECT FROM group_members`,
  ];
  const nothing = everything.map(() => 0);
  const counts = async (scope: string): Promise<number[]> => {
    const setScope = sql`SELECT set_config('sentinel.scope', ${scope}, true)`;
    const [, ...results] = await tenant.database.transaction([setScope, ...everything]);
    return results.map((rows) => rows.length);
  };

  beforeAll(() => layOut({ devices: [[0, 1], [1, 2], []], members: [[0], [1], [2]] }));

  it("shows nothing without a scope, and nothing under a forged, foreign, altered or expired one", async () => {
    const genuine = await tenant.rowScope("owner", users[0]);
    expect(await counts(genuine)).toEqual([deviceCount, deviceCount, deviceCount, deviceCount, groupCount, 4, 3]);
    const other = await world.tenant();
    const [, claims, signature] = genuine.split(".");
    const claimed = Buffer.from(JSON.stringify({ u: null, r: "system", exp: 4e9 })).toString("base64url");
    const forged = [
      "",
      "owner",
      `v1.${claimed}.${signature}`,
      `v1.${claims}.${"A".repeat(43)}`,
      await other.rowScope("owner", users[0]),
      await tenant.rowScope("owner", users[0], Date.now() - 1),
      `${genuine} `,
      `v2${genuine.slice(2)}`,
    ];
    for (const scope of forged) expect(await counts(scope)).toEqual(nothing);
  });

  it("shows a viewer only their groups' rows, and themselves of the members", async () => {
    expect(await counts(await tenant.rowScope("viewer", users[0]))).toEqual([0, 2, 2, 2, 1, 2, 1]);
    expect(await counts(await tenant.rowScope("viewer", users[2]))).toEqual([0, 0, 0, 0, 1, 0, 1]);
    expect(await counts(await tenant.rowScope("viewer", newId("user")))).toEqual(nothing);
  });

  it("shows a reader everything but enrolment codes", async () => {
    expect(await counts(await tenant.rowScope("readonly", users[0]))).toEqual([0, 5, 5, 5, 3, 4, 3]);
  });

  it("lets no analyst, viewer or reader write, not even into their own groups", async () => {
    const group = groups[0] ?? "";
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const run = (...statements: Parameters<FreshTenant["run"]>[2][]) =>
        tenant.run(role, users[0] ?? null, ...statements);
      const inserts = [
        sql`INSERT INTO groups (id, name) VALUES (${newId("group")}, 'x')`,
        sql`INSERT INTO group_devices (group_id, device_id) VALUES (${group}, ${devices[4]})`,
        sql`INSERT INTO group_members (group_id, user_id) VALUES (${group}, ${users[1]})`,
        sql`INSERT INTO commands (id, device_id, name, args, issued_by, expires_at)
            VALUES (${newId("command")}, ${devices[0]}, 'ping', '{}', ${users[0]}, now())`,
        sql`INSERT INTO telemetry (device_id, sample_id, at, received_at, metrics)
            VALUES (${devices[0]}, 'forged', now(), now(), '{"cpu_percent": 1}')`,
      ];
      for (const statement of inserts) await expect(run(statement)).rejects.toMatchObject({ code: "42501" });
      const changes = [
        sql`UPDATE devices SET name = 'x' RETURNING id`,
        sql`DELETE FROM devices RETURNING id`,
        sql`UPDATE commands SET reply = '{}' RETURNING id`,
        sql`UPDATE groups SET name = 'x' RETURNING id`,
        sql`DELETE FROM group_devices RETURNING group_id`,
        sql`DELETE FROM group_members RETURNING group_id`,
        sql`UPDATE enrollment_codes SET uses = 0 RETURNING id`,
      ];
      for (const statement of changes) expect(await run(statement)).toEqual([[]]);
    }
  });

  it("lets nobody make a device or a reading but a job, nor speak in another's name", async () => {
    for (const role of ["owner", "admin"] as const) {
      const user = users[0] ?? null;
      const refused = [
        sql`INSERT INTO devices (id, name, platform, token_sha256, enrollment_code_id)
            SELECT ${newId("device")}::text, 'x', 'x', repeat('0', 64), id FROM enrollment_codes LIMIT 1`,
        sql`INSERT INTO telemetry (device_id, sample_id, at, received_at, metrics)
            VALUES (${devices[0]}, 'forged', now(), now(), '{"cpu_percent": 1}')`,
        sql`INSERT INTO commands (id, device_id, name, args, issued_by, expires_at)
            VALUES (${newId("command")}, ${devices[0]}, 'ping', '{}', ${users[1]}, now())`,
        sql`INSERT INTO enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
            VALUES (${newId("enrollmentCode")}, repeat('0', 64), 'x', now(), 1, ${users[1]})`,
      ];
      for (const statement of refused)
        await expect(tenant.run(role, user, statement)).rejects.toMatchObject({ code: "42501" });
    }
  });

  it("grants the tenant's role no statement that the capability doesn't use", async () => {
    const refused = [
      sql`DELETE FROM telemetry`,
      sql`UPDATE telemetry SET metrics = '{}'`,
      sql`DELETE FROM enrollment_codes`,
      sql`UPDATE enrollment_codes SET max_uses = 1000`,
      sql`UPDATE enrollment_codes SET expires_at = now() + interval '1 year'`,
      sql`UPDATE devices SET enrollment_code_id = enrollment_code_id`,
      sql`UPDATE commands SET args = '{}'`,
      sql`DELETE FROM commands`,
      sql`UPDATE group_members SET user_id = user_id`,
      sql`TRUNCATE group_members`,
      sql`ALTER TABLE devices DISABLE ROW LEVEL SECURITY`,
      sql`DROP POLICY devices_read ON devices`,
      sql`DELETE FROM operation_receipts`,
    ];
    for (const statement of refused) {
      await expect(tenant.run("system", null, statement)).rejects.toMatchObject({ code: "42501" });
    }
  });
});
