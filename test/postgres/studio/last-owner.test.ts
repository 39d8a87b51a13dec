import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { makeId, type OrgId, type UserId } from "../../../core/ids.ts";
import { changeMember, deleteDisabledMember, type MemberChange } from "../../../store/control/change-member.ts";
import { controlDatabase, newOrgId, newUserId, runAs, setup } from "../support.ts";
import { type Account, createHarness, type Harness } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const asSuperuser = (text: string, values: unknown[] = []) =>
  runAs(Object.values(setup.superuserUrls)[0] ?? "", text, values);
const actingOwners = async (org: string): Promise<number> => {
  const [row] = await asSuperuser(
    `SELECT count(*)::int AS n FROM control.memberships m JOIN control.users u ON u.id = m.user_id
     WHERE m.org_id = $1 AND m.role = 'owner' AND m.disabled_at IS NULL AND u.disabled_at IS NULL`,
    [org],
  );
  return Number(row?.["n"]);
};

/** Every way in which somebody can stop being an owner. */
const ways: [
  string,
  (org: { id: string }, by: Account, whom: Account) => Promise<{ status: number; body: { code?: string } }>,
][] = [
  ["demoting", (org, by, whom) => patch(org, by, whom, { role: "viewer" })],
  ["disabling", (org, by, whom) => patch(org, by, whom, { disabled: true })],
  ["demoting and disabling", (org, by, whom) => patch(org, by, whom, { role: "admin", disabled: true })],
  [
    "removing",
    (org, by, whom) => studio.send("DELETE", `/api/v1/orgs/${org.id}/members/${whom.id}`, { token: by.token }),
  ],
];
const patch = (org: { id: string }, by: Account, whom: Account, body: object) =>
  studio.send("PATCH", `/api/v1/orgs/${org.id}/members/${whom.id}`, { token: by.token, body });

describe("the last owner", () => {
  it.each(ways)("can't leave by %s themselves", async (_name, way) => {
    const org = await studio.newOrg();
    await studio.newMember(org, "admin");
    expect((await way(org, org.owner, org.owner)).body.code).toBe("last_owner");
    expect(await actingOwners(org.id)).toBe(1);
  });

  it.each(ways)("is last also beside an owner who is disabled: %s is refused", async (_name, way) => {
    const org = await studio.newOrg();
    const second = await studio.newMember(org, "owner");
    expect((await patch(org, org.owner, second, { disabled: true })).status).toBe(200);
    expect((await way(org, org.owner, org.owner)).body.code).toBe("last_owner");
    expect((await patch(org, org.owner, second, { disabled: false })).status).toBe(200);
    expect((await way(org, org.owner, org.owner)).status).toBeLessThan(300);
    expect(await actingOwners(org.id)).toBe(1);
  });

  it.each(ways)("is last also beside an owner whom the platform has disabled: %s is refused", async (_name, way) => {
    const org = await studio.newOrg();
    const second = await studio.newMember(org, "owner");
    await asSuperuser("UPDATE control.users SET disabled_at = now() WHERE id = $1", [second.id]);
    expect((await way(org, org.owner, org.owner)).body.code).toBe("last_owner");
  });

  it("is not hidden behind an API key, which can be no owner", async () => {
    const org = await studio.newOrg();
    const body = { name: "k", role: "owner", expires_at: new Date(studio.clock.nowMs + 60_000).toISOString() };
    const made = await studio.send("POST", `/api/v1/orgs/${org.id}/api-keys`, { token: org.owner.token, body });
    expect(made.status).toBe(422);
  });

  const pairs = ways.flatMap((first, index) =>
    ways.slice(index).map((second) => [first[0], second[0], first[1], second[1]] as const),
  );
  it.each(pairs)("stays when two owners are %s and %s each other at the same moment", async (_a, _b, first, second) => {
    for (let round = 0; round < 3; round += 1) {
      const org = await studio.newOrg();
      const other = await studio.newMember(org, "owner");
      const answers = await Promise.all([first(org, org.owner, other), second(org, other, org.owner)]);
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
      expect(await actingOwners(org.id)).toBe(1);
    }
  });
});

/** An organisation of owners alone, put into the tables: what is tried below is the statements. */
async function orgOf(owners: number): Promise<{ org: OrgId; people: UserId[] }> {
  const org = newOrgId();
  const people = Array.from({ length: owners }, () => newUserId());
  const slug = `owners-${org.slice(-20)}`;
  await asSuperuser(
    `WITH people AS (
       INSERT INTO control.users (id, email, name, password_hash, created_at)
       SELECT id, id || '@school.test', 'Owner', 'x', now() FROM unnest($2::text[]) AS id RETURNING id),
     org AS (
       INSERT INTO control.organisations (id, slug, name, status, created_by, created_at)
       VALUES ($1, $3, 'Owners', 'active', $4, now()) RETURNING id)
     INSERT INTO control.memberships (org_id, user_id, role, created_at)
     SELECT org.id, people.id, 'owner', now() FROM org, people`,
    [org, people, slug, people[0]],
  );
  return { org, people };
}

describe("any changes of owners by owners, all at the same moment", () => {
  it("leave an owner who can act as one, and refuse one change only for that reason or for a lost right", async () => {
    const change = fc.record({
      by: fc.nat(),
      whom: fc.nat(),
      role: fc.constantFrom(null, "viewer" as const, "admin" as const, "owner" as const),
      disabled: fc.constantFrom(null, true, false),
      gone: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }),
        fc.array(change, { minLength: 2, maxLength: 12 }),
        async (owners, changes) => {
          const { org, people } = await orgOf(owners);
          const person = (index: number): UserId => people[index % people.length] as UserId;
          const write = () => ({
            requestId: makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10))),
            nowMs: Date.now(),
          });
          const outcomes: MemberChange[] = await Promise.all(
            changes.map(async ({ by, whom, gone, ...wanted }) => {
              const target = { org, user: person(whom), actor: person(by) };
              const state = gone ? { role: null, disabled: true } : wanted;
              const outcome = await changeMember(controlDatabase, write(), target, state);
              if (gone && outcome.kind === "changed") await deleteDisabledMember(controlDatabase, write(), target);
              return outcome;
            }),
          );
          expect(await actingOwners(org)).toBeGreaterThan(0);
          expect(outcomes.some(({ kind }) => kind === "changed")).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
