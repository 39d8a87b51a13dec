import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { formatEnrollmentCode } from "../../../core/tenancy/enrollment-code.ts";
import { bearer, outcome, publishOrg, send, sendJson, signIn } from "./harness.ts";
import { asked, lastCall, recorded } from "./recorders.ts";

const upgradeTo = (org: string) => send(`/mqtt/${org}`, { headers: { Upgrade: "websocket" } });
const fields = (answer: Response) => [answer.headers.get("RateLimit-Policy"), answer.headers.get("RateLimit")];

describe("limit", () => {
  /** So that no block lapses on a slow machine. */
  const stopClock = () => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  afterEach(() => vi.useRealTimers());

  it("refuses request N+1 with Retry-After and the RateLimit fields, which N before it carried too", async () => {
    const { token } = await signIn();
    const create = () => sendJson("/api/v1/orgs", { name: "A", slug: "abc" }, bearer(token));
    const policies = '"org_creation";q=5;w=60, "default";q=100;w=60';
    for (let left = 4; left >= 0; left -= 1) {
      const answer = await create();
      expect(answer.status).toBe(200);
      expect(fields(answer)).toEqual([policies, `"org_creation";r=${left};t=30, "default";r=${95 + left};t=30`]);
    }
    const refused = await create();
    expect(refused.headers.get("Retry-After")).toBe("30");
    expect(fields(refused)).toEqual([policies, '"org_creation";r=0;t=30, "default";r=95;t=30']);
    expect(await outcome(refused)).toBe("429 rate_limited");
    expect(asked().filter((call) => call.startsWith("STUDIO"))).toHaveLength(5);
  });

  it("refuses request 101 of a person, whichever routes and organisations they asked", async () => {
    const org = await publishOrg();
    const { token } = await signIn(org.org);
    const paths = ["/api/v1/me", `/api/v1/orgs/${org.slug}/devices`, `/api/v1/orgs/${org.org}/members`];
    const read = (index: number) => send(paths[index % 3] ?? "", { headers: bearer(token) });
    for (let index = 0; index < 99; index += 1) expect((await read(index)).status).toBe(200);
    // A class of its own counts too.
    expect((await sendJson("/api/v1/orgs", { name: "A", slug: "abc" }, bearer(token))).status).toBe(200);
    expect(await outcome(await read(0))).toBe("429 rate_limited");
    expect(await outcome(await sendJson("/api/v1/orgs", { name: "B", slug: "abd" }, bearer(token)))).toBe(
      "429 rate_limited",
    );
    const somebody = await signIn(org.org);
    expect((await send("/api/v1/me", { headers: bearer(somebody.token) })).status).toBe(200);
  });

  it("counts a person by user, not by address or claimed address, and then their organisation", async () => {
    const org = await publishOrg();
    const { token, user } = await signIn(org.org);
    await send(`/api/v1/orgs/${org.slug}/devices`, {
      headers: { ...bearer(token), "CF-Connecting-IP": "9.9.9.9", "X-Forwarded-For": "8.8.8.8" },
    });
    const counts = asked().filter((call) => call.startsWith("LIMITS"));
    expect(counts).toEqual([`LIMITS user:${user} default:100`, `LIMITS tenant:${org.org} tenant 6000 61000 1`]);
  });

  it("refuses a whole organisation at its bound, and no other", async () => {
    const [noisy, quiet] = [await publishOrg(), await publishOrg()];
    const [one, another] = [await signIn(noisy.org), await signIn(quiet.org)];
    recorded.counts.set(`tenant tenant:${noisy.org}`, 6000);
    const refused = await send(`/api/v1/orgs/${noisy.slug}/devices`, { headers: bearer(one.token) });
    expect(fields(refused)[1]).toBe('"tenant";r=0;t=30, "default";r=99;t=30');
    expect(await outcome(refused)).toBe("429 rate_limited");
    const path = `/api/v1/orgs/${quiet.slug}/devices`;
    expect((await send(path, { headers: bearer(another.token) })).status).toBe(200);
    // Its own doors stay open: nobody is signed in there yet.
    expect((await sendJson(`/api/v1/orgs/${noisy.slug}/auth/login`, {})).status).toBe(200);
  });

  it("does not let a stranger use up an organisation's allowance", async () => {
    const org = await publishOrg();
    const { token } = await signIn();
    await send(`/api/v1/orgs/${org.slug}/devices`, { headers: bearer(token) });
    await sendJson(`/api/v1/orgs/${org.slug}/auth/login`, {});
    await upgradeTo(org.org);
    expect(asked().filter((call) => call.startsWith("LIMITS tenant"))).toEqual([]);
  });

  it("counts upgrades that come at once in blocks, one asked for at a time", async () => {
    stopClock();
    const org = await publishOrg();
    // The isolate knows the organisation from now on, so that all come to the count together.
    expect((await upgradeTo(org.org)).status).toBe(101);
    recorded.countingTakesMs = 20;
    const answers = await Promise.all(Array.from({ length: 40 }, () => upgradeTo(org.org)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 101));
    const counts = recorded.calls.filter(({ unit }) => unit === "LIMITS").map(({ what }) => what.split(" ").slice(1));
    const sizes = counts.map(([policy, limit, windowMs, permits]) => {
      expect([policy, limit, windowMs]).toEqual(["mqtt_connect", "600", "61000"]);
      return Number(permits);
    });
    expect(sizes.slice(0, 2)).toEqual([1, 2]);
    // Then as many as wait, however they come. Every upgrade has its own, and its headers say what is left.
    expect(sizes.length).toBeLessThan(10);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThanOrEqual(41);
    const left = answers.map(({ headers }) => Number(/;r=(\d+);/.exec(headers.get("RateLimit") ?? "")?.[1]));
    expect(left.sort((a, b) => b - a)).toEqual(Array.from({ length: 40 }, (_, index) => 598 - index));
  });

  it("refuses upgrade N+1, and those that waited for its count with it", async () => {
    stopClock();
    const org = await publishOrg();
    expect((await upgradeTo(org.org)).status).toBe(101);
    const [key] = recorded.counts.keys();
    if (key === undefined) throw new Error("nothing was counted");
    recorded.counts.set(key, 597);
    recorded.countingTakesMs = 20;
    const answers = await Promise.all(Array.from({ length: 20 }, () => upgradeTo(org.org)));
    expect(answers.filter(({ status }) => status === 101)).toHaveLength(3);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get("Retry-After")).toBe("30");
    expect(refused?.headers.get("RateLimit")).toBe('"mqtt_connect";r=0;t=30');
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(17);
  });

  it("counts sign-ins by the address that Cloudflare saw, an IPv6 one by its network", async () => {
    await sendJson("/api/v1/auth/login", {}, { "CF-Connecting-IP": "2001:db8:7:7::5", "X-Forwarded-For": "8.8.8.8" });
    expect(asked()[0]).toBe("LIMITS address:2001:db8:7:7::/64 sign_in:30 default:100");
    expect(lastCall("STUDIO").headers["x-sentinel-client-ip"]).toBe("2001:db8:7:7::5");
  });

  it("tells an inner unit's bounds beside its own", async () => {
    recorded.studio = () =>
      Response.json({}, { headers: { RateLimit: '"inner";r=1;t=9', "RateLimit-Policy": '"inner";q=2;w=60' } });
    const { token } = await signIn();
    expect(fields(await send("/api/v1/me", { headers: bearer(token) }))).toEqual([
      '"inner";q=2;w=60, "default";q=100;w=60',
      '"inner";r=1;t=9, "default";r=99;t=30',
    ]);
  });
});

describe("an enrolment", () => {
  let code: string;
  let org: Awaited<ReturnType<typeof publishOrg>>;
  beforeEach(async () => {
    org = await publishOrg();
    code = formatEnrollmentCode(org.slug, crypto.getRandomValues(new Uint8Array(20)));
    valid.clear();
    // What was asked is on record before it is answered.
    recorded.studio = () => new Response("{}", { status: valid.has(lastCall("STUDIO").body) ? 201 : 403 });
  });
  const valid = new Set<string>();
  const body = (text: string) => ({ code: text, name: "a", platform: "linux" });
  const enrol = (text: string) => sendJson("/api/v1/enroll", body(text));
  const another = () => formatEnrollmentCode(org.slug, crypto.getRandomValues(new Uint8Array(20)));

  it("is a guess of its address: ten that miss, and the eleventh is not looked at", async () => {
    for (let left = 9; left >= 0; left -= 1) {
      const answer = await enrol(another());
      expect([answer.status, fields(answer)[1]]).toEqual([403, expect.stringContaining(`"enrollment";r=${left};t=30`)]);
    }
    recorded.calls.length = 0;
    const refused = await enrol(another());
    expect([refused.headers.get("Retry-After"), fields(refused)]).toEqual([
      "30",
      ['"enrollment";q=10;w=60', '"enrollment";r=0;t=30'],
    ]);
    expect(await outcome(refused)).toBe("429 rate_limited");
    expect(asked().filter((call) => call.startsWith("STUDIO"))).toEqual([]);
    // Elsewhere in the world, and under an organisation's own address, it is the same count or its own.
    const orgAddress = await sendJson(`/api/v1/orgs/${org.slug}/enroll`, body(another()));
    expect(await outcome(orgAddress)).toBe("429 rate_limited");
  });

  it("whose code is one is no guess: 60 machines behind one address get their tokens", async () => {
    valid.add(JSON.stringify(body(code)));
    const answers = await Promise.all(Array.from({ length: 60 }, () => enrol(code)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    const attempts = asked().filter((call) => call.includes("attempt"));
    expect(attempts).toHaveLength(1);
    expect(asked().filter((call) => call.includes("given back"))).toHaveLength(1);
  });

  it("with a known code is not kept out by who guesses from the same address", async () => {
    valid.add(JSON.stringify(body(code)));
    expect((await enrol(code)).status).toBe(201);
    for (let miss = 0; miss < 10; miss += 1) expect((await enrol(another())).status).toBe(403);
    expect((await enrol(another())).status).toBe(429);
    expect((await enrol(code)).status).toBe(201);
  });
});

describe("the limiter out of reach", () => {
  beforeEach(() => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    recorded.down.add("LIMITS");
  });

  it("keeps out whatever can be guessed or makes something, before studio is asked", async () => {
    const { token } = await signIn();
    const sensitive = [
      sendJson("/api/v1/auth/login", {}),
      sendJson("/api/v1/enroll", { code: "x" }),
      sendJson("/api/v1/orgs", { name: "A", slug: "abc" }, bearer(token)),
      sendJson("/api/v1/me/step-up", {}, bearer(token)),
    ];
    for (const answer of await Promise.all(sensitive)) expect(await outcome(answer)).toBe("503 unavailable");
    expect(asked().filter((call) => call.startsWith("STUDIO"))).toEqual([]);
  });

  it("keeps nobody else out: reads, pages and devices go on, uncounted", async () => {
    const org = await publishOrg();
    const { token } = await signIn(org.org);
    const answer = await send(`/api/v1/orgs/${org.slug}/devices`, { headers: bearer(token) });
    expect([answer.status, ...fields(answer)]).toEqual([200, null, null]);
    expect((await send("/")).status).toBe(200);
    expect((await upgradeTo(org.org)).status).toBe(101);
  });

  it("leaves the flood gate in its place", async () => {
    const statuses = new Set<number>();
    for (let index = 0; index < 121; index += 1) statuses.add((await send("/api/openapi.json")).status);
    expect(statuses).toEqual(new Set([200, 429]));
  });
});
