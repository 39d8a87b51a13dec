import { decodeJwt } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { apiKeyMsMax } from "../../../core/routes/api-keys.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { apiKeysMax } from "../../../store/control/api-keys.ts";
import { exchangeSession } from "../../../workers/studio/auth/exchange-session.ts";
import { sha256Hex } from "../../../workers/studio/auth/keys.ts";
import { runScheduled } from "../../../workers/studio/scheduled.ts";
import { asSuperuser } from "../support.ts";
import { type Account, createHarness, type Harness } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

interface Org {
  readonly id: string;
  readonly slug: string;
  readonly owner: Account;
}
interface Key {
  readonly id: string;
  readonly user_id: string;
  readonly key: string;
}
const requestId = "req_01h455vb4pex5vsknk084sn02q";
const day = 24 * 3600_000;

const path = (org: Org): string => `/api/v1/orgs/${org.id}/api-keys`;
const inDays = (days: number, at = studio): string => new Date(at.clock.nowMs + days * day).toISOString();
const post = (org: Org, token: string, body: object, at = studio) => at.send("POST", path(org), { token, body });

async function makeKey(org: Org, role: Role = "admin", by: Account = org.owner, at = studio): Promise<Key> {
  const made = await post(org, by.token, { name: "backup", role, expires_at: inDays(30, at) }, at);
  expect(made.status).toBe(201);
  return made.body;
}

/** What the edge does with a key: an access token, or null. */
async function trade(key: string, org: string | null = null, at = studio): Promise<string | null> {
  const result = await exchangeSession(at.studio.services, key, org, requestId);
  return result.kind === "ok" ? result.accessToken : null;
}
const get = async (key: string, target: string, at = studio) =>
  at.send("GET", target, { token: (await trade(key, null, at)) ?? "none" });

describe("an API key", () => {
  it("is 256 random bits, shown once, kept as a hash, and told from others by what it begins with", async () => {
    const org = await studio.newOrg();
    const made = await post(org, org.owner.token, { name: "backup", role: "viewer", expires_at: inDays(30) });
    expect(made.status).toBe(201);
    expect(made.body.key).toMatch(/^sak_[A-Za-z0-9_-]{43}$/);
    const listed = await studio.send("GET", path(org), { token: org.owner.token });
    expect(listed.body.items).toEqual([
      {
        id: made.body.id,
        user_id: made.body.user_id,
        name: "backup",
        role: "viewer",
        prefix: made.body.key.slice(0, 10),
        created_by: org.owner.id,
        created_at: made.body.created_at,
        expires_at: inDays(30),
        last_used_at: null,
        revoked_at: null,
      },
    ]);
    const [row] = await asSuperuser(
      "SELECT (SELECT json_agg(s) FROM control.sessions s)::text || (SELECT json_agg(k) FROM control.api_keys k)::text AS dump",
    );
    expect(String(row?.["dump"])).toContain(sha256Hex(made.body.key));
    expect(String(row?.["dump"])).not.toContain(made.body.key.slice(10));
    const events = studio.audit.of(made.requestId).map(({ event }) => event);
    const change = { type: "key_change", user_id: org.owner.id, kind: "api_key", action: "created" };
    expect(events).toContainEqual({ ...change, key_id: made.body.id });
    expect(JSON.stringify(events)).not.toContain(made.body.key.slice(10));
    // The hub knows it before it is shown: the member first, then the hash of what it may present.
    const told = studio.standIns.calls.filter(({ args }) => args[1] === made.body.user_id);
    expect(told.map(({ method }) => method)).toEqual(["putMember", "putKey"]);
    expect(told[1]?.args[2]).toMatchObject({ sha256: sha256Hex(made.body.key) });
  });

  it.each<Role>(["admin", "analyst", "viewer", "readonly"])("has the rights of %s and no more", async (role) => {
    const org = await studio.newOrg();
    const { key } = await makeKey(org, role);
    const [code, members, devices] = [
      await studio.send("POST", `/api/v1/orgs/${org.id}/enrollment-codes`, {
        token: (await trade(key)) ?? "",
        body: { name: "lab" },
      }),
      await get(key, `/api/v1/orgs/${org.slug}/members`),
      await get(key, `/api/v1/orgs/${org.id}/devices`),
    ];
    const reads = role === "admin" || role === "readonly";
    expect([code.status, members.status, devices.status]).toEqual([
      role === "admin" ? 201 : 403,
      reads ? 200 : 403,
      200,
    ]);
    expect(studio.standIns.calls.findLast(({ method }) => method === "listDevices")?.by).toBe(role);
  });

  it("is of an owner never, of a year at most, of the future, and of a name", async () => {
    const org = await studio.newOrg();
    const wanted = { name: "k", role: "viewer", expires_at: inDays(1) };
    const tooLate = new Date(studio.clock.nowMs + apiKeyMsMax + 1000).toISOString();
    for (const wrong of [
      { role: "owner" },
      { expires_at: tooLate },
      { expires_at: inDays(-1) },
      { expires_at: "never" },
      { expires_at: undefined },
      { name: "" },
      { kind: "person" },
    ]) {
      const answer = await post(org, org.owner.token, { ...wanted, ...wrong });
      expect([wrong, answer.status]).toEqual([wrong, 422]);
    }
    const latest = new Date(studio.clock.nowMs + apiKeyMsMax).toISOString();
    expect((await post(org, org.owner.token, { ...wanted, expires_at: latest })).status).toBe(201);
  });

  it.each<Role>(["analyst", "viewer", "readonly"])("is neither made, seen nor revoked by %s", async (role) => {
    const org = await studio.newOrg();
    const { id } = await makeKey(org, "viewer");
    const { token } = await studio.newMember(org, role);
    const answers = [
      await post(org, token, { name: "k", role: "viewer", expires_at: inDays(1) }),
      await studio.send("GET", path(org), { token }),
      await studio.send("DELETE", `${path(org)}/${id}`, { token }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
  });

  it("makes no key, and changes neither members nor policies, because nobody can prove who holds it", async () => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "viewer");
    const { key } = await makeKey(org, "admin");
    const token = (await trade(key)) ?? "";
    const target = `/api/v1/orgs/${org.id}/members/${member.id}`;
    const answers = [
      await post(org, token, { name: "k", role: "viewer", expires_at: inDays(1) }),
      await studio.send("PATCH", target, { token, body: { role: "admin" } }),
      await studio.send("DELETE", target, { token }),
    ];
    expect(answers.map(({ body }) => body.code)).toEqual(["forbidden", "forbidden", "forbidden"]);
  });

  it("is no person: it joins nothing, makes nothing of its own and ends no session", async () => {
    const org = await studio.newOrg();
    const { key, user_id } = await makeKey(org, "admin");
    const token = (await trade(key)) ?? "";
    const tries: [string, string, object?][] = [
      ["POST", "/api/v1/orgs", { name: "Mine", slug: "of-a-program" }],
      ["POST", "/api/v1/invitations/accept", { token: "x".repeat(43) }],
      ["GET", "/api/v1/me/sessions"],
      ["DELETE", "/api/v1/me/sessions"],
      ["POST", "/api/v1/auth/logout"],
    ];
    for (const [method, target, body] of tries) {
      const answer = await studio.send(method, target, { token, ...(body === undefined ? {} : { body }) });
      expect([method, target, answer.status]).toEqual([method, target, 403]);
    }
    expect((await studio.send("GET", "/api/v1/me", { token })).body).toMatchObject({
      user: { id: user_id, name: "backup" },
      orgs: [{ id: org.id, role: "admin" }],
    });
  });

  it("is good in its own organisation alone, and its tokens are signed for that one whatever is addressed", async () => {
    const owner = await studio.newAccount();
    const [org, other] = [await studio.newOrg(owner), await studio.newOrg(owner)];
    const { key } = await makeKey(org, "admin");
    for (const addressed of [null, org.id, other.id]) {
      expect(decodeJwt((await trade(key, addressed)) ?? "")).toMatchObject({ org: org.id, role: "admin" });
    }
    const nobodys = await get(key, "/api/v1/orgs/org_01h455vb4pex5vsknk084sn02q/members");
    const others = await get(key, `/api/v1/orgs/${other.slug}/members`);
    expect(others.status).toBe(404);
    expect({ ...others.body, request_id: "" }).toEqual({ ...nobodys.body, request_id: "" });
  });

  it("opens nothing by any other secret of its kind, and no session opens as one", async () => {
    const org = await studio.newOrg();
    const { key } = await makeKey(org);
    const flipped = `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`;
    const session = org.owner.cookie.split("=")[1] ?? "";
    for (const wrong of [flipped, key.slice(4), `${key}A`, `sak_${session}`, key.toUpperCase(), "sak_"]) {
      expect([wrong, await trade(wrong)]).toEqual([wrong, null]);
    }
  });

  it("ends with its revocation at once, also for a token in hand, and its sockets with it", async () => {
    const org = await studio.newOrg();
    const { id, key, user_id } = await makeKey(org);
    const inHand = (await trade(key)) ?? "";
    const revoked = await studio.send("DELETE", `${path(org)}/${id}`, { token: org.owner.token });
    expect(revoked.status).toBe(204);
    expect(await trade(key)).toBeNull();
    const devices = `/api/v1/orgs/${org.id}/devices`;
    expect((await studio.send("GET", devices, { token: inHand })).body.code).toBe("invalid_token");
    expect(studio.standIns.calls.slice(-2).map(({ method, args }) => [method, ...args])).toEqual([
      ["putMember", org.id, user_id, null],
      ["removeUser", user_id],
    ]);
    expect((await studio.send("GET", path(org), { token: org.owner.token })).body.items).toEqual([]);
    const events = studio.audit.of(revoked.requestId).map(({ event }) => event);
    const change = { type: "key_change", user_id: org.owner.id, kind: "api_key", action: "revoked" };
    expect(events).toContainEqual({ ...change, key_id: id });
  });

  it("is refused by the API while its hub can't be told, and the hub hears of it when it is asked again", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const { id, key, user_id } = await makeKey(org, "admin", org.owner, own);
    own.standIns.broken.add("putMember");
    const revoke = () => own.send("DELETE", `${path(org)}/${id}`, { token: org.owner.token });
    expect((await revoke()).status).toBe(503);
    expect(await trade(key, null, own)).toBeNull();
    // Listed until its hub was told, so that nobody takes it for done.
    const listed = () => own.send("GET", path(org), { token: org.owner.token });
    expect((await listed()).body.items).toMatchObject([{ id, revoked_at: expect.any(String) }]);
    own.standIns.broken.clear();
    expect((await revoke()).status).toBe(204);
    const told = own.standIns.calls.findLast(({ method }) => method === "putMember");
    expect(told?.args).toEqual([org.id, user_id, null]);
    expect((await listed()).body.items).toEqual([]);
  });

  it("that nobody asks to revoke again is taken out of its hub by the clock, and other hubs' absence is no matter", async () => {
    const own = await createHarness();
    const [org, other] = [await own.newOrg(), await own.newOrg()];
    own.standIns.broken.add("removeUser");
    const keys = [await makeKey(org, "admin", org.owner, own), await makeKey(other, "admin", other.owner, own)];
    for (const [at, { id }] of [
      [org, keys[0]!],
      [other, keys[1]!],
    ] as const)
      expect((await own.send("DELETE", `${path(at)}/${id}`, { token: at.owner.token })).status).toBe(503);
    own.standIns.failures.set("putMember", 1);
    await runScheduled(own.studio.services);
    await runScheduled(own.studio.services);
    for (const { user_id } of keys) {
      const told = own.standIns.calls.findLast(({ method, args }) => method === "putMember" && args[1] === user_id);
      expect([told?.by, told?.args[2]]).toEqual(["provision", null]);
      expect(await asSuperuser("SELECT FROM control.memberships WHERE user_id = $1", [user_id])).toEqual([]);
    }
    const before = own.standIns.calls.length;
    await runScheduled(own.studio.services);
    expect(
      own.standIns.calls.slice(before).filter(({ args }) => keys.some(({ user_id }) => args[1] === user_id)),
    ).toEqual([]);
  });

  it("of another organisation is not there to be revoked or seen", async () => {
    const [org, other] = [await studio.newOrg(), await studio.newOrg()];
    const { id, key } = await makeKey(org);
    const theirs = await studio.send("DELETE", `${path(other)}/${id}`, { token: other.owner.token });
    const nobodys = await studio.send("DELETE", `${path(other)}/key_01h455vb4pex5vsknk084sn02q`, {
      token: other.owner.token,
    });
    expect(theirs.status).toBe(404);
    expect({ ...theirs.body, request_id: "" }).toEqual({ ...nobodys.body, request_id: "" });
    expect((await studio.send("GET", path(other), { token: other.owner.token })).body.items).toEqual([]);
    expect(await trade(key)).not.toBeNull();
  });

  it("ends on its day and not by being idle, and shows when it was last used", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const { key } = await makeKey(org, "viewer", org.owner, own);
    own.clock.nowMs += 29 * day;
    const used = own.clock.nowMs;
    expect((await get(key, `/api/v1/orgs/${org.id}/devices`, own)).status).toBe(200);
    own.clock.nowMs += 1000;
    const { token } = await own.signIn(org.owner.email);
    const listed = await own.send("GET", path(org), { token });
    expect(listed.body.items[0].last_used_at).toBe(new Date(used).toISOString());
    own.clock.nowMs = used + day;
    expect(await trade(key, null, own)).toBeNull();
  });

  it("of an organisation that is not created yet is worth nothing, nor is a token of it", async () => {
    const org = await studio.newOrg();
    const { key } = await makeKey(org);
    const inHand = (await trade(key)) ?? "";
    await asSuperuser("UPDATE control.organisations SET status = 'provisioning' WHERE id = $1", [org.id]);
    expect(await trade(key)).toBeNull();
    const devices = `/api/v1/orgs/${org.id}/devices`;
    expect((await studio.send("GET", devices, { token: inHand })).status).toBe(401);
  });

  it.each(["suspended", "deleting"])(
    "of an organisation that is %s is told so, whatever it asks for",
    async (status) => {
      const org = await studio.newOrg();
      const { key } = await makeKey(org, "admin");
      await asSuperuser("UPDATE control.organisations SET status = $2, suspended_at = now() WHERE id = $1", [
        org.id,
        status,
      ]);
      const token = (await trade(key)) ?? "";
      for (const path of ["", "/devices", "/members"]) {
        const answer = await studio.send("GET", `/api/v1/orgs/${org.id}${path}`, { token });
        expect([answer.status, answer.body.code]).toEqual([403, `org_${status}`]);
      }
    },
  );

  it(`is one of ${apiKeysMax} at most, however many are made at the same moment, and an expired one makes room`, async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const make = (days: number) =>
      post(org, org.owner.token, { name: "k", role: "viewer", expires_at: inDays(days, own) }, own);
    for (let made = 0; made < apiKeysMax - 2; made += 1)
      expect((await make(made === 0 ? 1 / 288 : 30)).status).toBe(201);
    const last = await Promise.all([make(30), make(30), make(30), make(30)]);
    expect(last.map(({ status }) => status).toSorted()).toEqual([201, 201, 409, 409]);
    own.clock.nowMs += day / 240;
    expect((await make(30)).status).toBe(201);
    expect((await make(30)).status).toBe(409);
  });
});

describe("a service user", () => {
  it("is not among the people unless it is asked for, and is no member that can be changed by hand", async () => {
    const org = await studio.newOrg();
    const { user_id } = await makeKey(org, "viewer");
    const members = `/api/v1/orgs/${org.id}/members`;
    const { token } = org.owner;
    const ids = async (query: string) =>
      (await studio.send("GET", `${members}${query}`, { token })).body.items.map(
        (item: { user_id: string }) => item.user_id,
      );
    expect(await ids("")).toEqual([org.owner.id]);
    expect(await ids("?kind=person")).toEqual([org.owner.id]);
    expect(await ids("?kind=service")).toEqual([user_id]);
    for (const body of [{ role: "owner" }, { role: "admin" }, { disabled: true }]) {
      expect((await studio.send("PATCH", `${members}/${user_id}`, { token, body })).status).toBe(404);
    }
    expect((await studio.send("DELETE", `${members}/${user_id}/sessions`, { token })).status).toBe(404);
  });

  it("is put into groups like any member", async () => {
    const org = await studio.newOrg();
    const { user_id } = await makeKey(org, "viewer");
    const target = `/api/v1/orgs/${org.id}/groups/grp_01h455vb4pex5vsknk084sn02q/members/${user_id}`;
    expect((await studio.send("PUT", target, { token: org.owner.token })).status).toBe(204);
  });

  it("leaves no way in by password, because the database holds none for it", async () => {
    const org = await studio.newOrg();
    const { user_id } = await makeKey(org);
    await expect(asSuperuser("UPDATE control.users SET password_hash = 'x' WHERE id = $1", [user_id])).rejects.toThrow(
      "users_service_has_no_secret",
    );
    await expect(
      asSuperuser("UPDATE control.users SET email = 'program@school.test' WHERE id = $1", [user_id]),
    ).rejects.toThrow("users_service_has_no_secret");
  });
});

describe("keys that somebody made who may make none any more", () => {
  const lost: [string, string, object | undefined][] = [
    ["demoted", "PATCH", { role: "viewer" }],
    ["disabled", "PATCH", { disabled: true }],
    ["removed", "DELETE", undefined],
  ];

  it.each(lost)("are revoked when they are %s: they saw the secrets", async (_how, method, body) => {
    const org = await studio.newOrg();
    const admin = await studio.newMember(org, "admin");
    const theirs = await makeKey(org, "admin", admin);
    const others = await makeKey(org, "admin");
    const target = `/api/v1/orgs/${org.id}/members/${admin.id}`;
    const done = await studio.send(method, target, { token: org.owner.token, ...(body === undefined ? {} : { body }) });
    expect(done.status).toBeLessThan(300);
    expect(await trade(theirs.key)).toBeNull();
    expect(await trade(others.key)).not.toBeNull();
    const told = studio.standIns.calls.filter(
      ({ method: name, args }) => name === "putMember" && args[1] === theirs.user_id,
    );
    expect(told.at(-1)?.args).toEqual([org.id, theirs.user_id, null]);
    const events = studio.audit.of(done.requestId).map(({ event }) => event);
    const change = { type: "key_change", user_id: org.owner.id, kind: "api_key", action: "revoked" };
    expect(events).toContainEqual({ ...change, key_id: theirs.id });
  });

  it.each(lost)(
    "stay what they are when whoever is %s leaves them to others, and show who made them",
    async (...row) => {
      const [, method, body] = row;
      const org = await studio.newOrg();
      const admin = await studio.newMember(org, "admin");
      const { key } = await makeKey(org, "readonly", admin);
      const target = `/api/v1/orgs/${org.id}/members/${admin.id}`;
      const keep =
        body === undefined
          ? await studio.send(method, `${target}?keep_api_keys=1`, { token: org.owner.token })
          : await studio.send(method, target, { token: org.owner.token, body: { ...body, keep_api_keys: true } });
      expect(keep.status).toBeLessThan(300);
      expect((await get(key, `/api/v1/orgs/${org.id}/members`)).status).toBe(200);
      const listed = await studio.send("GET", path(org), { token: org.owner.token });
      expect(listed.body.items).toMatchObject([{ role: "readonly", created_by: admin.id }]);
    },
  );

  it("are not made in the moment in which they lose the right", async () => {
    for (let round = 0; round < 8; round += 1) {
      const org = await studio.newOrg();
      const admin = await studio.newMember(org, "admin");
      const target = `/api/v1/orgs/${org.id}/members/${admin.id}`;
      const wanted = { name: "k", role: "admin", expires_at: inDays(1) };
      const [made, removed] = await Promise.all([
        post(org, admin.token, wanted),
        studio.send("DELETE", target, { token: org.owner.token }),
      ]);
      expect(removed.status).toBe(204);
      if (made.status === 201) expect(await trade(made.body.key)).toBeNull();
      const [left] = await asSuperuser(
        "SELECT count(*)::int AS n FROM control.api_keys WHERE org_id = $1 AND revoked_at IS NULL",
        [org.id],
      );
      expect(left?.["n"]).toBe(0);
    }
  });
});
