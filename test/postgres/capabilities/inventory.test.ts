import { createHash } from "node:crypto";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { DeviceId } from "../../../core/ids.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { Device, Page } from "../../../core/rpc/capabilities.ts";
import { sql } from "../../../store/connect.ts";
import { openTenantDatabase } from "../../../store/tenant/tenant-database.ts";
import { tenantScope } from "../../../store/tenant/tenant-scope.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { type FreshTenant, gateway } from "../support.ts";
import { accepted, codeOf, createWorld, enrolOne, groupOf, hasReceipt, owner, type World } from "./support.ts";

let world: World;
let tenant: FreshTenant;
beforeAll(async () => {
  world = await createWorld();
  tenant = await world.tenant();
});
afterEach(() => {
  world.hub.before = () => undefined;
});

const asOwner = (requestId?: string) => world.as(tenant.org, owner, requestId);
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");
const exists = async (id: DeviceId): Promise<boolean> => {
  const [rows] = await tenant.run("system", null, sql`SELECT FROM devices WHERE id = ${id}`);
  return rows?.length === 1;
};

describe("the list of devices", () => {
  it("pages by id without missing or repeating one, whatever the page size", async () => {
    const { org } = await world.tenant();
    const made: DeviceId[] = [];
    for (let index = 0; index < 5; index += 1) made.push((await enrolOne(world, org, `PC ${index}`)).id);
    for (const limit of [1, 2, 5, 200]) {
      const seen: DeviceId[] = [];
      let cursor: string | null = null;
      let pages = 0;
      do {
        pages += 1;
        const page: Page<Device> = accepted(
          await world.devices.listDevices(await world.as(org, owner), { limit, cursor }),
        );
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items.map((device) => device.id));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toEqual([...made].sort());
      expect(pages).toBe(Math.ceil(made.length / limit));
    }
  });

  it("refuses a cursor that is none of its own, and a limit out of range", async () => {
    for (const cursor of ["", "x", "grp_00000000000000000000000000", "' OR 1=1 --"])
      expect(codeOf(await world.devices.listDevices(await asOwner(), { limit: 10, cursor }))).toBe("invalid_cursor");
    for (const limit of [0, -1, 201, 1.5, Number.NaN])
      expect(codeOf(await world.devices.listDevices(await asOwner(), { limit, cursor: null }))).toBe("invalid_request");
  });

  it("shows who is connected as the hub knows it, and as the table has it while the hub is away", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const get = async () => accepted(await world.devices.getDevice(await asOwner(), id));
    expect(await get()).toMatchObject({ online: false, lastSeenAt: null });

    world.hub.of(tenant.org).online.set(id, { online: true, since: "2026-03-01T10:00:00.000Z" });
    expect(await get()).toMatchObject({ online: true, lastSeenAt: "2026-03-01T10:00:00.000Z" });

    await tenant.run(
      "system",
      null,
      sql`UPDATE devices SET online = true, last_seen_at = '2026-04-01T00:00:00Z' WHERE id = ${id}`,
    );
    world.hub.of(tenant.org).online.set(id, { online: false, since: "2026-03-02T10:00:00.000Z" });
    expect(await get()).toMatchObject({ online: false, lastSeenAt: "2026-04-01T00:00:00.000Z" });

    world.hub.before = () => {
      throw new Error("the hub is away");
    };
    expect(await get()).toMatchObject({ online: true, lastSeenAt: "2026-04-01T00:00:00.000Z" });
  });
});

describe("a device", () => {
  it("is renamed to what is stored, trimmed", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const renamed = accepted(await world.devices.renameDevice(await asOwner(), id, "  Library 3 "));
    expect(renamed).toMatchObject({ id, name: "Library 3" });
    expect(accepted(await world.devices.getDevice(await asOwner(), id)).name).toBe("Library 3");
    expect(codeOf(await world.devices.renameDevice(await asOwner(), id, "\n"))).toBe("invalid_request");
  });

  it("of another tenant is not found by any method, and keeps everything it has", async () => {
    const other = await world.tenant();
    const { id, token } = await enrolOne(world, other.org);
    const group = await groupOf(world, tenant.org, "Foreigners", {});
    const call = await asOwner();
    const command = { name: "ping", args: {}, ttlSeconds: 60 } as const;
    const page = { limit: 10, cursor: null };
    const range = { fromMs: 0, toMs: 60_000, stepSeconds: 60 };
    for (const foreign of [id, newId("device"), "nonsense" as DeviceId]) {
      expect(await world.devices.getDevice(call, foreign)).toEqual({ ok: false, code: "not_found" });
      expect(await world.devices.renameDevice(call, foreign, "Mine")).toEqual({ ok: false, code: "not_found" });
      expect(await world.devices.removeDevice(call, foreign)).toEqual({ ok: false, code: "not_found" });
      expect(await world.devices.rotateToken(await asOwner(), foreign)).toEqual({ ok: false, code: "not_found" });
      expect(await world.devices.sendCommand(await asOwner(), foreign, command)).toEqual({
        ok: false,
        code: "not_found",
      });
      expect(await world.devices.listCommands(call, foreign, page)).toEqual({ ok: false, code: "not_found" });
      expect(await world.devices.telemetry(call, foreign, range)).toEqual({ ok: false, code: "not_found" });
      for (const present of [true, false]) {
        expect(await world.devices.setGroupDevice(call, group, foreign, present)).toEqual({
          ok: false,
          code: "not_found",
        });
      }
    }
    expect(world.hub.of(other.org).tokens.get(id)).toBe(hashOf(token));
    const [rows] = await other.run("system", null, sql`SELECT name FROM devices WHERE id = ${id}`);
    expect(rows).toEqual([{ name: "Laptop 7" }]);
    expect(world.hub.of(tenant.org).published).toEqual([]);
  });
});

describe("removing a device", () => {
  it("ends its access in the hub before its row is gone, so a failure in between leaves no access", async () => {
    const { id } = await enrolOne(world, tenant.org);
    world.credentials.spoil = (connection) => ({
      ...connection,
      databaseUrl: connection.databaseUrl.replace(/:[^:@]*@/, ":wrong@"),
    });
    const stranger = { user: newId("user"), role: "admin" } as const;
    await expect(world.devices.removeDevice(await world.as(tenant.org, stranger), id)).rejects.toThrow();
    world.credentials.spoil = (connection) => connection;
    expect(world.hub.of(tenant.org).tokens.has(id)).toBe(false);
    expect(await exists(id)).toBe(true);
    expect(codeOf(await world.devices.removeDevice(await asOwner(), id))).toBe("ok");
    expect(await exists(id)).toBe(false);
  });

  it("closes it in the hub even if it is repeated", async () => {
    const { id, token } = await enrolOne(world, tenant.org);
    accepted(await world.devices.removeDevice(await asOwner(), id));
    world.hub.of(tenant.org).tokens.set(id, hashOf(token));
    expect(codeOf(await world.devices.removeDevice(await asOwner(), id))).toBe("not_found");
    expect(world.hub.of(tenant.org).tokens.has(id)).toBe(false);
  });

  it("is not undone by a token rotation under way", async () => {
    const { id } = await enrolOne(world, tenant.org);
    // The rotation has changed the row and is about to tell the hub; meanwhile the device is removed.
    world.hub.before = async (method) => {
      if (method !== "putDevice") return;
      world.hub.before = () => undefined;
      accepted(await world.devices.removeDevice(await asOwner(), id));
    };
    expect(codeOf(await world.devices.rotateToken(await asOwner(), id))).toBe("not_found");
    expect(world.hub.of(tenant.org).tokens.has(id)).toBe(false);
  });

  it("takes its commands and its places in groups along", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const group = await groupOf(world, tenant.org, "Removed along", { devices: [id] });
    accepted(await world.devices.sendCommand(await asOwner(), id, { name: "ping", args: {}, ttlSeconds: 60 }));
    accepted(await world.devices.removeDevice(await asOwner(), id));
    expect(accepted(await world.devices.getGroup(await asOwner(), group)).devices).toEqual([]);
    const [rows] = await tenant.run("system", null, sql`SELECT FROM commands WHERE device_id = ${id}`);
    expect(rows).toEqual([]);
  });
});

describe("rotating a device's token", () => {
  it("replaces the hash in the table and in the hub, and hands out the token that matches it", async () => {
    const { id, token } = await enrolOne(world, tenant.org);
    const rotated = accepted(await world.devices.rotateToken(await asOwner(), id));
    expect(rotated.token).not.toBe(token);
    expect(world.hub.of(tenant.org).tokens.get(id)).toBe(hashOf(rotated.token));
    const [rows] = await tenant.run("system", null, sql`SELECT token_sha256 FROM devices WHERE id = ${id}`);
    expect(rows?.[0]?.["token_sha256"]).toBe(hashOf(rotated.token));
  });

  it("gives way to a rotation that overtook it, and says so", async () => {
    const { id } = await enrolOne(world, tenant.org);
    let winner = "";
    // The first rotation is stored and on its way to the hub; the second is stored and told meanwhile.
    world.hub.before = async (method) => {
      if (method !== "putDevice") return;
      world.hub.before = () => undefined;
      winner = accepted(await world.devices.rotateToken(await asOwner(), id)).token;
    };
    expect(codeOf(await world.devices.rotateToken(await asOwner(), id))).toBe("conflict");
    expect(world.hub.of(tenant.org).tokens.get(id)).toBe(hashOf(winner));
  });

  it("leaves table and hub agreed on one token when many rotate at once, and only its owner is told ok", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const results = await Promise.all(
      Array.from({ length: 4 }, async () => world.devices.rotateToken(await asOwner(), id).catch(() => null)),
    );
    const [rows] = await tenant.run("system", null, sql`SELECT token_sha256 FROM devices WHERE id = ${id}`);
    const final = world.hub.of(tenant.org).tokens.get(id);
    expect(rows?.[0]?.["token_sha256"]).toBe(final);
    // Whoever was told ok before another overtook it held the right token at that moment; the last one still does.
    expect(results.some((result) => result?.ok === true && hashOf(result.value.token) === final)).toBe(true);
  });
});

describe("a receipt", () => {
  it("is written with the change it belongs to", async () => {
    const { id } = await enrolOne(world, tenant.org);
    const requestId = newId("request");
    accepted(await world.devices.renameDevice(await asOwner(requestId), id, "Named"));
    expect(await hasReceipt(tenant, requestId)).toBe(true);
  });

  it("is not written when there was nothing to change", async () => {
    const requestId = newId("request");
    expect(codeOf(await world.devices.renameDevice(await asOwner(requestId), newId("device"), "Named"))).toBe(
      "not_found",
    );
    expect(await hasReceipt(tenant, requestId)).toBe(false);
  });

  it("is not written when the change fails, whether its own statement fails or the one after it", async () => {
    await groupOf(world, tenant.org, "Taken", {});
    const requestId = newId("request");
    expect(codeOf(await world.devices.createGroup(await asOwner(requestId), "Taken"))).toBe("conflict");
    expect(await hasReceipt(tenant, requestId)).toBe(false);

    const call = await asOwner(requestId);
    const verified = await verifyCall(
      call,
      { audience: "capabilities.devices", users: true },
      world.mesh.keys,
      Date.now(),
    );
    const scope = tenantScope(verified);
    if (scope === null) throw new Error("no scope");
    const caller = world.mesh.callerOf("capabilities");
    const connect = async () =>
      world.credentials.forTenant(await caller.asUser("data.credentials", call.accessToken ?? "", requestId));
    const database = openTenantDatabase(scope, connect, gateway);
    const { id } = await enrolOne(world, tenant.org, "Before");
    const rename = sql`work AS (UPDATE devices SET name = 'After' WHERE id = ${id} RETURNING id)`;
    await expect(database.write(rename, sql`SELECT 1 / 0`)).rejects.toMatchObject({ code: "22012" });
    expect(await hasReceipt(tenant, requestId)).toBe(false);
    expect(accepted(await world.devices.getDevice(await asOwner(), id)).name).toBe("Before");
  });
});

describe("the connection", () => {
  it("falls back to the neighbouring password when a login is refused, and asks anew", async () => {
    const admin = { user: newId("user"), role: "admin" } as const;
    const page = { limit: 1, cursor: null };
    const wrong = (url: string): string => url.replace(/:[^:@]*@/, ":wrong@");
    world.credentials.spoil = (connection) => ({
      ...connection,
      databaseUrl: wrong(connection.databaseUrl),
      fallbackDatabaseUrl: connection.databaseUrl,
    });
    expect(codeOf(await world.devices.listDevices(await world.as(tenant.org, admin), page))).toBe("ok");
    // The password has moved on, and what is kept holds neither: one question more, and it works again.
    world.credentials.spoil = (connection) => ({ ...connection, databaseUrl: wrong(connection.databaseUrl) });
    const second = { user: newId("user"), role: "admin" } as const;
    await expect(world.devices.listDevices(await world.as(tenant.org, second), page)).rejects.toMatchObject({
      code: "28P01",
    });
    world.credentials.spoil = (connection) => connection;
    expect(codeOf(await world.devices.listDevices(await world.as(tenant.org, second), page))).toBe("ok");
  });

  it("of another tenant is not used, even if it was handed out", async () => {
    const other = await world.tenant();
    const admin = { user: newId("user"), role: "admin" } as const;
    world.credentials.spoil = (connection) => ({ ...connection, org: other.org });
    await expect(
      world.devices.listDevices(await world.as(tenant.org, admin), { limit: 1, cursor: null }),
    ).rejects.toThrow("another tenant");
    world.credentials.spoil = (connection) => connection;
  });
});
