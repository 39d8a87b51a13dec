import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { makeId, type OrgId, type UserId } from "../../../core/ids.ts";
import { changeMember, deleteDisabledMember, type MemberChange } from "../../../store/control/change-member.ts";
import { exchangeSession } from "../../../workers/studio/auth/exchange-session.ts";
import { scopeOf } from "../../support/scopes.ts";
import { asSuperuser, controlDatabase, newOrgId, newUserId } from "../support.ts";
import { type Account, createHarness, type Harness } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

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

describe("owners who leave by themselves", () => {
  it.each(ways)("at the same moment, by %s, leave one behind", async (_name, way) => {
    const org = await studio.newOrg();
    const owners = [org.owner, await studio.newMember(org, "owner"), await studio.newMember(org, "owner")];
    const answers = await Promise.all(owners.map((owner) => way(org, owner, owner)));
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(2);
    expect(answers.find(({ status }) => status >= 300)?.body.code).toBe("last_owner");
    expect(await actingOwners(org.id)).toBe(1);
  });

  it.each(ways)("by %s, while another owner disables the third, leave one behind", async (_name, way) => {
    const org = await studio.newOrg();
    const [second, third] = [await studio.newMember(org, "owner"), await studio.newMember(org, "owner")];
    await Promise.all([
      way(org, org.owner, org.owner),
      way(org, second, second),
      patch(org, second, third, { disabled: true }),
    ]);
    expect(await actingOwners(org.id)).toBeGreaterThan(0);
  });
});

describe("what is no change of a member", () => {
  /** An invitation of somebody who is a member by the time they open it: their address has become the invited one. */
  async function invitedMember(org: { id: string; owner: Account }, member: Account, role: string) {
    const email = studio.newEmail();
    const invited = { token: org.owner.token, body: { email, role } };
    expect((await studio.send("POST", `/api/v1/orgs/${org.id}/invitations`, invited)).status).toBe(201);
    await asSuperuser("UPDATE control.users SET email = $2 WHERE id = $1", [member.id, email]);
    return { email, token: member.token, body: { token: studio.mailedToken(email) } };
  }
  /** What the edge makes of an API key. */
  async function tokenOf(key: string, org: string): Promise<string> {
    const traded = await exchangeSession(studio.studio.services, key, org, "req_01h455vb4pex5vsknk084sn02q");
    return traded.kind === "ok" ? traded.accessToken : "";
  }
  const standing = (org: string, user: string) =>
    asSuperuser(
      "SELECT role, disabled_at IS NOT NULL AS disabled FROM control.memberships WHERE org_id = $1 AND user_id = $2",
      [org, user],
    );

  it("an owner who accepts an invitation with a lesser role stays an owner", async () => {
    const org = await studio.newOrg();
    const accept = await invitedMember(org, org.owner, "viewer");
    expect((await studio.send("POST", "/api/v1/invitations/accept", accept)).status).toBeGreaterThanOrEqual(400);
    expect(await standing(org.id, org.owner.id)).toEqual([{ role: "owner", disabled: false }]);
  });

  it("a member who accepts an invitation as owner becomes none, and one who is disabled is not let in by it", async () => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "viewer");
    const accept = await invitedMember(org, member, "owner");
    expect((await studio.send("POST", "/api/v1/invitations/accept", accept)).status).toBeGreaterThanOrEqual(400);
    expect((await patch(org, org.owner, member, { disabled: true })).status).toBe(200);
    const { body, email } = await invitedMember(org, member, "admin");
    const { token } = await studio.signIn(email);
    const again = await studio.send("POST", "/api/v1/invitations/accept", { token, body });
    expect(again.status).toBeGreaterThanOrEqual(400);
    expect(await standing(org.id, member.id)).toEqual([{ role: "viewer", disabled: true }]);
  });

  it("an admin's API key changes no owner, by any of the ways, nor anybody else", async () => {
    const org = await studio.newOrg();
    const [second, viewer] = [await studio.newMember(org, "owner"), await studio.newMember(org, "viewer")];
    const expires_at = new Date(studio.clock.nowMs + 3600_000).toISOString();
    const wanted = { token: org.owner.token, body: { name: "k", role: "admin", expires_at } };
    const made = await studio.send("POST", `/api/v1/orgs/${org.id}/api-keys`, wanted);
    expect(made.status).toBe(201);
    const program = { ...org.owner, token: await tokenOf(made.body.key, org.id) };
    for (const [, way] of ways)
      for (const whom of [org.owner, second, viewer]) {
        const answer = await way(org, program, whom);
        expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
      }
    expect(await actingOwners(org.id)).toBe(2);
  });

  it("a key's service user is made an owner by nobody, nor counted as one", async () => {
    const org = await studio.newOrg();
    const expires_at = new Date(studio.clock.nowMs + 3600_000).toISOString();
    const wanted = { token: org.owner.token, body: { name: "k", role: "admin", expires_at } };
    const { body: key } = await studio.send("POST", `/api/v1/orgs/${org.id}/api-keys`, wanted);
    const service = { ...org.owner, id: key.user_id as string };
    expect((await patch(org, org.owner, service, { role: "owner" })).status).toBe(404);
    expect(await standing(org.id, service.id)).toEqual([{ role: "admin", disabled: false }]);
    expect((await patch(org, org.owner, org.owner, { role: "viewer" })).body.code).toBe("last_owner");
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
              const target = { user: person(whom), actor: person(by) };
              const state = gone ? { role: null, disabled: true } : wanted;
              const outcome = await changeMember(controlDatabase, write(), scopeOf(org), target, state);
              if (gone && outcome.kind === "changed")
                await deleteDisabledMember(controlDatabase, write(), scopeOf(org), target.user);
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
