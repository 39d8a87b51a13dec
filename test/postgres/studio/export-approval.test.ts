/** Two people decide on what leaves in bulk: the routes and the statement behind them, over real rows. */
import { beforeAll, describe, expect, it } from "vitest";
import { mayDecide } from "../../../core/exports/approval.ts";
import { roles } from "../../../core/tenancy/roles.ts";
import { asSuperuser } from "../support.ts";
import { type Account, createHarness, type Harness } from "./harness.ts";

let studio: Harness;
type Org = Awaited<ReturnType<Harness["newOrg"]>>;
beforeAll(async () => {
  studio = await createHarness();
});

const at = (org: Org, id: string, decision: string): string => `/api/v1/orgs/${org.slug}/exports/${id}/${decision}`;
/** An export that waits. */
async function waiting(org: Org, by: Account): Promise<string> {
  const body = { source: "inventory", format: "csv" };
  const sent = await studio.send("POST", `/api/v1/orgs/${org.slug}/exports`, { token: by.token, body });
  expect(sent.status, sent.text).toBe(202);
  await asSuperuser("UPDATE control.exports SET state = 'waiting_approval' WHERE id = $1", [sent.body.id]);
  return sent.body.id;
}
const stateOf = async (id: string) =>
  (await asSuperuser("SELECT state, failure, approved_by FROM control.exports WHERE id = $1", [id]))[0];

describe("an export that waits for a second administrator", () => {
  it("begins when another one agrees, once, and is on record as theirs", async () => {
    const org = await studio.newOrg();
    const admin = await studio.newMember(org, "admin");
    const id = await waiting(org, admin);
    const { token } = org.owner;
    expect((await studio.send("POST", at(org, id, "approve"), { token })).status).toBe(204);
    expect(await stateOf(id)).toMatchObject({ state: "queued", approved_by: org.owner.id });
    expect((await studio.send("POST", at(org, id, "approve"), { token })).status).toBe(409);
    expect((await studio.send("POST", at(org, id, "reject"), { token })).status).toBe(409);
  });

  it("ends when another one refuses it, and nobody can agree after that", async () => {
    const org = await studio.newOrg();
    const id = await waiting(org, await studio.newMember(org, "admin"));
    const { token } = org.owner;
    expect((await studio.send("POST", at(org, id, "reject"), { token })).status).toBe(204);
    expect(await stateOf(id)).toMatchObject({ state: "failed", failure: "rejected" });
    expect((await studio.send("POST", at(org, id, "approve"), { token })).status).toBe(409);
  });

  it("is decided by nobody who asked for it, of a lower role, or without the right to", async () => {
    const org = await studio.newOrg();
    const admin = await studio.newMember(org, "admin");
    const id = await waiting(org, org.owner);
    const others = await Promise.all(
      (["analyst", "viewer", "readonly"] as const).map((role) => studio.newMember(org, role)),
    );
    for (const { token } of [org.owner, admin, ...others])
      for (const decision of ["approve", "reject"])
        expect((await studio.send("POST", at(org, id, decision), { token })).status).toBe(403);
    expect(await stateOf(id)).toMatchObject({ state: "waiting_approval" });
  });

  it("is not there for another organisation", async () => {
    const [org, other] = [await studio.newOrg(), await studio.newOrg()];
    const id = await waiting(org, org.owner);
    const { token } = other.owner;
    for (const decision of ["approve", "reject"]) {
      expect((await studio.send("POST", at(other, id, decision), { token })).status).toBe(404);
      expect((await studio.send("POST", at(org, id, decision), { token })).status).toBe(404);
    }
  });

  it("mails the other administrators, and not whoever asked", async () => {
    const org = await studio.newOrg();
    const admin = await studio.newMember(org, "admin");
    await studio.newMember(org, "analyst");
    const settings = { token: org.owner.token, body: { approval_rows: 0 } };
    await studio.send("PUT", `/api/v1/orgs/${org.slug}/export-settings`, settings);
    const before = studio.mails.length;
    const body = { source: "inventory", format: "csv" };
    const sent = await studio.send("POST", `/api/v1/orgs/${org.slug}/exports`, { token: org.owner.token, body });
    await Promise.all(studio.deferred);
    const told = studio.mails.slice(before).map((mail) => JSON.stringify(mail));
    expect(sent.body.state).toBe("waiting_approval");
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(admin.email);
  });
});

it("takes an owner or an admin of no lower role, and never the same person", () => {
  const allowed = roles.flatMap((decider) =>
    roles.flatMap((asked) =>
      mayDecide({ user: "a", role: decider }, { user: "b", role: asked }) ? [`${decider} ${asked}`] : [],
    ),
  );
  const ofAdmins = ["admin", "analyst", "viewer", "readonly"].map((asked) => `admin ${asked}`);
  expect(allowed.sort()).toEqual([...roles.map((asked) => `owner ${asked}`), ...ofAdmins].sort());
  for (const role of roles) expect(mayDecide({ user: "a", role }, { user: "a", role })).toBe(false);
});
