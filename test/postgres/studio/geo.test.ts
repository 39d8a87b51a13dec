/** Geo policies as studio keeps them: whom a change shuts out, its way back, travellers, and the broken glass. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OrgPolicy } from "../../../core/tenancy/policy.ts";
import { runGeoUpkeep } from "../../../workers/studio/geo/upkeep.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness, type SendOptions } from "./harness.ts";

let studio: Harness;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
beforeAll(async () => {
  studio = await createHarness();
});
beforeEach(async () => {
  studio.standIns.refusedDevices.current = { total: 0, byCountry: {}, devices: [] };
  studio.audit.traffic.length = 0;
  org = await studio.newOrg();
});

const ask = (method: string, path: string, options: SendOptions = {}) =>
  studio.send(method, `/api/v1/orgs/${org.slug}${path}`, { token: org.owner.token, ...options });
const put = (body: unknown, options: SendOptions = {}) => ask("PUT", "/policies/geo", { body, ...options });
const published = (): OrgPolicy => JSON.parse(studio.kv.get(`org:${org.id}`) ?? "null") as OrgPolicy;
/** What the hub was last told. */
const told = () =>
  studio.standIns.calls.findLast(({ method, args }) => method === "putGeo" && args[0] === org.id)?.args[1] as
    | OrgPolicy["geo"]
    | undefined;
const settle = () => Promise.allSettled(studio.deferred);
const only = (...countries: string[]) => {
  const rules = { countries, networks: { allow: [], deny: [] }, asns: { allow: [], deny: [] } };
  return { dashboard: rules, api: rules, devices: rules };
};

describe("a change that shuts nobody out", () => {
  it("holds at once and stays, by surface, for the edge and for the hub", async () => {
    const surfaces = { ...only("IN"), devices: { ...only("IN", "NP").devices, asns: { allow: [], deny: [15169] } } };
    const answer = await put({ surfaces });
    expect(answer).toMatchObject({
      status: 200,
      body: { countries: ["IN"], surfaces, reverts_at: null, opened: null },
    });
    expect(published().geo).toMatchObject({ surfaces, revert: null });
    expect(told()).toMatchObject({ surfaces, revert: null });
    expect((await ask("GET", "/policies/geo")).body).toEqual(answer.body);
    expect(studio.audit.of(answer.requestId).map(({ event }) => event)).toContainEqual({
      type: "policy_change",
      user_id: org.owner.id,
      policy: "geo",
    });
  });

  it.each([
    {},
    { countries: ["IN"], surfaces: only("IN") },
    { surfaces: { ...only("IN"), api: undefined } },
    { surfaces: { ...only("IN"), planes: only("IN").api } },
    { surfaces: { ...only("IN"), api: { ...only("IN").api, networks: { allow: ["10.1.2.3/8"], deny: [] } } } },
    { surfaces: { ...only("IN"), api: { ...only("IN").api, asns: { allow: [0], deny: [] } } } },
    { countries: ["IN"], revert_after_minutes: 61 },
    { countries: ["IN"], confirm_lockout: true },
    { countries: ["T1"] },
  ])("can't be %j", async (body) => {
    expect((await put(body)).status).toBe(422);
    expect(published().geo.surfaces).toEqual(only("IN"));
  });
});

describe("a change that shuts somebody out", () => {
  it("names its caller first, holds when that is confirmed, and goes back after ten minutes", async () => {
    const asked = await put({ countries: ["DE"] });
    expect(asked).toMatchObject({ status: 409, body: { code: "confirmation_needed", lockout: { caller: true } } });
    expect(published().geo.surfaces).toEqual(only("IN"));
    const { confirm } = asked.body;
    const done = await put({ countries: ["DE"], confirm });
    const revertsAtMs = Date.parse(done.body.reverts_at);
    expect(done).toMatchObject({ status: 200, body: { countries: ["DE"] } });
    expect(revertsAtMs).toBe(studio.clock.nowMs + 600_000);
    expect(published().geo.revert).toEqual({ atMs: revertsAtMs, surfaces: only("IN") });
    expect(told()?.revert).toEqual({ atMs: revertsAtMs, surfaces: only("IN") });
  });

  it("is asked about again when the list, the rules or the policy changed meanwhile", async () => {
    const { confirm } = (await put({ countries: ["DE"] })).body;
    expect((await put({ countries: ["FR"], confirm })).status).toBe(409);
    studio.standIns.refusedDevices.current = { total: 1, byCountry: { IN: 1 }, devices: [] };
    expect((await put({ countries: ["DE"], confirm })).status).toBe(409);
    studio.standIns.refusedDevices.current = { total: 0, byCountry: {}, devices: [] };
    expect((await put({ countries: ["IN", "NP"] })).status).toBe(200);
    expect((await put({ countries: ["DE"], confirm })).status).toBe(409);
    expect((await put({ countries: ["DE"], confirm: "0".repeat(64) })).status).toBe(409);
  });

  it("names sessions of the last seven days by country, as coarsely as they are kept, and no stranger's", async () => {
    const member = await studio.newMember(org, "viewer");
    await put({ countries: ["IN", "DE"] });
    await ask("GET", "", { token: member.token, country: "DE", ip: "198.51.100.77" });
    const stranger = await studio.newOrg();
    await studio.send("GET", `/api/v1/orgs/${stranger.slug}`, { token: stranger.owner.token, country: "DE" });
    await settle();
    const { body } = await put({ countries: ["IN"] });
    expect(body).toMatchObject({ code: "confirmation_needed", lockout: { caller: false, sessions_total: 1 } });
    expect(body.lockout.by_country).toEqual([{ country: "DE", sessions: 1, devices: 0 }]);
    expect(body.lockout.sessions).toMatchObject([{ user_id: member.id, surface: "api", country: "DE", asn: 55836 }]);
    expect(JSON.stringify(body)).not.toContain("198.51.100");
    studio.clock.nowMs += 7 * 24 * 3600_000 + 1;
    const { token } = await studio.signIn(org.owner.email);
    expect((await put({ countries: ["IN"] }, { token })).status).toBe(200);
  });

  it("names devices that the hub knows, and can't be made while the hub can't say", async () => {
    const device = "dev_01h455vb4pex5vsknk084sn02q";
    const seen = { device, country: "NP", asn: null, seenMs: studio.clock.nowMs } as never;
    studio.standIns.refusedDevices.current = { total: 3, byCountry: { NP: 3 }, devices: [seen] };
    const { body } = await put({ countries: ["IN"] });
    expect(body.lockout).toMatchObject({
      devices_total: 3,
      by_country: [{ country: "NP", sessions: 0, devices: 3 }],
      devices: [{ device_id: device, country: "NP", asn: null }],
    });
    studio.standIns.broken.add("geoRefused");
    expect((await put({ countries: ["IN"] })).body.code).toBe("unavailable");
    studio.standIns.broken.clear();
  });

  it("is not asked about for whom the policy in force refuses already", async () => {
    const member = await studio.newMember(org, "viewer");
    await ask("GET", "", { token: member.token, country: "DE" });
    await settle();
    expect((await put({ countries: ["IN", "NP"] })).status).toBe(200);
  });
});

describe("where a session was last", () => {
  const noted = (owner: string) =>
    asSuperuser(
      `SELECT a.org_id, a.surface, a.country, a.asn::int AS asn, a.network, a.seen_at FROM control.geo_activity a
       JOIN control.sessions s ON s.id = a.session_id WHERE s.user_id = $1 ORDER BY a.org_id`,
      [owner],
    );

  it("is kept coarsely, written once an hour or when it changes, and of that organisation alone", async () => {
    const get = async (options: SendOptions = {}, of = org.slug) => {
      await studio.send("GET", `/api/v1/orgs/${of}`, { token: org.owner.token, ...options });
      await settle();
      return noted(org.owner.id);
    };
    const [first] = await get({ ip: "203.0.113.9" });
    expect(first).toMatchObject({
      org_id: org.id,
      surface: "api",
      country: "IN",
      asn: 55836,
      network: "203.0.113.0/24",
    });
    studio.clock.nowMs += 1800_000;
    expect(await get({ ip: "203.0.113.200" })).toEqual([first]);
    const [moved] = await get({ ip: "203.0.114.1" });
    expect(moved).toMatchObject({ network: "203.0.114.0/24" });
    const second = await studio.newOrg(org.owner);
    const both = await get({ country: "NP" }, second.slug);
    expect(both.map(({ org_id, country }) => [org_id, country])).toEqual([
      [org.id, "IN"],
      [second.id, "NP"],
    ]);
    await studio.send("GET", `/api/v1/orgs/${org.slug}/members`, { token: (await studio.newAccount()).token });
    expect(await get({ ip: "203.0.114.1" })).toEqual(both);
  });
});

describe("a pending change", () => {
  const lockOut = async (changes: object = {}) => {
    const { confirm } = (await put({ countries: ["DE"] })).body;
    return put({ countries: ["DE"], confirm, ...changes });
  };

  it("stays when it is confirmed in time, and only then", async () => {
    await lockOut();
    const kept = await ask("POST", "/policies/geo/confirm", { country: "DE" });
    expect(kept).toMatchObject({ status: 200, body: { countries: ["DE"], reverts_at: null } });
    expect(published().geo).toMatchObject({ surfaces: only("DE"), revert: null });
    expect((await ask("POST", "/policies/geo/confirm")).body.code).toBe("conflict");
    studio.clock.nowMs += 600_001;
    await runGeoUpkeep(studio.studio.services);
    expect(published().geo.surfaces).toEqual(only("DE"));
  });

  it("goes back by itself, is put away by the clock, once, and says so in the log", async () => {
    await lockOut();
    studio.clock.nowMs += 600_000;
    // Nothing ran yet: whoever judges has gone back at the moment all the same.
    expect((await ask("GET", "/policies/geo")).body).toMatchObject({ countries: ["IN"], reverts_at: null });
    expect((await ask("POST", "/policies/geo/confirm")).body.code).toBe("conflict");
    await Promise.all([runGeoUpkeep(studio.studio.services), runGeoUpkeep(studio.studio.services)]);
    expect(published().geo).toMatchObject({ surfaces: only("IN"), revert: null });
    expect(told()).toMatchObject({ surfaces: only("IN"), revert: null });
    const said = studio.audit.events.filter(({ log, event }) => log === org.id && event.type === "policy_change");
    expect(said.filter(({ event }) => "policy" in event && event.policy === "geo_reverted")).toHaveLength(1);
  });

  it("is put away in the next minute when the first try failed at any step", async () => {
    await lockOut();
    studio.clock.nowMs += 600_000;
    studio.standIns.broken.add("putGeo");
    await runGeoUpkeep(studio.studio.services);
    expect(published().geo.surfaces).toEqual(only("IN"));
    const before = studio.standIns.calls.length;
    studio.standIns.broken.clear();
    await runGeoUpkeep(studio.studio.services);
    expect(studio.standIns.calls.slice(before).some(({ method }) => method === "putGeo")).toBe(true);
    expect(told()?.surfaces).toEqual(only("IN"));
  });

  it("goes back as far as the last rules that were confirmed, however often it is changed on the way", async () => {
    await lockOut();
    const next = await put({ countries: ["FR"] }, { country: "DE" });
    const again = await put({ countries: ["FR"], confirm: next.body.confirm }, { country: "DE" });
    expect(again.body).toMatchObject({ countries: ["FR"] });
    expect(published().geo.revert?.surfaces).toEqual(only("IN"));
  });

  it("can be asked for without a lock-out, and left out with one", async () => {
    expect((await put({ countries: ["IN", "NP"], revert_after_minutes: 5 })).body.reverts_at).not.toBeNull();
    org = await studio.newOrg();
    expect((await lockOut({ revert_after_minutes: null })).body).toMatchObject({ countries: ["DE"], reverts_at: null });
  });

  it("holds also when the hub is away, which is told within a minute of its return", async () => {
    studio.standIns.broken.add("putGeo");
    expect((await put({ countries: ["IN", "NP"] })).status).toBe(200);
    expect(told()).toBeUndefined();
    await runGeoUpkeep(studio.studio.services);
    expect(told()).toBeUndefined();
    studio.standIns.broken.clear();
    await runGeoUpkeep(studio.studio.services);
    expect(told()?.surfaces).toEqual(only("IN", "NP"));
    const before = studio.standIns.calls.length;
    await runGeoUpkeep(studio.studio.services);
    expect(studio.standIns.calls.slice(before).filter(({ args }) => args[0] === org.id)).toEqual([]);
  });

  it("of two at once is one: the other is told to look again", async () => {
    const answers = await Promise.all([put({ countries: ["IN", "NP"] }), put({ countries: ["IN", "BT"] })]);
    const statuses = answers.map(({ status }) => status).toSorted();
    // Both may also have come one after the other; then the second was decided on the first.
    expect([
      [200, 200],
      [200, 409],
    ]).toContainEqual(statuses);
    const winner = answers.findLast(({ status }) => status === 200);
    if (statuses[1] === 409) expect(published().geo.surfaces).toEqual(winner?.body.surfaces);
  });
});

describe("a trial", () => {
  it("counts what would be refused and what would be let in, by surface and country, and changes nothing", async () => {
    const origin = { asn: 55836, network: "203.0.113.0/24" };
    studio.audit.traffic.push(
      { ...origin, surface: "dashboard", country: "IN", admitted: true, count: 90 },
      { ...origin, surface: "devices", country: "IN", admitted: true, count: 7 },
      { ...origin, surface: "api", country: "DE", admitted: false, count: 5 },
      { surface: "api", country: "XX", asn: 0, network: "", admitted: false, count: 4 },
      { surface: "api", country: "T1", asn: 0, network: "", admitted: false, count: 3 },
      // Admitted under rules of last week.
      { ...origin, surface: "api", country: "FR", admitted: true, count: 2 },
    );
    const surfaces = {
      ...only("DE"),
      devices: { ...only().devices, networks: { allow: ["203.0.113.0/24"], deny: [] } },
    };
    const { status, body } = await ask("POST", "/policies/geo/simulate", { body: { surfaces } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ days: 30, requests: 111, newly_refused: 90, newly_admitted: 5 });
    expect(body.by_origin[0]).toEqual({
      surface: "dashboard",
      country: "IN",
      requests: 90,
      newly_refused: 90,
      newly_admitted: 0,
    });
    expect(body.by_origin).toContainEqual({
      surface: "devices",
      country: "IN",
      requests: 7,
      newly_refused: 0,
      newly_admitted: 0,
    });
    expect(body.lockout.caller).toBe(true);
    expect(published().geo.surfaces).toEqual(only("IN"));
  });

  it("is for those who could make the change", async () => {
    const reader = await studio.newMember(org, "readonly");
    const options = { token: reader.token, body: { countries: ["IN"] } };
    expect((await ask("POST", "/policies/geo/simulate", options)).body.code).toBe("forbidden");
  });
});

describe("a traveller", () => {
  const until = () => new Date(studio.clock.nowMs + 24 * 3600_000).toISOString();

  it("is a member with a country and an end, published to the edge and the hub, and gone when removed", async () => {
    const member = await studio.newMember(org, "viewer");
    const body = { country: "DE", until: until() };
    const added = await ask("POST", `/policies/geo/exceptions/${member.id}`, { body });
    expect(added.status).toBe(201);
    const expected = { user: member.id, country: "DE", untilMs: Date.parse(body.until) };
    expect(published().geo.exceptions).toEqual([expected]);
    expect(told()?.exceptions).toEqual([expected]);
    const { items } = (await ask("GET", "/policies/geo/exceptions")).body;
    expect(items).toMatchObject([{ id: added.body.id, user_id: member.id, country: "DE", until: body.until }]);
    expect((await ask("DELETE", `/policies/geo/exceptions/${added.body.id}`)).status).toBe(204);
    expect(published().geo.exceptions).toEqual([]);
    expect(told()?.exceptions).toEqual([]);
    expect((await ask("DELETE", `/policies/geo/exceptions/${added.body.id}`)).status).toBe(404);
  });

  it("is no stranger, has an end that is ahead and near, and belongs to one organisation", async () => {
    const stranger = await studio.newAccount();
    const add = (changes: object, user = org.owner.id) =>
      ask("POST", `/policies/geo/exceptions/${user}`, { body: { country: "DE", until: until(), ...changes } });
    expect((await add({}, stranger.id)).status).toBe(404);
    expect((await add({ until: new Date(studio.clock.nowMs).toISOString() })).status).toBe(422);
    expect((await add({ until: new Date(studio.clock.nowMs + 93 * 24 * 3600_000).toISOString() })).status).toBe(422);
    expect((await add({ country: "T1" })).status).toBe(422);
    const added = await add({});
    const other = await studio.newOrg();
    const path = `/api/v1/orgs/${other.slug}/policies/geo/exceptions/${added.body.id}`;
    expect((await studio.send("DELETE", path, { token: other.owner.token })).status).toBe(404);
    expect(published().geo.exceptions).toHaveLength(1);
  });

  it("may sign in at the organisation's door from there; whoever else has the right password is refused", async () => {
    const traveller = await studio.newMember(org, "viewer");
    const other = await studio.newMember(org, "viewer");
    await ask("POST", `/policies/geo/exceptions/${traveller.id}`, { body: { country: "DE", until: until() } });
    const signIn = (email: string, country: string) =>
      studio.send("POST", `/api/v1/orgs/${org.slug}/auth/login`, {
        body: { email, password: "correct horse battery staple" },
        country,
        geo: { standings: { dashboard: "person_only" } },
      });
    expect((await signIn(traveller.email, "DE")).status).toBe(200);
    const refused = await signIn(other.email, "DE");
    expect(refused).toMatchObject({ status: 403, body: { code: "geo_denied" } });
    expect(refused.headers.get("Set-Cookie")).toBeNull();
    expect((await signIn(traveller.email, "FR")).body.code).toBe("geo_denied");
    studio.clock.nowMs += 24 * 3600_000;
    expect((await signIn(traveller.email, "DE")).body.code).toBe("geo_denied");
  });

  it("gets no new tokens from there when it is not he", async () => {
    const other = await studio.newMember(org, "viewer");
    const refresh = (geo: SendOptions["geo"]) =>
      studio.send("POST", `/api/v1/orgs/${org.slug}/auth/refresh`, {
        body: { refresh_token: other.refreshToken },
        country: "DE",
        ...(geo === undefined ? {} : { geo }),
      });
    const refused = await refresh({ surface: "api", standings: { api: "person_only" } });
    expect(refused.body.code).toBe("geo_denied");
  });
});

describe("the broken glass", () => {
  const makeCode = async (): Promise<string> => (await ask("POST", "/policies/geo/break-glass-code")).body.code;
  const use = (code: string, country: string | null = "NP", slug = org.slug) =>
    studio.send("POST", `/api/v1/orgs/${slug}/policies/geo/break-glass`, {
      body: { code },
      geo: { facts: { country, asn: null, network: { family: 4, first: 1n, last: 1n } } },
    });

  it("opens the dashboard to the country it came from for a day, once, and every owner hears of it", async () => {
    const second = await studio.newMember(org, "owner");
    const code = await makeCode();
    expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){7}[0-9a-hjkmnp-tv-z]{4}$/);
    const used = await use(` ${code.toUpperCase()} `);
    await settle();
    expect(used.status).toBe(202);
    const opened = { country: "NP", untilMs: studio.clock.nowMs + 24 * 3600_000 };
    expect(published().geo.opened).toEqual(opened);
    expect(told()?.opened).toEqual(opened);
    const mails = studio.mails.filter(({ subject }) => subject.includes("break-glass") && subject.includes(org.slug));
    expect(mails.map(({ to }) => to).toSorted()).toEqual([org.owner.email, second.email].toSorted());
    expect(JSON.stringify(mails)).not.toContain(code);
    expect(studio.audit.of(used.requestId)).toContainEqual(
      expect.objectContaining({
        log: org.id,
        event: { type: "policy_change", user_id: null, policy: "geo_break_glass_used" },
      }),
    );
    await use(code, "US");
    expect(published().geo.opened).toEqual(opened);
  });

  it("answers a wrong code, a used one, an unknown country and another's organisation all alike, and opens nothing", async () => {
    const code = await makeCode();
    const other = await studio.newOrg();
    const without = ({ status, body }: { status: number; body: unknown }) => ({ status, body });
    const answers = [
      await use("0000-0000-0000-0000-0000-0000-0000-0000"),
      await use("nonsense"),
      await use(code, null),
      await use(code, "NP", other.slug),
    ].map(without);
    expect(published().geo.opened).toBeNull();
    expect(JSON.parse(studio.kv.get(`org:${other.id}`) ?? "").geo.opened).toBeNull();
    answers.push(without(await use(code)), without(await use(code)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(published().geo.opened?.country).toBe("NP");
  });

  it("is broken once by two at the same moment", async () => {
    const code = await makeCode();
    await Promise.all([use(code, "NP"), use(code, "BT")]);
    await settle();
    const events = studio.audit.events.filter(({ log, event }) => log === org.id && event.type === "policy_change");
    expect(events.filter(({ event }) => "policy" in event && event.policy === "geo_break_glass_used")).toHaveLength(1);
  });

  it("has one code: a new one ends the old; it is an owner's to make and nobody's to read", async () => {
    const first = await makeCode();
    expect((await ask("GET", "/policies/geo/break-glass-code")).body).toMatchObject({ used_at: null });
    await makeCode();
    await use(first);
    expect(published().geo.opened).toBeNull();
    const admin = await studio.newMember(org, "admin");
    const theirs = await ask("POST", "/policies/geo/break-glass-code", { token: admin.token });
    expect(theirs.body.code).toBe("forbidden");
  });
});
