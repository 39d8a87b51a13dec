import { beforeAll, describe, expect, it } from "vitest";
import { mailOwners } from "../../../workers/studio/lifecycle/mail-owners.ts";
import { tellUntold } from "../../../workers/studio/lifecycle/tell-standing.ts";
import { runAs, setup } from "../support.ts";
import { createHarness, type Harness, operatorToken } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

type Org = Awaited<ReturnType<Harness["newOrg"]>>;
const operate = (org: { id: string }, verb: string, at = studio) =>
  at.send("POST", `/api/v1/operator/orgs/${org.id}/${verb}`, { token: operatorToken });
const see = (org: { id: string }, token: string, at = studio) => at.send("GET", `/api/v1/orgs/${org.id}`, { token });
const stored = (at: Harness, org: { id: string }) => JSON.parse(at.kv.get(`org:${org.id}`) ?? "null");
const toldHub = (at: Harness, org: { id: string }) =>
  at.standIns.calls
    .filter(({ method, args }) => method === "setStanding" && args[0] === org.id)
    .map(({ args }) => args[1]);

describe("suspending an organisation", () => {
  it("refuses every member by name from the next request on, whatever they ask for, and strangers as before", async () => {
    const org = await studio.newOrg();
    const viewer = await studio.newMember(org, "viewer");
    const stranger = await studio.newAccount();
    const key = await studio.send("POST", `/api/v1/orgs/${org.id}/api-keys`, {
      token: org.owner.token,
      body: {
        name: "a program",
        role: "readonly",
        expires_at: new Date(studio.clock.nowMs + 86_400_000).toISOString(),
      },
    });
    expect(key.status).toBe(201);
    expect((await operate(org, "suspend")).body).toMatchObject({ id: org.id, state: "suspended", delete_after: null });

    for (const { token } of [org.owner, viewer]) {
      const requests: [string, string, unknown?][] = [
        ["GET", ""],
        ["GET", "/devices"],
        ["GET", "/audit"],
        ["POST", "/groups", { name: "x" }],
        ["DELETE", "", { slug: org.slug }],
        ["POST", "/restore"],
      ];
      for (const [method, path, body] of requests) {
        const answer = await studio.send(method, `/api/v1/orgs/${org.slug}${path}`, {
          token,
          ...(body === undefined ? {} : { body }),
        });
        expect([answer.status, answer.body.code], `${method} ${path}`).toEqual([403, "org_suspended"]);
      }
    }
    expect((await see(org, stranger.token)).status).toBe(404);
    const listed = await studio.send("GET", "/api/v1/me", { token: viewer.token });
    expect(listed.body.orgs).toMatchObject([{ id: org.id, state: "suspended" }]);
  });

  it("closes its sockets by the hub, then tells the edge, and is on record in both logs", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const done = await operate(org, "suspend", own);
    expect(toldHub(own, org)).toEqual([{ state: "suspended", plan: "free", version: 2 }]);
    expect(stored(own, org)).toMatchObject({ status: "suspended" });
    const events = own.audit.of(done.requestId).filter(({ event }) => event.type === "org_change");
    const event = { type: "org_change", user_id: null, org_id: org.id, action: "suspended", detail: null };
    expect(events).toEqual([
      expect.objectContaining({ log: org.id, event }),
      expect.objectContaining({ log: null, event }),
    ]);
    // Again: nothing changed, so nothing is told or on record a second time.
    const again = await operate(org, "suspend", own);
    expect([again.status, toldHub(own, org).length]).toEqual([200, 1]);
    expect(own.audit.of(again.requestId).filter(({ event: { type } }) => type === "org_change")).toEqual([]);
  });

  it("loses nothing: resumed, the same sessions, keys and roles open it again", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const viewer = await own.newMember(org, "viewer");
    const before = await see(org, viewer.token, own);
    await operate(org, "suspend", own);
    await operate(org, "resume", own);
    const after = await see(org, viewer.token, own);
    expect([after.status, after.body]).toEqual([200, before.body]);
    expect(stored(own, org)).toMatchObject({ status: "active" });
    expect(toldHub(own, org)).toEqual([
      { state: "suspended", plan: "free", version: 2 },
      { state: "active", plan: "free", version: 3 },
    ]);
  });

  it("holds in the API when the hub is away, and is finished by asking again or by the clock", async () => {
    const own = await createHarness();
    const [first, second] = [await own.newOrg(), await own.newOrg()];
    own.standIns.broken.add("setStanding");
    for (const org of [first, second]) expect((await operate(org, "suspend", own)).status).toBe(503);
    expect((await see(first, first.owner.token, own)).body.code).toBe("org_suspended");
    own.standIns.broken.clear();
    expect((await operate(first, "suspend", own)).status).toBe(200);
    expect([toldHub(own, first).length, toldHub(own, second).length]).toEqual([1, 0]);
    await tellUntold(own.studio.services, own.studio.services.makeId("request"));
    expect(toldHub(own, second)).toEqual([{ state: "suspended", plan: "free", version: 2 }]);
    expect(stored(own, second)).toMatchObject({ status: "suspended" });
  });

  it("keeps the session that a person has elsewhere, and every other organisation, as they were", async () => {
    const owner = await studio.newAccount();
    const [shut, open] = [await studio.newOrg(owner), await studio.newOrg(owner)];
    await operate(shut, "suspend");
    expect((await see(open, owner.token)).status).toBe(200);
    expect((await studio.send("GET", "/api/v1/me", { token: owner.token })).status).toBe(200);
  });

  it("is the operator's alone, and of what there is", async () => {
    const org = await studio.newOrg();
    for (const verb of ["suspend", "resume", "delete", "restore"]) {
      const path = `/api/v1/operator/orgs/${org.id}/${verb}`;
      expect((await studio.send("POST", path, { token: org.owner.token })).status).toBe(404);
      expect((await studio.send("POST", path)).status).toBe(404);
      expect((await operate({ id: "org_01h455vb4pex5vsknk084sn02q" }, verb)).status).toBe(404);
      expect((await operate({ id: "no%20slug" }, verb)).status).toBe(404);
    }
    expect((await see(org, org.owner.token)).body.state).toBe("active");
  });
});

describe("deleting an organisation", () => {
  const remove = (org: Org, at: Harness, token = org.owner.token, slug = org.slug) =>
    at.send("DELETE", `/api/v1/orgs/${org.id}`, { token, body: { slug } });
  const restore = (org: Org, at: Harness, token = org.owner.token) =>
    at.send("POST", `/api/v1/orgs/${org.id}/restore`, { token });

  it("shuts it at once, for thirty days, and every owner is told by mail", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const second = await own.newMember(org, "owner");
    const viewer = await own.newMember(org, "viewer");
    own.mails.length = 0;
    const answer = await remove(org, own);
    await Promise.all(own.deferred);
    expect([answer.status, answer.body.state]).toEqual([202, "deleting"]);
    const days = (Date.parse(answer.body.delete_after) - Date.now()) / 86_400_000;
    expect(days).toSatisfy((value: number) => value > 29.99 && value <= 30);
    expect(own.mails.map(({ to }) => to).toSorted()).toEqual([org.owner.email, second.email].toSorted());
    expect(own.mails[0]?.text).toContain(answer.body.delete_after);
    expect(stored(own, org)).toMatchObject({ status: "deleting" });
    expect(toldHub(own, org)).toEqual([{ state: "deleting", plan: "free", version: 2 }]);

    const refused = await own.send("GET", `/api/v1/orgs/${org.id}/devices`, { token: viewer.token });
    expect([refused.status, refused.body.code, refused.body.delete_after]).toEqual([
      403,
      "org_deleting",
      answer.body.delete_after,
    ]);
    expect((await see(org, viewer.token, own)).body.code).toBe("org_deleting");
    expect((await own.send("GET", `/api/v1/orgs/${org.id}/devices`, { token: second.token })).status).toBe(403);
    expect((await see(org, second.token, own)).body).toMatchObject({
      state: "deleting",
      delete_after: answer.body.delete_after,
    });
  });

  it("is an owner's alone, with the slug typed and a fresh proof of the person", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const admin = await own.newMember(org, "admin");
    expect((await remove(org, own, admin.token)).body.code).toBe("forbidden");
    expect((await remove(org, own, org.owner.token, `${org.slug}x`)).body.code).toBe("invalid_request");
    own.clock.nowMs += 11 * 60_000;
    expect((await remove(org, own)).body.code).toBe("step_up_required");
    expect((await see(org, org.owner.token, own)).body.state).toBe("active");
  });

  it("is taken back by any owner while the grace runs, and by nobody else", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const second = await own.newMember(org, "owner");
    const admin = await own.newMember(org, "admin");
    await remove(org, own);
    expect((await restore(org, own, admin.token)).body.code).toBe("org_deleting");
    const done = await restore(org, own, second.token);
    expect([done.status, done.body]).toEqual([200, { id: org.id, state: "active", delete_after: null }]);
    expect((await own.send("GET", `/api/v1/orgs/${org.id}/devices`, { token: admin.token })).status).toBe(200);
    expect(stored(own, org)).toMatchObject({ status: "active" });
    const actions = own.audit.events.flatMap(({ event, log }) =>
      event.type === "org_change" && log === org.id ? [event.action] : [],
    );
    expect(actions.slice(-2)).toEqual(["deletion_requested", "deletion_undone"]);
    // Deleted anew, the thirty days begin anew.
    expect((await remove(org, own)).status).toBe(202);
  });

  it("is not taken back by an owner where the operator has suspended it, and ends as it began", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    await remove(org, own);
    expect((await operate(org, "suspend", own)).body).toMatchObject({
      state: "deleting",
      suspended_at: expect.any(String),
    });
    expect((await restore(org, own)).body.code).toBe("org_suspended");
    expect((await operate(org, "restore", own)).body).toMatchObject({ state: "suspended", delete_after: null });
    expect((await operate(org, "resume", own)).body).toMatchObject({ state: "active", suspended_at: null });
    expect((await see(org, org.owner.token, own)).status).toBe(200);
  });

  it("can't be taken back once the erasing has begun, by the operator neither", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    await remove(org, own);
    await runAs(
      setup.ownerUrls["first"]!,
      "UPDATE control.org_deletions SET delete_after = now(), started_at = now() WHERE org_id = $1",
      [org.id],
    );
    expect((await restore(org, own)).body.code).toBe("conflict");
    expect((await operate(org, "restore", own)).body.code).toBe("conflict");
  });

  it("has a grace that studio's own role can't shorten", async () => {
    const org = await studio.newOrg();
    await remove(org, studio);
    for (const attempt of [
      "UPDATE control.org_deletions SET delete_after = now() WHERE org_id = $1",
      "UPDATE control.org_deletions SET started_at = now() WHERE org_id = $1",
      "UPDATE control.org_deletions SET tenant_dropped_at = now() WHERE org_id = $1",
      "INSERT INTO control.org_deletions (org_id, delete_after) VALUES ($1, now())",
      "DELETE FROM control.organisations WHERE id = $1",
      "DELETE FROM control.users WHERE id IN (SELECT user_id FROM control.memberships WHERE org_id = $1)",
    ]) {
      await expect(runAs(setup.controlUrl, attempt, [org.id]), attempt).rejects.toThrow("permission denied");
    }
    for (const name of ["begin_erasure", "erase_organisation", "abandon_creation"])
      expect(await runAs(setup.controlUrl, `SELECT control.${name}($1) AS done`, [org.id])).toEqual([{ done: false }]);
    expect((await see(org, org.owner.token)).body.state).toBe("deleting");
  });

  it("is mailed by the clock when the mail was away", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    own.mails.length = 0;
    await remove(org, own);
    await Promise.all(own.deferred);
    await runAs(setup.controlUrl, "UPDATE control.org_deletions SET mailed_at = NULL WHERE org_id = $1", [org.id]);
    await mailOwners(own.studio.services, null);
    expect(own.mails.filter(({ to }) => to === org.owner.email)).toHaveLength(2);
    await mailOwners(own.studio.services, null);
    expect(own.mails.filter(({ to }) => to === org.owner.email)).toHaveLength(2);
  });
});
