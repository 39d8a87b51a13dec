import { beforeAll, describe, expect, it } from "vitest";
import { makeId, type OrgId } from "../../../core/ids.ts";
import type { TenantConnection } from "../../../core/rpc/data.ts";
import { type Gateway, startGateway } from "../../../scripts/postgres/gateway.ts";
import { createDatabase, sql } from "../../../store/connect.ts";
import { listDevices } from "../../../store/tenant/devices.ts";
import { addGroup } from "../../../store/tenant/groups.ts";
import { openTenantDatabase } from "../../../store/tenant/tenant-database.ts";
import type { TenantScope } from "../../../store/tenant/tenant-scope.ts";
import { type DataConfig, parseConfig } from "../../../workers/data/config.ts";
import { changeRole, type RotationBounds, rotatePasswords } from "../../../workers/data/credentials/rotation.ts";
import {
  announce,
  announcedMs,
  askForRotation,
  passwordAgeDaysMax,
  ripeTenants,
  rotationsLeft,
} from "../../../workers/data/credentials/rotation-directory.ts";
import { createPlacementCache, findPlacement, placementFreshMs } from "../../../workers/data/directory.ts";
import { ingestWork } from "../../../workers/data/ingest/statements.ts";
import { createTenant } from "../../../workers/data/provisioner/create-tenant.ts";
import { runScheduled } from "../../../workers/data/scheduled.ts";
import { openTenant, runAsSystem } from "../../../workers/data/tenant-access.ts";
import type { DataUnit } from "../../../workers/data/unit.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import { scopeOf } from "../../support/scopes.ts";
import { gateway, newRequestId, runAs, setup, tenantMigrations } from "../support.ts";
import { addDevices, type MadeTenant, makeTenants, twoPlacements } from "./migrations-kit.ts";
import { newDeviceId } from "./support.ts";

/** As the clock's, but that nobody waits a minute: memories of the directory pass as much faster (`unitOf`). */
const leadMs = 400;
const memoryMs = 200;
const bounds: RotationBounds = { announced: 1000, rotated: 1000, atOnce: 4, runMs: 60_000, leadMs };

const directoryOf = (config: DataConfig) => createDatabase({ url: config.directoryUrl, gateway: config.gateway });

/** A data Worker's unit whose clock runs so fast that it remembers the directory for `memoryMs`. */
function unitOf(config: DataConfig): DataUnit {
  const startedAt = Date.now();
  const fast = () => startedAt + ((Date.now() - startedAt) * placementFreshMs) / memoryMs;
  const directory = directoryOf(config);
  return {
    config,
    directory,
    placementOf: createPlacementCache(directory, fast),
    mayRepair: () => false,
    now: Date.now,
  } as unknown as DataUnit;
}

const rotate = (config: DataConfig, over: Partial<RotationBounds> = {}) =>
  rotatePasswords(config, directoryOf(config), { ...bounds, ...over }, Date.now);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Rotates everybody, or one, once. */
async function rotateWhole(config: DataConfig, org: OrgId | null = null): Promise<void> {
  await askForRotation(directoryOf(config), org === null ? null : scopeOf(org));
  await rotate(config);
  await pause(leadMs + 50);
  expect((await rotate(config)).failed).toEqual([]);
}

const tenantScopeOf = (org: OrgId) =>
  ({ org, requestId: newRequestId(), actor: { kind: "user", role: "owner" } }) as unknown as TenantScope;

/** A tenant's database as capabilities opens it: it keeps what it was handed until a login is refused. */
function keeping(unit: DataUnit, org: OrgId) {
  let kept: TenantConnection | null = null;
  const connect = async (_scope: TenantScope, { fresh }: { fresh: boolean }): Promise<TenantConnection> => {
    if (kept === null || fresh) kept = await openTenant(unit, scopeOf(org), { user: null, role: "owner" });
    return kept;
  };
  return () => openTenantDatabase(tenantScopeOf(org), connect, unit.config.gateway);
}

let world: PlacementDatabases;
/** Has every request log in: a password that was good a moment ago opens nothing. */
let strict: Gateway;
beforeAll(async () => {
  world = await twoPlacements();
  const clusters = Object.values(setup.ownerUrls).map((url) => ({ port: Number(new URL(url).port) }));
  strict = await startGateway({ port: 0, clusters, usesMax: 1 });
  return () => strict.stop();
});
const strictly = (config: DataConfig): DataConfig => ({ ...config, gateway: `127.0.0.1:${strict.port}` });

describe("a rotation", () => {
  it("gives every tenant another password, which opens its schema; the one of before opens nothing", async () => {
    const tenants = await makeTenants(world, 3);
    const before = await Promise.all(tenants.map((tenant) => tenant.connection("owner")));
    await rotateWhole(world.config);
    for (const [index, tenant] of tenants.entries()) {
      expect(await findPlacement(directoryOf(world.config), scopeOf(tenant.org))).toMatchObject({
        passwordEpoch: 2,
        passwordRoot: world.config.rootId,
        rotatingTo: null,
      });
      await expect(runAs(before[index]!.databaseUrl, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
      const { databaseUrl, fallbackDatabaseUrl } = await openTenant(unitOf(world.config), scopeOf(tenant.org), {
        user: null,
        role: "owner",
      });
      expect(fallbackDatabaseUrl).toBeNull();
      expect(await runAs(databaseUrl, "SELECT current_user::text AS name")).toEqual([{ name: tenant.name }]);
    }
  });

  it("changes no role before everybody must have heard of it", async () => {
    expect(announcedMs).toBeGreaterThan(placementFreshMs);
    const [tenant] = await makeTenants(world, 1);
    await askForRotation(directoryOf(world.config), scopeOf(tenant!.org));
    expect(await rotate(world.config, { leadMs: 60_000 })).toMatchObject({ announced: 1, rotated: 0 });
    expect(await rotate(world.config, { leadMs: 60_000 })).toMatchObject({ announced: 0, rotated: 0 });
    expect(await rotationsLeft(directoryOf(world.config), world.config, 60_000)).toMatchObject({ due: 0, rotating: 1 });
    await rotate(world.config, { leadMs: 0 });
  });

  it("is by age due for everybody within ninety days, for nobody in the first eighty, and not for all at once", async () => {
    const own = await twoPlacements();
    const tenants = await makeTenants(own, 12);
    const age = (days: number) =>
      runAs(
        own.urls[0].url,
        "UPDATE control.organisation_placements SET password_changed_at = now() - $1 * interval '1 day'",
        [days],
      );
    const due = async () => (await rotationsLeft(directoryOf(own.config), own.config, 0)).due;
    await age(79.9);
    expect(await due()).toBe(0);
    await age(85);
    expect(await due()).toBeGreaterThan(0);
    expect(await due()).toBeLessThan(tenants.length);
    await age(passwordAgeDaysMax);
    expect(await due()).toBe(tenants.length);
    // A run is bounded; the next one goes on.
    expect(await announce(directoryOf(own.config), own.config, 5)).toBe(5);
    expect(await due()).toBe(tenants.length - 5);
  });

  it("needs nobody: the clock's runs announce who is due, and rotate them when their time has come", async () => {
    const own = await twoPlacements();
    const [tenant] = await makeTenants(own, 1);
    const set = (column: string, age: string) =>
      runAs(own.urls[0].url, `UPDATE control.organisation_placements SET ${column} = now() - interval '${age}'`);
    const unit = unitOf(own.config);
    await set("password_changed_at", "90 days");
    await runScheduled(unit);
    expect(await findPlacement(unit.directory, scopeOf(tenant!.org))).toMatchObject({
      passwordEpoch: 1,
      rotatingTo: 2,
    });
    await runScheduled(unit);
    expect(await findPlacement(unit.directory, scopeOf(tenant!.org))).toMatchObject({
      passwordEpoch: 1,
      rotatingTo: 2,
    });
    await set("rotating_since", `${announcedMs} milliseconds`);
    await runScheduled(unit);
    expect(await findPlacement(unit.directory, scopeOf(tenant!.org))).toMatchObject({
      passwordEpoch: 2,
      rotatingTo: null,
    });
    expect(await rotationsLeft(unit.directory, own.config, announcedMs)).toEqual({
      due: 0,
      rotating: 0,
      ripeInMs: null,
    });
  });

  it("that fails for one goes on for the others, and that one still works and comes again", async () => {
    const own = await twoPlacements();
    const [broken, other] = (await makeTenants(own, 2)) as [MadeTenant, MadeTenant];
    await askForRotation(directoryOf(own.config), null);
    await rotate(own.config);
    await pause(leadMs + 50);
    await runAs(broken.url, `SET ROLE sentinel_provisioner; ALTER ROLE ${broken.name} RENAME TO ${broken.name}_away`);
    const run = await rotate(own.config);
    expect(run).toMatchObject({ rotated: 1, failed: [{ org: broken.org, reason: "refused 42704" }] });
    expect(await findPlacement(directoryOf(own.config), scopeOf(other.org))).toMatchObject({ passwordEpoch: 2 });
    await runAs(broken.url, `SET ROLE sentinel_provisioner; ALTER ROLE ${broken.name}_away RENAME TO ${broken.name}`);
    // The rename took the password with it when it is hashed with the name (md5); SCRAM's stays.
    const read = keeping(unitOf(own.config), broken.org);
    expect((await listDevices(read(), { after: null, limit: 1 })).items).toEqual([]);
    await pause(leadMs + 50);
    expect(await rotate(own.config)).toMatchObject({ rotated: 1, failed: [] });
  });
});

describe("a caller that was handed its connection before", () => {
  it("one rotation or two gets through: a refused login asks again", async () => {
    const [tenant] = await makeTenants(world, 1);
    const read = keeping(unitOf(world.config), tenant!.org);
    const database = read();
    // Asked for and not used: no pool holds a session that the old password opened.
    const unused = await openTenant(unitOf(world.config), scopeOf(tenant!.org), { user: null, role: "owner" });
    await rotateWhole(world.config, tenant!.org);
    await rotateWhole(world.config, tenant!.org);
    await expect(runAs(unused.databaseUrl, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
    let first = true;
    const unit = unitOf(world.config);
    const stale = openTenantDatabase(
      tenantScopeOf(tenant!.org),
      async (_scope, { fresh }) => {
        if (first && !fresh) {
          first = false;
          return unused;
        }
        return openTenant(unit, scopeOf(tenant!.org), { user: null, role: "owner" });
      },
      gateway,
    );
    expect((await listDevices(stale, { after: null, limit: 1 })).items).toEqual([]);
    expect((await listDevices(database, { after: null, limit: 1 })).items).toEqual([]);
  });
});

describe("a rotation that is killed", () => {
  it("after the announcement leaves a tenant that works, and is finished by the next run", async () => {
    const [tenant] = await makeTenants(world, 1);
    await askForRotation(directoryOf(world.config), scopeOf(tenant!.org));
    await announce(directoryOf(world.config), world.config, 1000);
    expect((await listDevices(keeping(unitOf(world.config), tenant!.org)(), { after: null, limit: 1 })).items).toEqual(
      [],
    );
    await pause(leadMs + 50);
    await rotate(world.config);
    expect(await findPlacement(directoryOf(world.config), scopeOf(tenant!.org))).toMatchObject({
      passwordEpoch: 2,
      rotatingTo: null,
    });
  });

  it("between the role and the directory leaves a tenant that works, and is finished by the next run", async () => {
    const [tenant] = await makeTenants(world, 1);
    const directory = directoryOf(world.config);
    await askForRotation(directory, scopeOf(tenant!.org));
    await announce(directory, world.config, 1000);
    const ripe = await ripeTenants(directory, world.config, { leadMs: 0, most: 1000 });
    await changeRole(world.config, ripe.find(({ scope }) => scope.org === tenant!.org)!);
    // Killed here: the role has the second password and the directory says the first.
    await expect(runAs((await tenant!.connection("owner")).databaseUrl, "SELECT 1")).rejects.toMatchObject({
      code: "28P01",
    });
    const unit = unitOf(world.config);
    expect((await listDevices(keeping(unit, tenant!.org)(), { after: null, limit: 1 })).items).toEqual([]);
    expect(await runAsSystem(unit, scopeOf(tenant!.org), [sql`SELECT current_user::text AS name`])).toEqual([
      [{ name: tenant!.name }],
    ]);
    // Provisioning it in the midst of that is no repair: nothing is wrong with the role.
    expect((await createTenant(world.config, scopeOf(tenant!.org), tenantMigrations)).repaired).toEqual([]);
    expect((await listDevices(keeping(unitOf(world.config), tenant!.org)(), { after: null, limit: 1 })).items).toEqual(
      [],
    );
    await rotate(world.config, { leadMs: 0 });
    expect(await findPlacement(directory, scopeOf(tenant!.org))).toMatchObject({ passwordEpoch: 2, rotatingTo: null });
    expect((await listDevices(keeping(unitOf(world.config), tenant!.org)(), { after: null, limit: 1 })).items).toEqual(
      [],
    );
  });

  it("and run by two at once ends with one epoch more, and nobody shut out", async () => {
    const tenants = await makeTenants(world, 6);
    await askForRotation(directoryOf(world.config), null);
    await rotate(world.config);
    await pause(leadMs + 50);
    await Promise.all([rotate(world.config), rotate(world.config), rotate(world.config)]);
    await rotate(world.config, { leadMs: 0 });
    for (const { org } of tenants) {
      expect(await findPlacement(directoryOf(world.config), scopeOf(org))).toMatchObject({
        passwordEpoch: 2,
        rotatingTo: null,
      });
      const { databaseUrl } = await openTenant(unitOf(world.config), scopeOf(org), { user: null, role: "owner" });
      expect(await runAs(databaseUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    }
  });
});

/** Requests of an owner and batches of telemetry, in lanes until told to end. */
function load(
  config: DataConfig,
  tenants: readonly MadeTenant[],
  devices: ReadonlyMap<OrgId, ReturnType<typeof newDeviceId>>,
) {
  const failures: unknown[] = [];
  const count = { requests: 0, batches: 0 };
  let going = true;
  const lane = async (work: (turn: number) => Promise<void>): Promise<void> => {
    for (let turn = 0; going; turn += 1) await work(turn).catch((error: unknown) => failures.push(error));
  };
  // Each tenant's lanes have isolates of their own, as requests from everywhere would.
  const lanes = tenants.flatMap(({ org }) => {
    const device = devices.get(org)!;
    const open = keeping(unitOf(config), org);
    const ingest = unitOf(config);
    return [
      lane(async (turn) => {
        if (turn % 3 === 0) {
          const id = makeId("group", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
          await addGroup(open(), id, `group ${id}`);
        }
        expect((await listDevices(open(), { after: null, limit: 5 })).items).toHaveLength(1);
        count.requests += 1;
      }),
      lane(async (turn) => {
        const at = new Date().toISOString();
        const record = {
          kind: "telemetry",
          device,
          sampleId: `s${turn}`,
          at,
          receivedAt: at,
          metrics: { cpu: 1 },
        } as const;
        const work = ingestWork([record]);
        expect(work.counts(await runAsSystem(ingest, scopeOf(org), work.statements))).toMatchObject({ stored: 1 });
        count.batches += 1;
      }),
    ];
  });
  return {
    /** Resolves when so many more requests and batches have ended, well or not. */
    more: async (wanted: number) => {
      const [requests, batches] = [count.requests + wanted, count.batches + wanted];
      while ((count.requests < requests || count.batches < batches) && failures.length === 0) await pause(5);
    },
    end: async () => {
      going = false;
      await Promise.all(lanes);
      return failures;
    },
  };
}

/**
 * Tenants with a device each, under load.
 * @param made the configuration that they are made with, when it is another than what serves them
 */
async function underLoad(placements: PlacementDatabases, config: DataConfig, made: DataConfig = config) {
  const tenants = await makeTenants({ ...placements, config: made }, 3);
  const devices = new Map(tenants.map(({ org }) => [org, newDeviceId()]));
  for (const tenant of tenants) await addDevices(tenant, [devices.get(tenant.org)!]);
  return { tenants, running: load(config, tenants, devices) };
}

describe("requests and telemetry of several tenants", () => {
  it("all succeed while every tenant rotates twice, the first time killed between role and directory", async () => {
    const own = await twoPlacements();
    const { tenants, running } = await underLoad(own, strictly(own.config));
    const directory = directoryOf(own.config);
    await askForRotation(directory, null);
    expect(await announce(directory, own.config, 1000)).toBe(3);
    await pause(leadMs + 50);
    for (const ripe of await ripeTenants(directory, own.config, { leadMs, most: 1000 }))
      await changeRole(own.config, ripe);
    // Killed here. Callers go on with the second of two passwords.
    await running.more(30);
    expect(await rotate(own.config)).toMatchObject({ rotated: 3, failed: [] });
    await running.more(30);
    await rotateWhole(own.config);
    await running.more(30);
    expect(await running.end()).toEqual([]);
    for (const { org } of tenants)
      expect(await findPlacement(directory, scopeOf(org))).toMatchObject({ passwordEpoch: 3, rotatingTo: null });
  });

  it("all succeed while the root secret changes under every tenant, and see all their rows throughout", async () => {
    const own = await twoPlacements();
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const variables = {
      NEON_GATEWAY: strictly(own.config).gateway,
      ISSUER: own.config.issuer,
      PLACEMENTS: JSON.stringify(Object.fromEntries(own.config.placements)),
      DIRECTORY_DATABASE_URL: own.config.directoryUrl,
    };
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
    const old = await parseConfig({ ...variables, TENANT_DB_ROOT_SECRET: text(secret) });
    const changing = await parseConfig({
      ...variables,
      TENANT_DB_ROOT_SECRET: text(crypto.getRandomValues(new Uint8Array(32))),
      TENANT_DB_ROOT_SECRET_PREVIOUS: text(secret),
    });
    const { tenants, running } = await underLoad(own, changing, old);
    // One of them is from before the directory named roots.
    await runAs(own.urls[0].url, "UPDATE control.organisation_placements SET password_root = NULL WHERE org_id = $1", [
      tenants[0]!.org,
    ]);
    // Nobody has to ask: who stands on the root before is due.
    expect(await rotate(changing)).toMatchObject({ announced: 3 });
    await pause(leadMs + 50);
    for (const ripe of await ripeTenants(directoryOf(changing), changing, { leadMs, most: 1000 }))
      await changeRole(changing, ripe);
    await running.more(30);
    expect(await rotate(changing)).toMatchObject({ rotated: 3, failed: [] });
    await running.more(30);
    expect(await running.end()).toEqual([]);
    // From now on the old secret is not needed, and opens nothing.
    const after = { ...changing, previousRoot: null };
    for (const tenant of tenants) {
      expect((await listDevices(keeping(unitOf(after), tenant.org)(), { after: null, limit: 5 })).items).toHaveLength(
        1,
      );
      await expect(runAs((await tenant.connection("owner")).databaseUrl, "SELECT 1")).rejects.toMatchObject({
        code: "28P01",
      });
    }
  });
});
