import { beforeEach, describe, expect, it } from "vitest";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { migrateFromEnvironment } from "../../../scripts/migrate/main.ts";
import { MigrationFailed, migrate } from "../../../scripts/migrate/migrate.ts";
import { ensureRoles } from "../../../scripts/migrate/roles.ts";
import { connect, runAs, setup } from "../support.ts";

/** A database of the owner's beside the real one, so that migrations can start from nothing. */
let databaseUrl: string;
beforeEach(async () => {
  const name = `m_${crypto.randomUUID().replaceAll("-", "")}`;
  await runAs(setup.ownerUrls["first"]!, `CREATE DATABASE ${name}`);
  databaseUrl = setup.ownerUrls["first"]!.replace(/\/sentinel$/, `/${name}`);
});
const all = () => [
  ...readMigrations("placement").map((file) => `placement/${file.name}`),
  ...readMigrations("control").map((file) => `control/${file.name}`),
];

describe("migrating", () => {
  it("needs an owner that is no superuser, and applies each file once, in order", async () => {
    const [owner] = await runAs(
      databaseUrl,
      "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user",
    );
    expect(owner).toEqual({ rolsuper: false, rolcreaterole: true });
    expect(await migrate({ databaseUrl, sets: ["placement", "control"] })).toEqual(all());
    expect(await migrate({ databaseUrl, sets: ["placement", "control"] })).toEqual([]);
  });

  it("by several at once applies each file once, and all of them succeed", async () => {
    const applied = await Promise.all([1, 2, 3, 4].map(() => migrate({ databaseUrl, sets: ["placement", "control"] })));
    expect(applied.flat().sort()).toEqual(all().sort());
  });

  it("is not held up by advisory locks, which any role may take", async () => {
    const holder = await connect(databaseUrl);
    await holder.query("SELECT pg_advisory_lock(k) FROM generate_series(0, 100) k");
    await migrate({ databaseUrl, sets: ["placement"] });
    await holder.end();
  });

  it("refuses a file that was changed after it had been applied", async () => {
    await migrate({ databaseUrl, sets: ["placement"] });
    await runAs(databaseUrl, "UPDATE migrations.applied SET checksum = 'other' WHERE number = 1");
    await expect(migrate({ databaseUrl, sets: ["placement"] })).rejects.toThrow(
      /was changed after it had been applied/,
    );
  });

  it("keeps nothing of a file that fails, and says which one and where", async () => {
    await runAs(databaseUrl, "CREATE SCHEMA audit");
    const error = await migrate({ databaseUrl, sets: ["placement"] }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MigrationFailed);
    expect((error as Error).message).toMatch(/placement\/0001_foundation\.sql failed.*42P06/);
    expect(await runAs(databaseUrl, "SELECT * FROM migrations.applied")).toEqual([]);
    await runAs(databaseUrl, "DROP SCHEMA audit");
    expect(await migrate({ databaseUrl, sets: ["placement"] })).toHaveLength(readMigrations("placement").length);
  });

  it("closes the database to everybody who was not named", async () => {
    await migrate({ databaseUrl, sets: ["placement", "control"] });
    const rows = await runAs(
      databaseUrl,
      "SELECT privilege_type FROM pg_database, aclexplode(datacl) a WHERE datname = current_database() AND a.grantee = 0 UNION ALL SELECT privilege_type FROM pg_namespace, aclexplode(nspacl) a WHERE nspname IN ('public', 'control', 'audit', 'migrations') AND a.grantee = 0",
    );
    expect(rows).toEqual([]);
  });
});

describe("role passwords", () => {
  it("are set by every run, so that a changed secret takes effect", async () => {
    const { password } = new URL(setup.controlUrl);
    await ensureRoles(setup.ownerUrls["second"]!, { sentinel_control: "p".repeat(32) });
    const url = setup.ownerUrls["second"]!.replace(/\/\/[^@]+@/, `//sentinel_control:${"q".repeat(32)}@`);
    // No right to connect to this placement's database either way: 42501 comes after the password held.
    await expect(connect(url)).rejects.toMatchObject({ code: "28P01" });
    await ensureRoles(setup.ownerUrls["second"]!, { sentinel_control: "q".repeat(32) });
    await expect(connect(url)).rejects.toMatchObject({ code: "42501" });
    expect(password).not.toBe("q".repeat(32));
  });

  it("don't show in the error when they can't be set", async () => {
    const failed = ensureRoles(setup.controlUrl, { sentinel_provisioner: "do-not-show" });
    await expect(failed).rejects.toThrow(/SQLSTATE 42501/);
    await expect(failed).rejects.not.toThrow(/do-not-show/);
  });
});

describe("migrating a deployment", () => {
  it.each([
    ["without DATABASE_URLS", {}, /DATABASE_URLS is not set/],
    ["with DATABASE_URLS that are no JSON", { DATABASE_URLS: "postgres://x" }, /not JSON/],
    [
      "over a network without checking the certificate",
      { DATABASE_URLS: '{"in-1":"postgres://o:p@db.example/sentinel?sslmode=require"}' },
      /sslmode=verify-full/,
    ],
    ["with no placement", { DATABASE_URLS: "{}" }, /no placement/],
  ])("is refused %s", async (_what, environment, message) => {
    await expect(migrateFromEnvironment(environment)).rejects.toThrow(message);
  });
});
