import { beforeAll, describe, expect, it } from "vitest";
import type { OrgPolicy } from "../../../core/tenancy/policy.ts";
import { runAs, setup } from "../support.ts";
import { createHarness, type Harness, type Sent } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const without = ({ status, body: { request_id: _, ...rest } }: Sent) => ({ status, rest });

describe("organisations", () => {
  it("are provisioned, told to the hub and published to the edge before they answer", async () => {
    const { id, slug, owner } = await studio.newOrg();
    const told = studio.standIns.calls.filter(({ args }) => args[0] === id).map(({ method, by }) => [method, by]);
    expect(told).toEqual([
      ["createTenant", "provision"],
      ["putMember", "owner"],
    ]);
    expect(studio.kv.get(`slug:${slug}`)).toBe(id);
    const policy = JSON.parse(studio.kv.get(`org:${id}`) ?? "") as OrgPolicy;
    expect(policy).toMatchObject({ org: id, slug, status: "active", geo: { revert: null }, tlsDeviceMin: "TLSv1.3" });
    expect(Object.values(policy.geo.surfaces).map(({ countries }) => countries)).toEqual([["IN"], ["IN"], ["IN"]]);
    const seen = await studio.send("GET", `/api/v1/orgs/${slug}`, { token: owner.token });
    expect(seen.body).toMatchObject({ id, slug, role: "owner" });
  });

  it("are renamed by owners and admins: the slug and all that hangs on it stay, and the log says who did it", async () => {
    const { id, slug, owner } = await studio.newOrg();
    const target = `/api/v1/orgs/${slug}`;
    const renamed = await studio.send("PATCH", target, { token: owner.token, body: { name: "St. Mary’s" } });
    expect(renamed).toMatchObject({
      status: 200,
      body: { id, slug, name: "St. Mary’s", role: "owner", state: "active" },
    });
    expect((await studio.send("GET", target, { token: owner.token })).body.name).toBe("St. Mary’s");
    const again = await studio.send("PATCH", target, { token: owner.token, body: { name: "St. Mary’s" } });
    expect(again.status).toBe(200);
    const changes = (sent: Sent) => studio.audit.of(sent.requestId).map(({ event }) => event);
    const recorded = { type: "org_change", user_id: owner.id, org_id: id, action: "renamed", detail: null };
    expect(changes(renamed)).toContainEqual(recorded);
    // Nothing changed, so nothing is said.
    expect(changes(again)).not.toContainEqual(recorded);
  });

  it.each([
    {},
    { name: "" },
    { name: " Spaced" },
    { name: "a\u0000b" },
    { name: "n".repeat(201) },
    { name: "x", slug: "other" },
  ])("are not renamed by %j", async (body) => {
    const { slug, owner } = await studio.newOrg();
    const answer = await studio.send("PATCH", `/api/v1/orgs/${slug}`, { token: owner.token, body });
    expect(answer).toMatchObject({ status: 422, body: { code: "invalid_request" } });
    expect((await studio.send("GET", `/api/v1/orgs/${slug}`, { token: owner.token })).body).toMatchObject({ slug });
  });

  it("are finished by a second try of the same person when the first was cut off", async () => {
    const own = await createHarness();
    const owner = await own.newAccount();
    const slug = `cut-off-${Math.random().toString(36).slice(2, 10)}`;
    const create = { token: owner.token, body: { name: "Cut off", slug } };
    own.standIns.broken.add("createTenant");
    expect((await own.send("POST", "/api/v1/orgs", create)).status).toBe(503);
    expect((await own.send("GET", `/api/v1/orgs/${slug}`, { token: owner.token })).status).toBe(404);
    const stranger = await own.newAccount();
    const theirs = await own.send("POST", "/api/v1/orgs", { ...create, token: stranger.token });
    expect(theirs.body.code).toBe("slug_taken");
    own.standIns.broken.clear();
    expect((await own.send("POST", "/api/v1/orgs", create)).status).toBe(201);
    expect((await own.send("GET", `/api/v1/orgs/${slug}`, { token: owner.token })).status).toBe(200);
    expect((await own.send("POST", "/api/v1/orgs", create)).body.code).toBe("slug_taken");
  });

  it("are refused by name while no placement has room, and made by asking again when one has", async () => {
    const own = await createHarness();
    const owner = await own.newAccount();
    const slug = `no-room-${Math.random().toString(36).slice(2, 10)}`;
    const create = { token: owner.token, body: { name: "No room", slug } };
    own.standIns.broken.add("every placement is full");
    expect(await own.send("POST", "/api/v1/orgs", create)).toMatchObject({
      status: 503,
      body: { code: "no_capacity" },
    });
    expect((await own.send("GET", `/api/v1/orgs/${slug}`, { token: owner.token })).status).toBe(404);
    own.standIns.broken.clear();
    expect((await own.send("POST", "/api/v1/orgs", create)).status).toBe(201);
  });

  it("of another are the same 404 as ones that don't exist, on every route that addresses one", async () => {
    const org = await studio.newOrg();
    const stranger = await studio.newAccount();
    const targets: [string, string, unknown?][] = [
      ["GET", ""],
      ["GET", "/members"],
      ["GET", "/devices"],
      ["GET", "/audit"],
      ["GET", "/policies/geo"],
      ["DELETE", `/members/${org.owner.id}`],
      ["POST", "/groups", { name: "x" }],
    ];
    for (const [method, path, body] of targets) {
      const options = { token: stranger.token, ...(body === undefined ? {} : { body }) };
      const theirs = await studio.send(method, `/api/v1/orgs/${org.id}${path}`, options);
      const bySlug = await studio.send(method, `/api/v1/orgs/${org.slug}${path}`, options);
      const nobodys = await studio.send(method, `/api/v1/orgs/org_01h455vb4pex5vsknk084sn02q${path}`, options);
      expect([without(theirs), without(bySlug)]).toEqual([without(nobodys), without(nobodys)]);
      expect([...theirs.headers.keys()]).toEqual([...nobodys.headers.keys()]);
      expect(theirs.status).toBe(404);
    }
  });

  it("that the edge did not judge are not served", async () => {
    const org = await studio.newOrg();
    const headers = { "X-Sentinel-Org": "org_01h455vb4pex5vsknk084sn02q" };
    const answer = await studio.send("GET", `/api/v1/orgs/${org.slug}`, { token: org.owner.token, headers });
    expect(answer.status).toBe(404);
  });
});

describe("members", () => {
  it("have a new role from the very next request on", async () => {
    const org = await studio.newOrg();
    // Signed in after joining, so that the token in hand itself says admin of this organisation.
    const admin = await studio.signIn((await studio.newMember(org, "admin")).email);
    const list = () => studio.send("GET", `/api/v1/orgs/${org.id}/enrollment-codes`, { token: admin.token });
    expect((await list()).status).toBe(200);
    const change = { token: org.owner.token, body: { role: "viewer" } };
    const changed = await studio.send("PATCH", `/api/v1/orgs/${org.id}/members/${admin.id}`, change);
    expect(changed.body).toEqual({ user_id: admin.id, role: "viewer", disabled: false });
    expect((await list()).body.code).toBe("forbidden");
    const devices = await studio.send("GET", `/api/v1/orgs/${org.id}/devices`, { token: admin.token });
    expect(devices.status).toBe(200);
    // The capability is asked as what the member is now, whatever the token in hand says.
    expect(studio.standIns.calls.findLast(({ method }) => method === "listDevices")?.by).toBe("viewer");
    expect(studio.standIns.calls.findLast(({ method }) => method === "putMember")?.args).toEqual([
      org.id,
      admin.id,
      "viewer",
    ]);
    const logged = studio.audit.of(changed.requestId).map(({ event }) => event);
    expect(logged).toContainEqual({
      type: "role_change",
      admin_id: org.owner.id,
      target_user_id: admin.id,
      old_role: "admin",
      new_role: "viewer",
    });
  });

  it.each<[string, string, unknown, string, object]>([
    [
      "have another role",
      "PATCH",
      { role: "viewer" },
      "putMember",
      { type: "role_change", old_role: "admin", new_role: "viewer" },
    ],
    ["are shut out", "PATCH", { disabled: true }, "putMember", { type: "account_change", action: "disabled" }],
    ["are being removed", "DELETE", undefined, "removeUser", { type: "account_change", action: "disabled" }],
  ])("who %s are in the log also when the hub or a capability then fails", async (...row) => {
    const [, method, body, part, done] = row;
    const own = await createHarness();
    const org = await own.newOrg();
    const member = await own.newMember(org, "admin");
    own.standIns.broken.add(part);
    const path = `/api/v1/orgs/${org.id}/members/${member.id}`;
    const failed = await own.send(method, path, { token: org.owner.token, ...(body === undefined ? {} : { body }) });
    expect(failed.body.code).toBe("unavailable");
    const logged = own.audit.of(failed.requestId).map(({ event }) => event);
    const who = { admin_id: org.owner.id, target_user_id: member.id };
    expect(logged).toContainEqual({ ...who, ...done });
  });

  it("who are removed are out at once, out of the hub and out of every group", async () => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "readonly");
    const removed = await studio.send("DELETE", `/api/v1/orgs/${org.id}/members/${member.id}`, {
      token: org.owner.token,
    });
    expect(removed.status).toBe(204);
    const told = studio.standIns.calls.slice(-2).map(({ method, args }) => [method, ...args]);
    expect(told).toEqual([
      ["putMember", org.id, member.id, null],
      ["removeUser", member.id],
    ]);
    expect((await studio.send("GET", `/api/v1/orgs/${org.id}`, { token: member.token })).status).toBe(401);
    const { token } = await studio.signIn(member.email);
    expect((await studio.send("GET", `/api/v1/orgs/${org.id}`, { token })).status).toBe(404);
  });

  it("always include an owner", async () => {
    const org = await studio.newOrg();
    const self = `/api/v1/orgs/${org.id}/members/${org.owner.id}`;
    const token = org.owner.token;
    expect((await studio.send("PATCH", self, { token, body: { role: "admin" } })).body.code).toBe("last_owner");
    expect((await studio.send("DELETE", self, { token })).body.code).toBe("last_owner");
  });

  it("keep an owner when two owners demote each other at the same moment", async () => {
    for (let round = 0; round < 5; round += 1) {
      const org = await studio.newOrg();
      const second = await studio.newMember(org, "owner");
      const demote = (by: string, whom: string) =>
        studio.send("PATCH", `/api/v1/orgs/${org.id}/members/${whom}`, { token: by, body: { role: "viewer" } });
      const answers = await Promise.all([demote(org.owner.token, second.id), demote(second.token, org.owner.id)]);
      expect(answers.map(({ status }) => status).toSorted()).toSatisfy(
        (statuses: number[]) => statuses[0] === 200 && statuses[1]! > 400,
      );
      const roles = await Promise.all(
        [org.owner, second].map(({ token }) => studio.send("GET", `/api/v1/orgs/${org.id}`, { token })),
      );
      expect(roles.map(({ body }) => body.role).toSorted()).toEqual(["owner", "viewer"]);
    }
  });

  it("become or stop being owners by an owner's hand alone", async () => {
    const org = await studio.newOrg();
    const admin = await studio.newMember(org, "admin");
    const patch = (whom: string, role: string) =>
      studio.send("PATCH", `/api/v1/orgs/${org.id}/members/${whom}`, { token: admin.token, body: { role } });
    expect((await patch(admin.id, "owner")).body.code).toBe("forbidden");
    expect((await patch(org.owner.id, "viewer")).body.code).toBe("forbidden");
    const invite = { token: admin.token, body: { email: studio.newEmail(), role: "owner" } };
    expect((await studio.send("POST", `/api/v1/orgs/${org.id}/invitations`, invite)).body.code).toBe("forbidden");
  });

  it("are listed page by page, and a cursor is good for its own list alone", async () => {
    const org = await studio.newOrg();
    for (const role of ["admin", "viewer"] as const) await studio.newMember(org, role);
    const list = (query: string, at = org) =>
      studio.send("GET", `/api/v1/orgs/${at.id}/members?${query}`, { token: at.owner.token });
    const first = await list("limit=2");
    const second = await list(`limit=2&cursor=${first.body.next_cursor}`);
    const ids = [...first.body.items, ...second.body.items].map(({ user_id }: { user_id: string }) => user_id);
    expect([new Set(ids).size, second.body.next_cursor]).toEqual([3, null]);
    const other = await studio.newOrg();
    expect((await list(`cursor=${first.body.next_cursor}`, other)).body.code).toBe("invalid_cursor");
    expect((await list(`cursor=${first.body.next_cursor}x`)).body.code).toBe("invalid_cursor");
    const devices = `/api/v1/orgs/${org.id}/devices?cursor=${first.body.next_cursor}`;
    expect((await studio.send("GET", devices, { token: org.owner.token })).body.code).toBe("invalid_cursor");
  });
});

describe("invitations", () => {
  const invite = async (org: { id: string; owner: { token: string } }, email: string, at = studio) => {
    const body = { email, role: "viewer" };
    return at.send("POST", `/api/v1/orgs/${org.id}/invitations`, { token: org.owner.token, body });
  };
  const accept = (token: string, invitation: string, at = studio) =>
    at.send("POST", "/api/v1/invitations/accept", { token, body: { token: invitation } });

  it("are good once, however many try at the same moment", async () => {
    const org = await studio.newOrg();
    const { email, token } = await studio.newAccount();
    await invite(org, email);
    const secret = studio.mailedToken(email);
    const answers = await Promise.all([1, 2, 3, 4].map(() => accept(token, secret)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404, 404, 404]);
    const members = await studio.send("GET", `/api/v1/orgs/${org.id}/members`, { token: org.owner.token });
    expect(members.body.items).toHaveLength(2);
  });

  it("go to one address five times a day at most, withdrawn or not, so that they fill no mailbox", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const path = `/api/v1/orgs/${org.id}/invitations`;
    const email = own.newEmail();
    const again = async (to = email) =>
      (await own.send("POST", path, { token: org.owner.token, body: { email: to, role: "viewer" } })).status;
    const statuses = [await again(), await again(), await again(), await again(), await again(), await again()];
    expect(statuses).toEqual([201, 201, 201, 201, 201, 409]);
    expect(own.mails.filter(({ to }) => to === email)).toHaveLength(5);
    expect(await again(own.newEmail())).toBe(201);
    // By idling the session would end: the day passes for the invitations alone.
    const aDayAgo = "UPDATE control.invitations SET created_at = created_at - interval '25 hours' WHERE email = $1";
    await runAs(setup.controlUrl, aDayAgo, [email]);
    expect(await again()).toBe(201);
  });

  it("are for one address, and say nothing to another", async () => {
    const org = await studio.newOrg();
    const [invited, thief] = [await studio.newAccount(), await studio.newAccount()];
    await invite(org, invited.email);
    const secret = studio.mailedToken(invited.email);
    expect(without(await accept(thief.token, secret))).toEqual(without(await accept(thief.token, "x".repeat(43))));
    expect((await accept(invited.token, secret)).status).toBe(200);
  });

  it("end when withdrawn, after a week, and with the right of who made them", async () => {
    // Its own clock runs on: what it sweeps away then, other tests may still need.
    const own = await createHarness();
    const org = await own.newOrg();
    const person = await own.newAccount();
    const made = await invite(org, person.email, own);
    const path = `/api/v1/orgs/${org.id}/invitations`;
    expect((await own.send("GET", path, { token: org.owner.token })).body.items).toHaveLength(1);
    const withdrawn = await own.send("DELETE", `${path}/${made.body.id}`, { token: org.owner.token });
    expect(withdrawn.status).toBe(204);
    expect((await accept(person.token, own.mailedToken(person.email), own)).status).toBe(404);

    const admin = await own.newMember(org, "admin");
    await own.send("POST", path, { token: admin.token, body: { email: person.email, role: "viewer" } });
    await own.send("DELETE", `/api/v1/orgs/${org.id}/members/${admin.id}`, { token: org.owner.token });
    expect((await accept(person.token, own.mailedToken(person.email), own)).status).toBe(404);

    await invite(org, person.email, own);
    own.clock.nowMs += 7 * 24 * 3600_000 + 1;
    const again = await own.signIn(person.email);
    expect((await accept(again.token, own.mailedToken(person.email), own)).status).toBe(404);
  });
});

describe("policies", () => {
  it("reach the edge's store when they change", async () => {
    const { id, owner } = await studio.newOrg();
    const { token } = owner;
    const put = (name: string, body: unknown) =>
      studio.send("PUT", `/api/v1/orgs/${id}/policies/${name}`, { token, body });
    expect((await put("geo", { countries: ["IN", "NP"] })).body).toMatchObject({ countries: ["IN", "NP"] });
    expect((await put("tls", { device_min: "TLSv1.2" })).status).toBe(200);
    expect(JSON.parse(studio.kv.get(`org:${id}`) ?? "")).toMatchObject({
      geo: { surfaces: { devices: { countries: ["IN", "NP"] } } },
      tlsDeviceMin: "TLSv1.2",
    });
    const geo = await studio.send("GET", `/api/v1/orgs/${id}/policies/geo`, { token });
    expect(geo.body).toMatchObject({ countries: ["IN", "NP"], reverts_at: null });
  });

  it("refuse what no policy can be, and a name that is none", async () => {
    const { id, owner } = await studio.newOrg();
    const put = async (name: string, body: unknown) =>
      (await studio.send("PUT", `/api/v1/orgs/${id}/policies/${name}`, { token: owner.token, body })).status;
    expect(await put("geo", { countries: ["XX"] })).toBe(422);
    expect(await put("geo", { countries: ["IN", "IN"] })).toBe(422);
    expect(await put("geo", { device_min: "TLSv1.2" })).toBe(422);
    expect(await put("tls", { device_min: "TLSv1.0" })).toBe(422);
    expect(await put("waf", { countries: ["IN"] })).toBe(422);
    expect(await put("none", { countries: ["IN"] })).toBe(404);
  });
});

describe("enrolment", () => {
  it("gives a split tenant's device an address that says which device it is for", async () => {
    const split = await createHarness((services) => ({ ...services, hubIsSplit: true }));
    const org = await split.newOrg();
    const body = { code: `${org.slug}-ABCDE-FGHJK-MNPQR-STVWX`, name: "pc", platform: "linux" };
    const { body: made } = await split.send("POST", "/api/v1/enroll", { body });
    expect(made).toMatchObject({ mqtt_url: `wss://sentinel.test/mqtt/${org.id}?device=${made.device_id}` });
  });

  it("answers a wrong slug like a wrong code, and addresses the device's topics", async () => {
    const org = await studio.newOrg();
    const body = { code: `${org.slug}-ABCDE-FGHJK-MNPQR-STVWX`, name: "pc", platform: "linux" };
    const right = await studio.send("POST", "/api/v1/enroll", { body });
    expect(right.status).toBe(201);
    expect(right.body).toMatchObject({
      org_id: org.id,
      mqtt_url: `wss://sentinel.test/mqtt/${org.id}`,
      topic_prefix: `sentinel/${org.id}/devices/${right.body.device_id}/`,
    });
    expect(studio.audit.of(right.requestId).map(({ log, phase }) => [log, phase])).toEqual([
      [org.id, "intent"],
      [org.id, "outcome"],
      [org.id, "event"],
    ]);
    const unknown = { ...body, code: "no-such-school-ABCDE-FGHJK-MNPQR-STVWX" };
    expect((await studio.send("POST", "/api/v1/enroll", { body: unknown })).body.code).toBe("invalid_enrollment_code");
    const other = await studio.newOrg();
    const elsewhere = await studio.send("POST", `/api/v1/orgs/${other.slug}/enroll`, { body });
    expect(elsewhere.body.code).toBe("invalid_enrollment_code");
  });
});
