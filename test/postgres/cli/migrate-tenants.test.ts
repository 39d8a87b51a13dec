import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { createDatabase } from "../../../store/connect.ts";
import { reservePlacement } from "../../../workers/data/directory.ts";
import { createTenant } from "../../../workers/data/provisioner/create-tenant.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import { runOn } from "../../support/placement-databases.ts";
import { scopeOf } from "../../support/scopes.ts";
import { asProvisioner, makeTenants, twoPlacements, versions } from "../data/migrations-kit.ts";
import { gateway, newOrgId, setup } from "../support.ts";
import { runCli } from "./run-cli.ts";

const all = readMigrations("tenant");
const last = all.length;

const urlsOf = (world: PlacementDatabases): NodeJS.ProcessEnv => ({
  DATABASE_URLS: JSON.stringify(Object.fromEntries(world.urls.map(({ name, url }) => [name, url]))),
});

describe("sentinel migrate tenants", () => {
  it("--dry-run says what would run where and tries each file on the canary; then a run does it, and a second has nothing to do", async () => {
    const world = await twoPlacements();
    const tenants = await makeTenants(world, 4, all.slice(0, 1));
    const dry = runCli(["migrate", "tenants", "--dry-run", "--canary", tenants[2]!.org], urlsOf(world));
    expect(dry).toMatchObject({ status: 0, stderr: "" });
    expect(dry.stdout).toMatch(
      /^4 tenants have migrations pending, 0 have none\n {2}one: from 0001 {2}2\n {2}two: from 0001 {2}2\n/,
    );
    expect(dry.stdout).toContain(`canary: ${tenants[2]!.org}`);
    for (const { name } of all.slice(1)) expect(dry.stdout).toContain(`  ${name} applies to the canary (`);
    for (const tenant of tenants) expect((await versions(world, tenant)).truth).toBe(1);

    const first = runCli(["migrate", "tenants"], urlsOf(world));
    expect(first).toMatchObject({ status: 0, stdout: "4 migrated, 0 were at the newest already\n" });
    expect(first.stderr).toMatch(/^4 of 4 tenants, [\d.]+ a second, 0 s left\n$/m);
    for (const tenant of tenants) expect(await versions(world, tenant)).toEqual({ truth: last, index: last });
    expect(runCli(["migrate", "tenants"], urlsOf(world))).toEqual({
      status: 0,
      stdout: "0 migrated, 4 were at the newest already\n",
      stderr: "",
    });
    expect(runCli(["migrate", "verify"], urlsOf(world))).toMatchObject({
      status: 0,
      stdout: "4 tenants are what they should be, 0 are not\n",
    });
  });

  it("names tenant, file, SQLSTATE and message of a failure, and ends with 1; a dry run finds it before", async () => {
    const world = await twoPlacements();
    const [tenant] = await makeTenants(world, 1, all.slice(0, 1));
    await asProvisioner(tenant!.url, `CREATE TABLE ${tenant!.name}.devices (other int)`);
    const said = /0002_devices\.sql does not apply to the canary: 42P07 relation "devices" already exists/;
    expect(runCli(["migrate", "tenants", "--dry-run"], urlsOf(world))).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(said),
    });
    const { status, stdout } = runCli(["migrate", "tenants"], urlsOf(world));
    expect(status).toBe(1);
    expect(stdout).toContain(
      `${tenant!.org} (${tenant!.placement}) failed: 0002_devices.sql 42P07 relation "devices" already exists`,
    );
    const verified = runCli(["migrate", "verify"], urlsOf(world));
    expect(verified.status).toBe(1);
    expect(verified.stdout).toContain("+ column {{tenant}}.devices.01 other integer");
  });

  it("refuses a canary that is nobody's, and never shows an address", async () => {
    const world = await twoPlacements();
    await makeTenants(world, 1, all.slice(0, 1));
    const nobody = runCli(["migrate", "tenants", "--canary", newOrgId()], urlsOf(world));
    expect(nobody).toMatchObject({ status: 2, stderr: expect.stringMatching(/^no_such_canary: /) });
    const closed = { DATABASE_URLS: JSON.stringify({ a: "postgres://owner:do-not-show@127.0.0.1:9/sentinel" }) };
    const unreachable = runCli(["migrate", "tenants"], closed);
    expect(unreachable).toMatchObject({ status: 1, stderr: expect.stringMatching(/^migrate_failed: ECONNREFUSED/) });
    expect(unreachable.stderr).not.toContain("do-not-show");
  });
});

describe("sentinel placements", () => {
  it("list warns when every placement is nine tenths full, and not while one has room", async () => {
    const world = await twoPlacements();
    const directory = createDatabase({ url: world.config.directoryUrl, gateway });
    for (const [name, most] of [
      ["one", 10],
      ["two", 1],
    ] as const)
      expect(runCli(["placements", "set", name, "--tenants-max", String(most)], urlsOf(world)).status).toBe(0);
    const reserve = (count: number) =>
      Promise.all(
        Array.from({ length: count }, () =>
          reservePlacement(directory, scopeOf(newOrgId()), ["one", "two"], "0".repeat(16)),
        ),
      );
    await reserve(9);
    expect(runCli(["placements", "list"], urlsOf(world))).toEqual({
      status: 0,
      stdout: "one  8 of 10 tenants\ntwo  1 of 1 tenants  (full)\n",
      stderr: "",
    });
    const [tenth] = await reserve(1);
    expect(tenth!.filled).toEqual({ placement: "one", tenants: 9, tenantsMax: 10 });
    const warned = runCli(["placements", "list"], urlsOf(world));
    expect(warned.status).toBe(1);
    expect(warned.stdout).toMatch(
      /one {2}9 of 10 tenants {2}\(nearly full\)[\s\S]*every placement is at least 90 % full: .*placements add/,
    );
    await reserve(1);
    await expect(reserve(1)).rejects.toThrow("every placement is full");
  });

  it("add makes a new one, which then takes whom the full ones can't; twice is refused", async () => {
    const world = await twoPlacements();
    const [one, two] = world.urls;
    // What an operator has: a cluster with an owner, and nothing in it.
    const name = `three_${crypto.randomUUID().slice(0, 8)}`;
    await runOn(two!.url, `CREATE DATABASE ${name} TEMPLATE template0`);
    const three = two!.url.replace(/\/[^/]+$/, `/${name}`);
    const folder = mkdtempSync(join(tmpdir(), "sentinel-placements-"));
    const passwords = join(folder, "roles.json");
    try {
      const environment = {
        DATABASE_URLS: JSON.stringify({ one: one.url, two: two!.url, three }),
        ROLE_PASSWORDS_FILE: passwords,
      };
      expect(runCli(["placements", "add", "four"], environment)).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/^unknown_placement/),
      });
      const { ROLE_PASSWORDS_FILE: _, ...without } = environment;
      expect(runCli(["placements", "add", "three"], without)).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/^no_role_passwords/),
      });
      expect(existsSync(passwords)).toBe(false);
      // Roles are the cluster's, and this one's have their passwords already.
      const { provisionerUrl, auditWriterUrl } = setup.placements["second"]!;
      const [provisioner, auditWriter] = [provisionerUrl, auditWriterUrl].map((url) => new URL(url).password) as [
        string,
        string,
      ];
      writeFileSync(passwords, JSON.stringify({ placements: { three: { provisioner, auditWriter } } }), {
        mode: 0o600,
      });
      const added = runCli(["placements", "add", "three", "--tenants-max", "7"], environment);
      expect(added).toMatchObject({ status: 0, stdout: expect.stringMatching(/✓ three is a placement; now name it/) });
      expect(added.stdout + added.stderr).not.toContain(provisioner);
      expect(runCli(["placements", "add", "three"], environment)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^placement_exists/),
      });
      for (const name of ["one", "two"]) runCli(["placements", "set", name, "--tenants-max", "0"], environment);
      expect(runCli(["placements", "list"], environment).stdout).toBe(
        "one    0 of 0 tenants  (closed)\nthree  0 of 7 tenants\ntwo    0 of 0 tenants  (closed)\n",
      );
      const inThree = (url: string) => url.replace(/\/[^/]+$/, `/${name}`);
      const address = { provisionerUrl, auditWriterUrl, tenantHost: setup.placements["second"]!.tenantHost };
      const placement = {
        name: "three",
        ...(Object.fromEntries(Object.entries(address).map(([key, url]) => [key, inThree(url)])) as typeof address),
      };
      const config = { ...world.config, placements: new Map([...world.config.placements, ["three", placement]]) };
      expect(await createTenant(config, scopeOf(newOrgId()), all)).toMatchObject({
        placement: "three",
        filled: { placement: "three", tenants: 1, tenantsMax: 7 },
      });
      // A Worker that was not told of it has no room for anybody.
      await expect(createTenant(world.config, scopeOf(newOrgId()), all)).rejects.toThrow("every placement is full");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
