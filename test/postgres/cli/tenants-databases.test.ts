import { describe, expect, it } from "vitest";
import { repairOneTenant } from "../../../scripts/migrate/tenants/repair.ts";
import { rotateTenants } from "../../../scripts/migrate/tenants/rotate.ts";
import { createDatabase } from "../../../store/connect.ts";
import { rotatePasswords } from "../../../workers/data/credentials/rotation.ts";
import { findPlacement } from "../../../workers/data/directory.ts";
import { checkRights } from "../../../workers/data/provisioner/rights/check.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import { runOn } from "../../support/placement-databases.ts";
import { scopeOf } from "../../support/scopes.ts";
import { asProvisioner, makeTenants, twoPlacements } from "../data/migrations-kit.ts";
import { newOrgId, runAs } from "../support.ts";
import { runCli } from "./run-cli.ts";

const urlsOf = (world: PlacementDatabases): NodeJS.ProcessEnv => ({
  DATABASE_URLS: JSON.stringify(Object.fromEntries(world.urls.map(({ name, url }) => [name, url]))),
});
const directoryOf = ({ config }: PlacementDatabases) =>
  createDatabase({ url: config.directoryUrl, gateway: config.gateway });

/** The data Worker's clock, in a hurry. @returns stops it */
function clock(run: () => Promise<unknown>): () => Promise<void> {
  let going = true;
  const running = (async () => {
    while (going) {
      await run();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return async () => {
    going = false;
    await running;
  };
}
const rotating = (world: PlacementDatabases) =>
  clock(() =>
    rotatePasswords(
      world.config,
      directoryOf(world),
      { announced: 2, rotated: 2, atOnce: 2, runMs: 60_000, leadMs: 50 },
      Date.now,
    ),
  );

const epochs = async (world: PlacementDatabases) =>
  (
    await runOn<{ epoch: number }>(
      world.urls[0].url,
      "SELECT password_epoch AS epoch FROM control.organisation_placements",
    )
  ).map(({ epoch }) => epoch);
const watch = { lookMs: 20, idleMs: 60_000 };

describe("sentinel tenants rotate-passwords", () => {
  it("watches until every tenant has a new password, and shows how far it is", async () => {
    const world = await twoPlacements();
    await makeTenants(world, 5);
    const stop = rotating(world);
    const looks: number[] = [];
    const result = await rotateTenants({
      controlUrl: world.urls[0].url,
      org: null,
      onLook: ({ done, pending }) => {
        expect(pending).toBe(5);
        looks.push(done);
      },
      ...watch,
    });
    await stop();
    expect(result).toEqual({ rotated: 5, left: [] });
    expect(await epochs(world)).toEqual([2, 2, 2, 2, 2]);
    expect(looks).toEqual([...looks].sort((a, b) => a - b));
    expect(looks.at(-1)).toBe(5);
  });

  it("rotates one organisation and nobody else", async () => {
    const world = await twoPlacements();
    const [one, other] = await makeTenants(world, 2);
    const stop = rotating(world);
    await rotateTenants({ controlUrl: world.urls[0].url, org: one!.org, onLook: () => undefined, ...watch });
    await stop();
    expect(await findPlacement(directoryOf(world), scopeOf(one!.org))).toMatchObject({ passwordEpoch: 2 });
    expect(await findPlacement(directoryOf(world), scopeOf(other!.org))).toMatchObject({ passwordEpoch: 1 });
  });

  it("that was killed is done by the clock anyway, and asked again goes on with the rest", async () => {
    const world = await twoPlacements();
    await makeTenants(world, 4);
    const controlUrl = world.urls[0].url;
    // Nothing moves: it names everybody and gives up, which is as good as a kill.
    const killed = await rotateTenants({ controlUrl, org: null, onLook: () => undefined, idleMs: 0 });
    expect(killed).toMatchObject({ rotated: 0 });
    expect(killed.left).toHaveLength(4);
    const stop = rotating(world);
    while ((await epochs(world)).filter((epoch) => epoch === 2).length < 2)
      await new Promise((done) => setTimeout(done, 10));
    const again = await rotateTenants({ controlUrl, org: null, onLook: () => undefined, ...watch });
    await stop();
    expect(again.left).toEqual([]);
    expect(again.rotated).toBeLessThanOrEqual(2);
    expect(await epochs(world)).toEqual([2, 2, 2, 2]);
  });

  it("is refused for nobody in particular, for a stranger, and for everybody and one at once", async () => {
    const world = await twoPlacements();
    const verb = ["tenants", "rotate-passwords"];
    expect(runCli(verb, urlsOf(world))).toMatchObject({ status: 2, stderr: expect.stringContaining("--org or --all") });
    expect(runCli([...verb, "--all", "--org", "demo"], urlsOf(world))).toMatchObject({ status: 2 });
    const stranger = runCli([...verb, "--org", newOrgId()], urlsOf(world));
    expect(stranger).toMatchObject({ status: 1, stderr: expect.stringContaining("no organisation with a database") });
    expect(runCli([...verb, "--all"], urlsOf(world))).toEqual({
      status: 0,
      stdout: "0 tenants have new passwords\n",
      stderr: "",
    });
  });
});

describe("sentinel tenants repair", () => {
  it("has the data Worker put right what is wrong, and says what it is afterwards", async () => {
    const world = await twoPlacements();
    const [tenant] = await makeTenants(world, 1);
    await asProvisioner(tenant!.url, `DROP POLICY devices_read ON ${tenant!.name}.devices`);
    await runAs(
      (await tenant!.connection("owner")).databaseUrl,
      "ALTER ROLE CURRENT_USER SET search_path = pg_catalog",
    );
    expect(await repairOneTenant(world.urls, tenant!, 0)).toEqual({ visited: false, right: false, closed: false });
    const stop = clock(() => checkRights(world.config, directoryOf(world)));
    expect(await repairOneTenant(world.urls, tenant!, 60_000, 20)).toEqual({
      visited: true,
      right: true,
      closed: false,
    });
    await stop();
    expect(await tenant!.run("owner")).toEqual([]);
    const [path] = await runAs(
      (await tenant!.connection("owner")).databaseUrl,
      "SELECT current_schema()::text AS path",
    );
    expect(path).toEqual({ path: tenant!.name });
  });
});

describe("sentinel tenants retention", () => {
  it("says and changes how long telemetry is kept, within the schema's bounds", async () => {
    const world = await twoPlacements();
    const [tenant, other] = await makeTenants(world, 2);
    const run = (...args: string[]) => runCli(["tenants", "retention", tenant!.org, ...args], urlsOf(world));
    const said = (raw: number, minute: number) =>
      `${tenant!.org} keeps samples ${raw} days, minutes ${minute} days, hours 1095 days\n`;
    expect(run()).toEqual({ status: 0, stdout: said(30, 180), stderr: "" });
    expect(run("--raw-days", "60", "--minute-days", "365")).toMatchObject({ status: 0, stdout: said(60, 365) });
    // Samples can't outlive the minutes that they become.
    expect(run("--raw-days", "400")).toMatchObject({ status: 1, stderr: expect.stringContaining("schema refuses") });
    expect(run("--raw-days", "6")).toMatchObject({ status: 1 });
    expect(run("--raw-days", "soon")).toMatchObject({ status: 2 });
    expect(run()).toMatchObject({ stdout: said(60, 365) });
    expect(runCli(["tenants", "retention", other!.org], urlsOf(world)).stdout).toContain("samples 30 days");
  });
});
