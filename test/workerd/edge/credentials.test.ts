import { describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { bearer, origin, outcome, publishOrg, send, sendJson, signIn } from "./harness.ts";
import { accessToken, asked, lastCall, recorded } from "./recorders.ts";

const exchanges = (): string[] => asked().filter((call) => call.startsWith("SESSIONS"));

describe("a session cookie", () => {
  it("is exchanged once a minute for one organisation, and the token goes to studio alone", async () => {
    const org = await publishOrg();
    const { cookie, token } = await signIn(org.org);
    const path = `/api/v1/orgs/${org.slug}/devices`;
    const answers = [
      await send(path, { headers: { Cookie: cookie } }),
      await send(path, { headers: { Cookie: cookie } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(exchanges()).toHaveLength(1);
    const { headers } = lastCall("STUDIO");
    expect(headers).toMatchObject({
      authorization: `Bearer ${token}`,
      "x-sentinel-credential": "cookie",
      "x-sentinel-org": org.org,
    });
    expect(headers).not.toHaveProperty("cookie");
    for (const answer of answers) expect(JSON.stringify([...answer.headers])).not.toContain(token);
    await send("/api/v1/me", { headers: { Cookie: cookie } });
    expect(exchanges()).toHaveLength(2);
  });

  it("that names no session is refused, and never remembered as refused; the browser keeps what may be a newer one", async () => {
    const headers = { Cookie: "__Host-sentinel_session=stale" };
    const answer = await send("/api/v1/me", { headers });
    expect(answer.headers.get("Set-Cookie")).toBeNull();
    expect(await outcome(answer)).toBe("401 unauthenticated");
    await send("/api/v1/me", { headers });
    expect(exchanges()).toHaveLength(2);
  });

  it("that names no session is ignored on a public route", async () => {
    const answer = await send("/api/openapi.json", { headers: { Cookie: "__Host-sentinel_session=stale" } });
    expect([answer.status, answer.headers.get("Set-Cookie")]).toEqual([200, null]);
    expect(lastCall("STUDIO").headers["x-sentinel-credential"]).toBe("none");
  });

  it("that appears twice is nobody's", async () => {
    const { cookie } = await signIn();
    expect(await outcome(await send("/api/v1/me", { headers: { Cookie: `${cookie}; ${cookie}` } }))).toBe(
      "401 unauthenticated",
    );
    expect(exchanges()).toEqual([]);
  });

  it("is not exchanged for what the edge serves to everybody", async () => {
    const { cookie } = await signIn();
    expect((await send("/", { headers: { Cookie: cookie } })).status).toBe(200);
    expect(exchanges()).toEqual([]);
  });

  it("is forgotten at once when it signs out", async () => {
    const { cookie } = await signIn();
    await send("/api/v1/me", { headers: { Cookie: cookie } });
    recorded.studio = () =>
      new Response(null, { status: 204, headers: { "Set-Cookie": "__Host-sentinel_session=; Max-Age=0" } });
    const answer = await send("/api/v1/auth/logout", { method: "POST", headers: { Cookie: cookie, Origin: origin } });
    expect([answer.status, answer.headers.get("Set-Cookie")]).toEqual([204, "__Host-sentinel_session=; Max-Age=0"]);
    recorded.sessions.clear();
    expect(await outcome(await send("/api/v1/me", { headers: { Cookie: cookie } }))).toBe("401 unauthenticated");
  });

  it("that counts in another organisation is passed on as just that: a refusal from here would say that this one exists", async () => {
    const [mine, theirs] = [await publishOrg(), await publishOrg()];
    const { secret, cookie, user } = await signIn(mine.org);
    const sid = secret.slice("secret-".length);
    const token = await accessToken({ sub: user, org: theirs.org, role: "admin", sid });
    recorded.sessions.set(secret, async () => token);
    await send(`/api/v1/orgs/${mine.org}/devices`, { headers: { Cookie: cookie } });
    expect(lastCall("STUDIO").headers).toMatchObject({
      authorization: `Bearer ${token}`,
      "x-sentinel-org": mine.org,
    });
  });
});

describe("an API key", () => {
  /** Another one in each test: the edge remembers what it has exchanged for a minute. */
  const newKey = (): string => `sak_${crypto.randomUUID()}abcdefg`;
  /** Makes the exchange answer as for a key of this organisation. */
  async function register(key: string, org: OrgId) {
    const { user } = await signIn(org);
    const sid = "ses_01h455vb4pex5vsknk084sn02q";
    const token = await accessToken({ sub: user, org, role: "admin", sid });
    recorded.sessions.set(key, async () => token);
    return { user, token };
  }

  it("is exchanged once a minute, never forwarded, and needs no proof of an origin", async () => {
    const key = newKey();
    const { org } = await publishOrg();
    const { token } = await register(key, org);
    const headers = { ...bearer(key), Origin: "https://anywhere.example" };
    const answers = [
      await send(`/api/v1/orgs/${org}/devices`, { headers }),
      await sendJson(`/api/v1/orgs/${org}/groups`, { name: "a" }, headers),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(exchanges()).toHaveLength(1);
    const { headers: forwarded } = lastCall("STUDIO");
    expect(forwarded).toMatchObject({ authorization: `Bearer ${token}`, "x-sentinel-credential": "bearer" });
    expect(JSON.stringify(forwarded)).not.toContain(key);
  });

  it("is counted by its service user in its own organisation, whatever is addressed and wherever it comes from", async () => {
    const key = newKey();
    const [own, other] = [await publishOrg(), await publishOrg()];
    const { user } = await register(key, own.org);
    for (const [org, address] of [
      [own.org, "198.51.100.1"],
      [other.org, "198.51.100.2"],
    ] as const) {
      await send(`/api/v1/orgs/${org}/devices`, { headers: { ...bearer(key), "CF-Connecting-IP": address } });
    }
    const counts = asked().filter((call) => call.startsWith("LIMITS "));
    // The other organisation's allowance is not this key's to use up.
    expect(counts).toEqual([
      `LIMITS user:${user} default:100`,
      `LIMITS tenant:${own.org} tenant 6000 61000 1`,
      `LIMITS user:${user} default:100`,
    ]);
  });

  it("opens the hub with a token, so that the key itself stays at the door", async () => {
    const key = newKey();
    const { org } = await publishOrg();
    const { token } = await register(key, org);
    const answer = await send(`/mqtt/${org}`, { headers: { Upgrade: "websocket", ...bearer(key) } });
    expect(answer.status).toBe(101);
    expect(lastCall("DEVICE_GATEWAY").headers).toMatchObject({ authorization: `Bearer ${token}` });
  });

  it("that can't be one of ours, or is in a cookie, is refused without asking anybody", async () => {
    const key = newKey();
    await register(key, (await publishOrg()).org);
    for (const wrong of ["sak_", "sak_short", `${key}k`, key.replace("-", "~")])
      expect(await outcome(await send("/api/v1/me", { headers: bearer(wrong) }))).toBe("401 invalid_token");
    const planted = { Cookie: `__Host-sentinel_session=${key}` };
    expect(await outcome(await send("/api/v1/me", { headers: planted }))).toBe("401 unauthenticated");
    expect(exchanges()).toEqual([]);
  });

  it("that studio does not know is refused, and asked about again each time", async () => {
    const key = newKey();
    for (let time = 1; time <= 2; time += 1) {
      expect(await outcome(await send("/api/v1/me", { headers: bearer(key) }))).toBe("401 invalid_token");
      expect(exchanges()).toHaveLength(time);
    }
  });
});

describe("a bearer token", () => {
  it("wins over the cookie, which is then not even exchanged", async () => {
    const [one, other] = [await signIn(), await signIn()];
    await send("/api/v1/me", { headers: { ...bearer(one.token), Cookie: other.cookie } });
    expect(exchanges()).toEqual([]);
    expect(lastCall("STUDIO").headers).toMatchObject({
      authorization: `Bearer ${one.token}`,
      "x-sentinel-credential": "bearer",
    });
  });

  it("that is expired, forged, of another type or for nobody is refused, on public routes too", async () => {
    const { user, secret, token } = await signIn();
    const claims = { sub: user, org: null, role: null, sid: secret.slice("secret-".length) };
    const bad = [
      "nonsense",
      `${token.slice(0, -6)}AAAAAA`,
      await accessToken(claims, { expiresInSeconds: -60 }),
      await accessToken(claims, { typ: "JWT" }),
      await accessToken(claims, { kid: "unknown" }),
      "sdt_device-token",
      "eyJhbGciOiJub25lIn0.e30.",
    ];
    for (const token of bad) {
      const answer = await send("/api/v1/me", { headers: bearer(token) });
      expect(answer.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
      expect(await outcome(answer)).toBe("401 invalid_token");
      expect(await outcome(await sendJson("/api/v1/auth/login", {}, bearer(token)))).toBe("401 invalid_token");
    }
    expect(asked().filter((call) => !call.startsWith("PUBLIC_KEYS"))).toEqual([]);
  });

  it("does not fall back to the cookie when it does not hold", async () => {
    const { cookie } = await signIn();
    expect(await outcome(await send("/api/v1/me", { headers: { ...bearer("nonsense"), Cookie: cookie } }))).toBe(
      "401 invalid_token",
    );
  });
});

describe("cross-site request forgery", () => {
  const write = (headers: Record<string, string>) => sendJson("/api/v1/orgs", { name: "A", slug: "abc" }, headers);

  it("lets a cookie write only with proof of our own origin", async () => {
    const { cookie } = await signIn();
    for (const headers of [
      {},
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { Origin: origin, "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-origin" },
    ])
      expect(await outcome(await write({ Cookie: cookie, ...(headers as Record<string, string>) }))).toBe(
        "403 csrf_denied",
      );
    expect(asked()).toEqual([]);
    expect((await write({ Cookie: cookie, Origin: origin })).status).toBe(200);
    expect((await write({ Cookie: cookie, Origin: origin, "Sec-Fetch-Site": "same-origin" })).status).toBe(200);
  });

  it("does not concern a bearer token or a read", async () => {
    const { cookie, token } = await signIn();
    expect((await write({ ...bearer(token), Origin: "https://other.example" })).status).toBe(200);
    expect((await send("/api/v1/me", { headers: { Cookie: cookie, "Sec-Fetch-Site": "none" } })).status).toBe(200);
  });

  it("lets no other site sign somebody in, register or enrol, and programs do", async () => {
    for (const path of ["/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/enroll"]) {
      expect(await outcome(await sendJson(path, {}, { Origin: "https://evil.example" }))).toBe("403 csrf_denied");
      expect((await sendJson(path, {})).status).toBe(200);
      expect((await sendJson(path, {}, { Origin: origin })).status).toBe(200);
    }
  });

  it("lets a cookie open a socket only from our own pages", async () => {
    const org = await publishOrg();
    const { cookie } = await signIn(org.org);
    const upgrade = (headers: Record<string, string>) =>
      send(`/mqtt/${org.org}`, { headers: { Upgrade: "websocket", Cookie: cookie, ...headers } });
    expect(await outcome(await upgrade({}))).toBe("403 csrf_denied");
    expect(await outcome(await upgrade({ Origin: "https://evil.example" }))).toBe("403 csrf_denied");
    expect((await upgrade({ Origin: origin })).status).toBe(101);
  });
});

describe("missing credentials", () => {
  it("are asked for on every route that is not public", async () => {
    const answer = await send("/api/v1/me");
    expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="sentinel"');
    expect(await outcome(answer)).toBe("401 unauthenticated");
    expect(await outcome(await send("/api/v1/me", { headers: { Authorization: "Basic dTpw" } }))).toBe(
      "401 invalid_token",
    );
  });
});
