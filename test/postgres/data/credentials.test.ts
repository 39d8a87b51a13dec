import { beforeAll, describe, expect, it } from "vitest";
import { createDatabase, sql } from "../../../store/connect.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import { TenantNotReady } from "../../../workers/data/directory.ts";
import { createMeshKit } from "../mesh-kit.ts";
import {
  describeTenant,
  type FreshTenant,
  freshTenant,
  gateway,
  newOrgId,
  newRequestId,
  newUserId,
  runAs,
  setup,
} from "../support.ts";
import { createDataWorld, type DataWorld, refusedBecause } from "./support.ts";

let world: DataWorld;
let tenant: FreshTenant;
const user = newUserId();
beforeAll(async () => {
  world = await createDataWorld();
  tenant = await freshTenant();
});

const asUser = async (role: "owner" | "viewer", org = tenant.org) =>
  world.mesh
    .caller("capabilities")
    .asUser("data.credentials", await world.mesh.accessToken(org, user, role), newRequestId());

/** Whom the schema takes the holder of a connection for. */
async function seenAs(connection: { databaseUrl: string; rowScope: string }): Promise<unknown> {
  const database = createDatabase({ url: connection.databaseUrl, gateway });
  const [, rows] = await database.transaction([
    sql`SELECT set_config('sentinel.scope', ${connection.rowScope}, true)`,
    sql`SELECT current_user::text AS login, current_schema() AS schema, scope_role() AS role, scope_user() AS "user"`,
  ]);
  return rows?.[0];
}

describe("credentials", () => {
  it("open the tenant's own schema, as its own role, for exactly the user and role of the call", async () => {
    const connection = await connectionForCall(world.unit, await asUser("viewer"));
    expect(connection).toMatchObject({ org: tenant.org, fallbackDatabaseUrl: null });
    expect(connection.expiresAtMs).toBeLessThanOrEqual(Date.now() + 300_000);
    expect(await seenAs(connection)).toEqual({ login: tenant.name, schema: tenant.name, role: "viewer", user });
  });

  it("open it for redeeming an enrolment code as `system`, and for no other job", async () => {
    const caller = world.mesh.caller("capabilities");
    const enroll = await caller.asJob("data.credentials", "enroll", tenant.org, newRequestId());
    expect(await seenAs(await connectionForCall(world.unit, enroll))).toMatchObject({ role: "system", user: null });
    const ingest = await caller.asJob("data.credentials", "ingest", tenant.org, newRequestId());
    expect(await refusedBecause(connectionForCall(world.unit, ingest))).toBe("not_granted");
  });

  it("are refused to a job of no organisation", async () => {
    const call = await world.mesh.caller("capabilities").asJob("data.credentials", "enroll", null, newRequestId());
    expect(await refusedBecause(connectionForCall(world.unit, call))).toBe("wrong_org");
  });

  it("are refused to Workers that are not capabilities", async () => {
    const token = await world.mesh.accessToken(tenant.org, user, "owner");
    for (const workload of ["studio", "durable-objects"] as const) {
      const call = await world.mesh.caller(workload).asUser("data.credentials", token, newRequestId());
      expect(await refusedBecause(connectionForCall(world.unit, call))).toBe("not_granted");
    }
  });

  it("are refused for a user whose access token does not travel along, or is another's", async () => {
    const call = await asUser("owner");
    expect(await refusedBecause(connectionForCall(world.unit, { ...call, accessToken: null }))).toBe(
      "access_token_mismatch",
    );
    const another = await world.mesh.accessToken(tenant.org, newUserId(), "owner");
    expect(await refusedBecause(connectionForCall(world.unit, { ...call, accessToken: another }))).toBe(
      "access_token_mismatch",
    );
  });

  it("are refused under the keys of another mesh", async () => {
    const stranger = await createMeshKit();
    const call = await stranger.caller("capabilities").asJob("data.credentials", "enroll", tenant.org, newRequestId());
    expect(await refusedBecause(connectionForCall(world.unit, call))).toBe("bad_certificate");
  });

  it("don't exist for an organisation that was never created", async () => {
    await expect(connectionForCall(world.unit, await asUser("owner", newOrgId()))).rejects.toThrow(TenantNotReady);
  });

  it("don't exist for an organisation whose creation has not ended", async () => {
    const half = await freshTenant();
    await runAs(
      setup.ownerUrls["first"]!,
      "UPDATE control.organisation_placements SET ready_at = NULL WHERE org_id = $1",
      [half.org],
    );
    await expect(connectionForCall(world.unit, await asUser("owner", half.org))).rejects.toThrow(TenantNotReady);
  });

  it("carry the next epoch's password while a rotation is under way, and it holds once the role has it", async () => {
    const rotating = await freshTenant();
    await runAs(
      setup.ownerUrls["first"]!,
      "UPDATE control.organisation_placements SET rotating_to = 2 WHERE org_id = $1",
      [rotating.org],
    );
    const { fallbackDatabaseUrl, ...connection } = await connectionForCall(
      world.unit,
      await asUser("owner", rotating.org),
    );
    expect(await seenAs(connection)).toMatchObject({ role: "owner" });
    const next = new URL(fallbackDatabaseUrl ?? "").password;
    expect(next).not.toBe(rotating.password);
    const { provisionerUrl } = setup.placements[rotating.placement]!;
    await runAs(provisionerUrl, `ALTER ROLE ${rotating.name} PASSWORD '${next}'`);
    expect(await seenAs({ ...connection, databaseUrl: fallbackDatabaseUrl ?? "" })).toMatchObject({ role: "owner" });
  });

  it("differ between tenants, so that one password opens one schema", async () => {
    const other = await freshTenant();
    expect(other.password).not.toBe(tenant.password);
    expect((await describeTenant(other.org, other.placement)).password).toBe(other.password);
  });
});
