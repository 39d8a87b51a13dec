/** Crowds at the same moment against what a plan allows, on the real databases. */
import { beforeAll, describe, expect, it } from "vitest";
import { planLimits } from "../../../core/tenancy/plan.ts";
import { operatorToken } from "../../postgres/studio/harness.ts";
import { asSuperuser } from "../../postgres/support.ts";
import { createWhole, type Organisation, type Whole } from "./whole-kit.ts";

let whole: Whole;
let org: Organisation;
beforeAll(async () => {
  whole = await createWhole();
  org = await whole.organisation();
});

const usage = async () => (await whole.send("GET", `/api/v1/orgs/${org.id}/usage`, { token: org.owner.token })).body;
const setPlan = (plan: string) =>
  whole.send("POST", `/api/v1/operator/orgs/${org.id}/plan`, { token: operatorToken, body: { plan } });

async function newCode(): Promise<string> {
  const body = { name: "crowd", max_uses: 1000, expires_in_seconds: 600 };
  const made = await whole.send("POST", `/api/v1/orgs/${org.id}/enrollment-codes`, { token: org.owner.token, body });
  expect(made.status).toBe(201);
  const id = made.body.id as string;
  // The code's own rate is not what is tested here.
  await asSuperuser(
    `UPDATE ${org.tenant.name}.enrollment_codes SET rollout_until = now() + interval '1 hour', rollout_per_minute = 600 WHERE id = $1`,
    [id],
    org.tenant.placement,
  );
  return made.body.code as string;
}

const enrol = (code: string) =>
  whole.send("POST", "/api/v1/enroll", { body: { code, name: "one of a crowd", platform: "linux" } });

describe("devices", () => {
  it("are as many as the plan allows, of fifty that enrol at the same moment with different codes, and the rest are told so", async () => {
    const limit = planLimits.free.devices;
    const codes = [await newCode(), await newCode()];
    const before = (await usage()).devices.used;
    // All but five places are taken beforehand, by the database's own hand.
    await asSuperuser(
      `INSERT INTO ${org.tenant.name}.devices (id, name, platform, token_sha256, enrollment_code_id)
       SELECT 'dev_' || lpad(n::text, 26, '0'), 'seeded', 'linux', encode(sha256(n::text::bytea), 'hex'),
         (SELECT min(id) FROM ${org.tenant.name}.enrollment_codes)
       FROM generate_series(1, $1::int) n`,
      [limit - 5 - before],
      org.tenant.placement,
    );
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => enrol(codes[index % 2] as string)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    for (const { status, body } of answers.filter((answer) => answer.status !== 201))
      expect([status, body.code, body.quota, body.limit]).toEqual([403, "quota_exceeded", "devices", limit]);
    expect((await usage()).devices).toEqual({ used: limit, limit });
  });

  it("say nothing of a plan to who has no code", async () => {
    const none = await enrol(`${org.slug}-AAAAA-AAAAA-AAAAA-AAAAA`);
    expect(none.body.code).toBe("invalid_enrollment_code");
  });

  it("are more again on another plan, which is on record", async () => {
    const code = await newCode();
    const done = await setPlan("school");
    expect(done.status).toBe(200);
    expect((await enrol(code)).status).toBe(201);
    expect(await usage()).toMatchObject({ plan: "school", devices: { limit: planLimits.school.devices } });
    expect(whole.audit.of(done.requestId).map(({ event }) => event)).toContainEqual({
      type: "org_change",
      user_id: null,
      org_id: org.id,
      action: "plan_changed",
      detail: "school",
    });
    expect((await setPlan("unlimited")).status).toBe(422);
    await setPlan("free");
    expect((await enrol(code)).body.code).toBe("quota_exceeded");
  });
});

describe("members", () => {
  it("are as many as the plan allows, of a crowd that accepts at the same moment", async () => {
    const own = await whole.newOrg();
    const limit = planLimits.free.members;
    await asSuperuser(
      `WITH seeded AS (
         INSERT INTO control.users (id, email, name, created_at)
         SELECT 'usr_' || lpad(n::text, 10, '0') || right($1, 16), n || $1 || '@people.test', 'seeded', now()
         FROM generate_series(1, $2::int) n RETURNING id)
       INSERT INTO control.memberships (org_id, user_id, role, created_at) SELECT $1, id, 'viewer', now() FROM seeded`,
      [own.id, limit - 1 - 2],
    );
    const people = await Promise.all([1, 2, 3, 4, 5, 6].map(() => whole.newAccount()));
    for (const { email } of people) {
      const body = { email, role: "viewer" };
      await whole.send("POST", `/api/v1/orgs/${own.id}/invitations`, { token: own.owner.token, body });
    }
    const answers = await Promise.all(
      people.map(({ email, token }) =>
        whole.send("POST", "/api/v1/invitations/accept", { token, body: { token: whole.mailedToken(email) } }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 403, 403, 403, 403]);
    for (const { body } of answers.filter(({ status }) => status === 403))
      expect([body.code, body.quota, body.limit]).toEqual(["quota_exceeded", "members", limit]);
  });
});

describe("usage", () => {
  it("is for who runs the organisation, and names every quota", async () => {
    expect(await usage()).toEqual({
      plan: "free",
      devices: { used: expect.any(Number), limit: 50 },
      members: { used: 2, limit: 25 },
      storage_bytes: { used: expect.toSatisfy((bytes: number) => bytes > 100_000), limit: 2 * 1024 ** 3 },
      llm_micros_a_month: { used: expect.any(Number), limit: 10_000_000 },
      messages_a_day: { used: 7, limit: 500_000, resets_at: expect.stringMatching(/T00:00:00\.000Z$/) },
    });
    const denied = await whole.send("GET", `/api/v1/orgs/${org.id}/usage`, { token: org.viewer.token });
    expect(denied.body.code).toBe("forbidden");
  });
});
