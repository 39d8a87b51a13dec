import { beforeAll, describe, expect, it } from "vitest";
import { newUserId } from "../support.ts";
import { createHarness, type Harness, operatorToken } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

type Org = Awaited<ReturnType<Harness["newOrg"]>>;
const erase = (org: Org, user: string, token = org.owner.token, headers: Record<string, string> = {}) =>
  studio.send("DELETE", `/api/v1/orgs/${org.slug}/audit/subjects/${user}`, { token, headers });
const remove = (org: Org, user: string) =>
  studio.send("DELETE", `/api/v1/orgs/${org.slug}/members/${user}`, { token: org.owner.token });
const erasures = (requestId: string) =>
  studio.audit.of(requestId).filter(({ event }) => event.type === "person_erased");

describe("erasing a former member from the audit log", () => {
  it("is done by an owner once they are gone, and the request itself names nobody", async () => {
    const org = await studio.newOrg();
    const gone = await studio.newMember(org, "viewer");
    await remove(org, gone.id);
    const erased = await erase(org, gone.id);
    expect(erased.status).toBe(204);
    expect(erasures(erased.requestId)).toMatchObject([{ log: org.id, event: { admin_id: org.owner.id } }]);
    const own = studio.audit.of(erased.requestId).filter(({ event }) => event.type !== "person_erased");
    expect(own.map(({ phase }) => phase)).toEqual(["intent", "outcome"]);
    expect(JSON.stringify(own)).not.toContain(gone.id);
  });

  it("is refused for whoever is a member, a disabled one too, and nothing is erased", async () => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "viewer");
    const path = `/api/v1/orgs/${org.slug}/members/${member.id}`;
    for (const disabled of [false, true]) {
      await studio.send("PATCH", path, { token: org.owner.token, body: { disabled } });
      const refused = await erase(org, member.id);
      expect([refused.status, refused.body.code]).toEqual([409, "conflict"]);
      expect(erasures(refused.requestId)).toEqual([]);
    }
    expect((await erase(org, org.owner.id)).status).toBe(409);
  });

  it("is an owner's alone", async () => {
    const org = await studio.newOrg();
    const gone = await studio.newMember(org, "viewer");
    await remove(org, gone.id);
    for (const role of ["admin", "analyst", "viewer", "readonly"] as const) {
      const { token } = await studio.newMember(org, role);
      const refused = await erase(org, gone.id, token);
      expect([role, refused.status]).toEqual([role, 403]);
      expect(erasures(refused.requestId)).toEqual([]);
    }
  });

  it("finds nobody who never was here, and reaches no other organisation's log", async () => {
    const [org, other] = [await studio.newOrg(), await studio.newOrg()];
    const theirs = await studio.newMember(other, "viewer");
    await remove(other, theirs.id);
    for (const [where, user, token] of [
      [org, newUserId(), org.owner.token],
      [org, theirs.id, org.owner.token],
      [other, theirs.id, org.owner.token],
    ] as const) {
      const answer = await erase(where, user, token);
      expect(answer.status).toBe(404);
      expect(erasures(answer.requestId)).toEqual([]);
    }
  });
});

describe("erasing a person from the platform's own logs", () => {
  const eraseUser = (user_id: string, token = operatorToken) =>
    studio.send("POST", "/api/v1/operator/users/erase", { token, body: { user_id } });

  it("is the operator's, for whoever can't sign in any more", async () => {
    const { owner } = await studio.newOrg();
    const refused = await eraseUser(owner.id);
    expect([refused.status, erasures(refused.requestId)]).toEqual([409, []]);
    await studio.send("POST", "/api/v1/operator/users/disable", { token: operatorToken, body: { email: owner.email } });
    const erased = await eraseUser(owner.id);
    expect(erased.status).toBe(204);
    expect(erasures(erased.requestId)).toMatchObject([{ log: null, event: { admin_id: null } }]);
    expect((await eraseUser(owner.id, owner.token)).status).not.toBe(204);
  });
});
