import { describe, expect, it } from "vitest";
import { freshTenant, newOrgId, newUserId, runAs, setup, tenantMigrations } from "../support.ts";
import { runCli } from "./run-cli.ts";

const DATABASE_URLS = JSON.stringify(setup.ownerUrls);

describe("sentinel tenants", () => {
  it("shows slug, placement and schema version of each organisation, and what only one side knows", async () => {
    const tenant = await freshTenant();
    const [half, user] = [newOrgId(), newUserId()];
    await runAs(
      setup.ownerUrls["first"]!,
      `WITH person AS (
         INSERT INTO control.users (id, email, name, password_hash, created_at) VALUES ($1, $1 || '@people.test', 'x', 'x', now()))
       INSERT INTO control.organisations (id, slug, name, status, created_by, created_at)
       VALUES ($2, $3, 'x', 'active', $1, now()), ($4, $5, 'x', 'provisioning', $1, now())`,
      [user, tenant.org, `cli-${tenant.org.slice(-20)}`, half, `cli-${half.slice(-20)}`],
    );
    const bare = await freshTenant();
    const { status, stdout, stderr } = runCli(["tenants"], { DATABASE_URLS });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const version = String(tenantMigrations.length).padStart(4, "0");
    const lines = stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
    expect(lines).toContainEqual([tenant.org, `cli-${tenant.org.slice(-20)}`, tenant.placement, version]);
    expect(lines).toContainEqual([half, `cli-${half.slice(-20)}`, "(none)", "–", "not ready"]);
    expect(lines).toContainEqual([bare.org, "(no organisation)", bare.placement, version]);
  });

  it("says which stack it looked for", () => {
    const { status, stderr } = runCli(["tenants", "--state", "/nowhere"], { DATABASE_URLS });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^no_stack: can't read \/nowhere\/stack\.json/);
  });
});

describe("sentinel migrate", () => {
  it("changes nothing where nothing is missing, and says of each placement that it is migrated", () => {
    const { status, stdout, stderr } = runCli(["migrate"], { DATABASE_URLS });
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: "✓ first is migrated\n✓ second is migrated\n",
      stderr: "",
    });
  });

  it("fails by name without databases", () => {
    expect(runCli(["migrate"])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^migrate_failed: DATABASE_URLS/),
    });
  });

  it("does nothing at all for a flag that it does not know", () => {
    expect(runCli(["migrate", "--force"], { DATABASE_URLS })).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(/^unknown_flag: /),
    });
  });
});
