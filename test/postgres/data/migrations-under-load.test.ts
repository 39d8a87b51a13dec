import { describe, expect, it } from "vitest";
import type { DeviceId, GroupId } from "../../../core/ids.ts";
import { makeId } from "../../../core/ids.ts";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { isComplete, migrateTenants } from "../../../scripts/migrate/tenants/run.ts";
import { findDevice, listDevices, renameDevice } from "../../../store/tenant/devices.ts";
import { addGroup, listGroups } from "../../../store/tenant/groups.ts";
import { openTenantDatabase, type TenantDatabase } from "../../../store/tenant/tenant-database.ts";
import type { TenantScope } from "../../../store/tenant/tenant-scope.ts";
import { withLaterMigrations } from "../../support/later-migrations.ts";
import { connect, gateway, newRequestId } from "../support.ts";
import { addDevices, type MadeTenant, makeTenants, twoPlacements, versions } from "./migrations-kit.ts";
import { newDeviceId } from "./support.ts";

const last = readMigrations("tenant").length;
const lanes = 4;

/** The tenant's database as capabilities opens it for each request of an owner. */
function requestOf(tenant: MadeTenant): TenantDatabase {
  const scope = {
    org: tenant.org,
    requestId: newRequestId(),
    actor: { kind: "user", role: "owner" },
  } as unknown as TenantScope;
  return openTenantDatabase(scope, () => tenant.connection("owner"), gateway);
}

/** The store's own functions, as the API's routes call them. @throws what a client would see as a failed request */
async function request(tenant: MadeTenant, device: DeviceId, turn: number): Promise<void> {
  const database = requestOf(tenant);
  switch (turn % 4) {
    case 0:
      expect((await listDevices(database, { after: null, limit: 50 })).items).toHaveLength(1);
      return;
    case 1:
      expect(await renameDevice(database, device, `device ${turn}`)).toMatchObject({ name: `device ${turn}` });
      return;
    case 2: {
      const id: GroupId = makeId("group", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
      await addGroup(database, id, `group ${id}`);
      await listGroups(database, { after: null, limit: 10 });
      return;
    }
    default:
      expect(await findDevice(database, device)).toMatchObject({ id: device });
  }
}

/** Requests in lanes until told to end. @returns how many, and what failed */
function load(tenant: MadeTenant, device: DeviceId) {
  const failures: unknown[] = [];
  let answered = 0;
  let going = true;
  const running = Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let turn = lane; going; turn += 1)
        await request(tenant, device, turn).then(
          () => {
            answered += 1;
          },
          (error: unknown) => failures.push(error),
        );
    }),
  );
  return {
    answered: () => answered,
    end: async () => {
      going = false;
      await running;
      return failures;
    },
  };
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe("requests to a tenant in the middle of its migration", () => {
  it("all succeed while it expands, is filled and gets stricter, release after release", async () => {
    const world = await twoPlacements();
    const [tenant] = await makeTenants(world, 1);
    const device = newDeviceId();
    await addDevices(tenant!, [device]);
    const requests = load(tenant!, device);
    for (let release = 1; release <= 3; release += 1) {
      const before = requests.answered();
      await until(() => requests.answered() > before + 20);
      const result = await migrateTenants({ placements: world.urls, migrations: withLaterMigrations(release) });
      expect(isComplete(result), JSON.stringify(result)).toBe(true);
      const after = requests.answered();
      await until(() => requests.answered() > after + 20);
    }
    expect(await requests.end()).toEqual([]);
    expect(await versions(world, tenant!)).toEqual({ truth: last + 3, index: last + 3 });
  });

  it("all succeed although a reader holds the migration up, which comes back until it gets through", async () => {
    const world = await twoPlacements();
    const [tenant] = await makeTenants(world, 1);
    const device = newDeviceId();
    await addDevices(tenant!, [device]);
    const reader = await connect(tenant!.url);
    await reader.query(`BEGIN; SET LOCAL ROLE sentinel_provisioner; SELECT count(*) FROM ${tenant!.name}.devices`);
    const requests = load(tenant!, device);
    let pauses = 0;
    const result = await migrateTenants({
      placements: world.urls,
      migrations: withLaterMigrations(1),
      pause: async () => {
        pauses += 1;
        const before = requests.answered();
        await until(() => requests.answered() > before + 8);
        if (pauses === 2) await reader.query("COMMIT");
      },
    });
    await reader.end();
    expect(await requests.end()).toEqual([]);
    expect(pauses).toBeGreaterThanOrEqual(2);
    expect(isComplete(result)).toBe(true);
  });
});
