import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { GroupId } from "../../../core/ids.ts";
import { sql } from "../../../store/connect.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { type FreshTenant, runAs, setup } from "../support.ts";
import { accepted, codeOf, createWorld, enrolOne, groupOf, owner, type World } from "./support.ts";

let world: World;
let tenant: FreshTenant;
beforeAll(async () => {
  world = await createWorld();
  tenant = await world.tenant();
});
afterEach(() => {
  world.hub.before = () => undefined;
});

const asOwner = () => world.as(tenant.org, owner);
const inHub = (group: GroupId) => world.hub.of(tenant.org).groups.get(group) ?? { devices: [], members: [] };
const inTable = async (group: GroupId) => {
  const { devices, members } = accepted(await world.devices.getGroup(await asOwner(), group));
  return { devices, members };
};

describe("a group", () => {
  it("has a name of its own in its organisation", async () => {
    const group = await groupOf(world, tenant.org, "Year 9", {});
    expect(codeOf(await world.devices.createGroup(await asOwner(), " Year 9 "))).toBe("conflict");
    const other = await groupOf(world, tenant.org, "Year 10", {});
    expect(codeOf(await world.devices.renameGroup(await asOwner(), other, "Year 9"))).toBe("conflict");
    expect(accepted(await world.devices.renameGroup(await asOwner(), group, "Year 8")).name).toBe("Year 8");
    expect(codeOf(await world.devices.renameGroup(await asOwner(), newId("group"), "Year 7"))).toBe("not_found");
  });

  it("is known to the hub before the change returns", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const user = newId("user");
    const group = await groupOf(world, tenant.org, "Known", { devices: [id], members: [user] });
    expect(inHub(group)).toEqual({ devices: [id], members: [user] });
    accepted(await world.devices.setGroupDevice(await asOwner(), group, id, false));
    expect(inHub(group)).toEqual({ devices: [], members: [user] });
    accepted(await world.devices.setGroupMember(await asOwner(), group, user, false));
    expect(inHub(group)).toEqual({ devices: [], members: [] });
  });

  it("takes no more than the hub does", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const group = await groupOf(world, tenant.org, "Full", {});
    const superuser = setup.superuserUrls[tenant.placement] ?? "";
    await runAs(
      superuser,
      `SET search_path = ${tenant.name};
       INSERT INTO group_members SELECT '${group}', 'usr_' || lpad(n::text, 26, '0') FROM generate_series(1, 5000) n;
       INSERT INTO devices (id, name, platform, token_sha256, enrollment_code_id)
         SELECT 'dev_' || lpad(n::text, 26, '0'), 'x', 'x', repeat('0', 64), (SELECT min(id) FROM enrollment_codes)
         FROM generate_series(1, 5000) n;
       INSERT INTO group_devices SELECT '${group}', 'dev_' || lpad(n::text, 26, '0') FROM generate_series(1, 5000) n`,
    );
    expect(codeOf(await world.devices.setGroupMember(await asOwner(), group, newId("user"), true))).toBe("conflict");
    expect(codeOf(await world.devices.setGroupDevice(await asOwner(), group, id, true))).toBe("conflict");
    const { devices, members } = await inTable(group);
    expect([devices.length, members.length]).toEqual([5000, 5000]);
    await runAs(superuser, `DELETE FROM ${tenant.name}.devices WHERE name = 'x'`);
  });

  it("takes the same change twice", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const user = newId("user");
    const group = await groupOf(world, tenant.org, "Twice", {});
    for (const present of [true, true, false, false]) {
      expect(codeOf(await world.devices.setGroupDevice(await asOwner(), group, id, present))).toBe("ok");
      expect(codeOf(await world.devices.setGroupMember(await asOwner(), group, user, present))).toBe("ok");
      const expected = { devices: present ? [id] : [], members: present ? [user] : [] };
      expect(await inTable(group)).toEqual(expected);
      expect(inHub(group)).toEqual(expected);
    }
  });

  it("loses rights in the hub first: when the table can't follow, too little is allowed and never too much", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const user = newId("user");
    const group = await groupOf(world, tenant.org, "Shrinking", { devices: [id], members: [user] });
    // The table is made to refuse exactly the removal.
    const superuser = setup.superuserUrls[tenant.placement] ?? "";
    await runAs(superuser, `REVOKE DELETE ON ${tenant.name}.group_members FROM ${tenant.name}`);
    await expect(world.devices.setGroupMember(await asOwner(), group, user, false)).rejects.toThrow();
    expect(inHub(group).members).toEqual([]);
    expect((await inTable(group)).members).toEqual([user]);
    await runAs(superuser, `GRANT DELETE ON ${tenant.name}.group_members TO ${tenant.name}`);
    accepted(await world.devices.setGroupMember(await asOwner(), group, user, false));
    expect((await inTable(group)).members).toEqual([]);
  });

  it("gains rights in the hub last: nothing is allowed that the table doesn't have", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const group = await groupOf(world, tenant.org, "Growing", {});
    world.hub.before = () => {
      throw new Error("the hub is away");
    };
    await expect(world.devices.setGroupDevice(await asOwner(), group, id, true)).rejects.toThrow("the hub is away");
    expect(inHub(group).devices).toEqual([]);
    world.hub.before = () => undefined;
    accepted(await world.devices.setGroupDevice(await asOwner(), group, id, true));
    expect(inHub(group).devices).toEqual([id]);
  });

  it("ends up in the hub as it is in the table when a later change is told before an earlier one", async () => {
    const [one, two] = [(await enrolOne(world, tenant.org, "One")).id, (await enrolOne(world, tenant.org, "Two")).id];
    const group = await groupOf(world, tenant.org, "Overtaken", {});
    // The first change is stored and on its way to the hub; the second is stored and told meanwhile.
    world.hub.before = async (method) => {
      if (method !== "putGroup") return;
      world.hub.before = () => undefined;
      accepted(await world.devices.setGroupDevice(await asOwner(), group, two, true));
    };
    accepted(await world.devices.setGroupDevice(await asOwner(), group, one, true));
    expect(inHub(group)).toEqual({ devices: [one, two].sort(), members: [] });
  });

  it("ends up in the hub as it is in the table, however changes overtake each other", async () => {
    const enrolled = [];
    for (let index = 0; index < 4; index += 1) enrolled.push((await enrolOne(world, tenant.org, `R${index}`)).id);
    const users = [newId("user"), newId("user")];
    const group = await groupOf(world, tenant.org, "Racing", { devices: enrolled.slice(0, 2) });
    // Each call to the hub is let in only after a few others have run: later ones overtake earlier ones.
    const waiting: (() => void)[] = [];
    const release = (): void => waiting.splice(Math.floor(Math.random() * waiting.length), 1)[0]?.();
    world.hub.before = (method) =>
      method === "putGroup"
        ? new Promise<void>((done) => {
            waiting.push(done);
            setImmediate(release);
          })
        : undefined;
    const work = [
      ...enrolled.slice(0, 2).map(async (id) => world.devices.setGroupDevice(await asOwner(), group, id, false)),
      ...enrolled.slice(2).map(async (id) => world.devices.setGroupDevice(await asOwner(), group, id, true)),
      ...users.map(async (user) => world.devices.setGroupMember(await asOwner(), group, user, true)),
    ];
    for (const result of await Promise.all(work)) expect(codeOf(result)).toBe("ok");
    expect(inHub(group)).toEqual(await inTable(group));
    expect(inHub(group)).toEqual({ devices: enrolled.slice(2).sort(), members: [...users].sort() });
  });

  it("that is removed is gone from the hub, also when a device is added meanwhile", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const group = await groupOf(world, tenant.org, "Going", { members: [newId("user")] });
    // The hub has emptied the group, the row is still there, and another request puts a device in.
    world.hub.afterPutGroup = async () => {
      world.hub.afterPutGroup = () => undefined;
      accepted(await world.devices.setGroupDevice(await asOwner(), group, id, true));
      expect(inHub(group).devices).toEqual([id]);
    };
    accepted(await world.devices.removeGroup(await asOwner(), group));
    expect(world.hub.of(tenant.org).groups.has(group)).toBe(false);
    expect(codeOf(await world.devices.getGroup(await asOwner(), group))).toBe("not_found");
    expect(codeOf(await world.devices.removeGroup(await asOwner(), group))).toBe("not_found");
  });

  it("of another tenant is not found by any method", async () => {
    const other = await world.tenant();
    const { id } = await enrolOne(world, tenant.org);
    const foreign = await groupOf(world, other.org, "Foreign", { members: [newId("user")] });
    const call = await asOwner();
    expect(codeOf(await world.devices.getGroup(call, foreign))).toBe("not_found");
    expect(codeOf(await world.devices.renameGroup(call, foreign, "Mine"))).toBe("not_found");
    expect(codeOf(await world.devices.removeGroup(call, foreign))).toBe("not_found");
    for (const present of [true, false]) {
      expect(codeOf(await world.devices.setGroupDevice(call, foreign, id, present))).toBe("not_found");
      expect(codeOf(await world.devices.setGroupMember(call, foreign, newId("user"), present))).toBe("not_found");
    }
    expect(world.hub.of(other.org).groups.has(foreign)).toBe(true);
  });
});

describe("a user who leaves", () => {
  it("is out of every group, in the table and in the hub, and repeating it is no error", async () => {
    const [leaver, stayer] = [newId("user"), newId("user")];
    const { id } = await enrolOne(world, tenant.org);
    const groups = [
      await groupOf(world, tenant.org, "Left A", { devices: [id], members: [leaver, stayer] }),
      await groupOf(world, tenant.org, "Left B", { devices: [id], members: [leaver] }),
    ];
    const untouched = await groupOf(world, tenant.org, "Left C", { members: [stayer] });
    for (let round = 0; round < 2; round += 1) {
      accepted(await world.devices.removeUser(await asOwner(), leaver));
      for (const group of [...groups, untouched]) {
        expect(inHub(group).members).not.toContain(leaver);
        expect(inHub(group)).toEqual(await inTable(group));
      }
    }
    const [rows] = await tenant.run("system", null, sql`SELECT FROM group_members WHERE user_id = ${leaver}`);
    expect(rows).toEqual([]);
    expect(inHub(untouched).members).toEqual([stayer]);
  });

  it("loses what the hub allows before the table is changed", async () => {
    const leaver = newId("user");
    const { id } = await enrolOne(world, tenant.org);
    const group = await groupOf(world, tenant.org, "Left D", { devices: [id], members: [leaver] });
    let told: readonly string[] | null = null;
    world.hub.before = async (method) => {
      if (method === "putGroup" && told === null) {
        const [rows] = await tenant.run(
          "system",
          null,
          sql`SELECT user_id FROM group_members WHERE group_id = ${group}`,
        );
        told = (rows ?? []).map((row) => String(row["user_id"]));
      }
    };
    accepted(await world.devices.removeUser(await asOwner(), leaver));
    expect(told).toEqual([leaver]);
  });
});
