import { describe, expect, it } from "vitest";
import { defaultWafPolicy } from "../../../core/tenancy/waf-policy.ts";
import { newOrgId, newUserId, runAs, setup } from "../support.ts";
import { runCli } from "./run-cli.ts";

const DATABASE_URLS = JSON.stringify(setup.ownerUrls);
const control = setup.ownerUrls["first"] ?? "";

async function organisation(): Promise<{ id: string; slug: string; user: string }> {
  const [id, user] = [newOrgId(), newUserId()];
  const slug = `waf-${id.slice(-20)}`;
  await runAs(
    control,
    `WITH person AS (
       INSERT INTO control.users (id, email, name, password_hash, created_at) VALUES ($1, $1 || '@people.test', 'x', 'x', now()))
     INSERT INTO control.organisations (id, slug, name, status, created_by, created_at) VALUES ($2, $3, 'x', 'active', $1, now())`,
    [user, id, slug],
  );
  return { id, slug, user };
}

describe("sentinel waf export", () => {
  it("prints the rules of the organisation that is named, by slug or id, and none where none was made", async () => {
    const { id, slug, user } = await organisation();
    const none = runCli(["waf", "export", slug], { DATABASE_URLS });
    expect(none).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^# .*: 0 rules, .*\n$/) });
    const conditions = [{ field: "user_agent", operator: "contains", value: "curl" }];
    const rules = [{ name: "no curl", action: "block", match: "all", conditions }];
    await runAs(
      control,
      `INSERT INTO control.org_policies (org_id, name, document, updated_by, updated_at) VALUES ($1, 'waf', $2, $3, now())`,
      [id, JSON.stringify({ ...defaultWafPolicy, rules }), user],
    );
    const bySlug = runCli(["waf", "export", slug], { DATABASE_URLS });
    expect(bySlug.stdout).toContain(`# 1. no curl\n# action: block\n`);
    expect(bySlug.stdout).toMatch(/and \(\(http\.user_agent contains "curl"\)\)\n$/);
    expect(runCli(["waf", "export", id], { DATABASE_URLS }).stdout).toBe(bySlug.stdout);
  });

  it("says what it does not find, and takes no name that is none", () => {
    expect(runCli(["waf", "export", "nobody-here"], { DATABASE_URLS })).toMatchObject({
      status: 1,
      stdout: "",
      stderr: "no_such_organisation: nobody-here is not an organisation of this Sentinel\n",
    });
    expect(runCli(["waf", "export", "'; DROP"], { DATABASE_URLS })).toMatchObject({ status: 2, stdout: "" });
    expect(runCli(["waf", "export"], { DATABASE_URLS })).toMatchObject({ status: 2, stdout: "" });
  });
});
