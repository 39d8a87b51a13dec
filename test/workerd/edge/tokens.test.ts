import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keySetFreshMs } from "../../../core/mesh/keys.ts";
import { bearer, outcome, publishOrg, send, sendJson, signIn } from "./harness.ts";
import { accessToken, asked, lastCall, recorded } from "./recorders.ts";

const rotate = "/api/v1/operator/keys/rotate";
const sop = `sop_${"o".repeat(43)}`;
const order = { purpose: "access", emergency: true };
const forwarded = (): string[] => asked().filter((call) => call.startsWith("STUDIO"));

describe("the operator's token", () => {
  it("goes to studio untouched on the operator's routes, which alone can verify it", async () => {
    expect((await sendJson(rotate, order, bearer(sop))).status).toBe(200);
    expect(lastCall("STUDIO").headers).toMatchObject({
      authorization: `Bearer ${sop}`,
      "x-sentinel-route": "rotateKeys",
    });
    expect(lastCall("STUDIO").headers["x-sentinel-credential"]).toBe("none");
  });

  it("is counted like a sign-in, by address", async () => {
    await sendJson(rotate, order, bearer(sop));
    expect(lastCall("LIMITS").what).toMatch(/^address:\S+ sign_in:30 default:100$/);
  });

  it.each([
    ["nobody", async () => ({})],
    ["a person", async () => bearer((await signIn()).token)],
    [
      "a person's cookie, with our own Origin",
      async () => ({ Cookie: (await signIn()).cookie, Origin: "https://s.example" }),
    ],
    ["a device", async () => bearer(`sdt_${"d".repeat(43)}`)],
    ["a token that is almost one", async () => bearer(`${sop}x`)],
    ["two tokens", async () => ({ Authorization: `Bearer ${sop}, Bearer ${sop}` })],
  ])("is what %s does not have: to them the route is not there", async (_who, headers) => {
    const answer = await sendJson(rotate, order, await headers());
    const unknown = await sendJson("/api/v1/operator/keys/nothing", order, await headers());
    const [here, there] = (await Promise.all([answer.json(), unknown.json()])) as Record<string, unknown>[];
    expect([answer.status, { ...here, request_id: "" }]).toEqual([404, { ...there, request_id: "" }]);
    const names = (response: Response) => [...response.headers.keys()].sort();
    expect(names(answer)).toEqual(names(unknown));
    expect(forwarded()).toEqual([]);
  });

  it.each(["/api/v1/me", "/api/v1/auth/logout", "/api/v1/auth/login"])("opens nothing else: %s", async (path) => {
    const answer = path.endsWith("me")
      ? await send(path, { headers: bearer(sop) })
      : await sendJson(path, {}, bearer(sop));
    expect(await outcome(answer)).toBe("401 invalid_token");
    expect(forwarded()).toEqual([]);
  });

  it("opens no organisation and no socket", async () => {
    const org = await publishOrg();
    const socket = { ...bearer(sop), Upgrade: "websocket" };
    for (const [path, headers] of [
      [`/api/v1/orgs/${org.slug}/devices`, bearer(sop)],
      [`/mqtt/${org.org}`, socket],
    ] as const) {
      expect(await outcome(await send(path, { headers }))).toBe("401 invalid_token");
    }
    expect(forwarded()).toEqual([]);
  });
});

describe("a key that was revoked", () => {
  let kids = 0;
  const revoke = (): void => {
    kids += 1;
    recorded.kid = `k1-${kids}`;
  };
  beforeEach(() => {
    // Ahead of what any earlier test of this isolate has fetched, so that the set is fetched anew.
    kids += 1;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + kids * 3600_000 });
  });
  afterEach(() => {
    recorded.kid = "k1";
    vi.useRealTimers();
  });

  /** The isolate's set of keys is half a minute old when `step` begins. */
  async function midway(): Promise<void> {
    await send("/api/v1/me", { headers: bearer((await signIn()).token) });
    vi.setSystemTime(Date.now() + keySetFreshMs / 2);
  }

  it("is worth nothing a minute later, in whatever token", async () => {
    const { token } = await signIn();
    expect((await send("/api/v1/me", { headers: bearer(token) })).status).toBe(200);
    revoke();
    vi.setSystemTime(Date.now() + keySetFreshMs);
    expect(await outcome(await send("/api/v1/me", { headers: bearer(token) }))).toBe("401 invalid_token");
  });

  it("is not forwarded from what the edge keeps of a session: the cookie is exchanged anew and lives on", async () => {
    await midway();
    const { cookie, secret, token, user } = await signIn();
    expect((await send("/api/v1/me", { headers: { Cookie: cookie } })).status).toBe(200);
    expect(lastCall("STUDIO").headers["authorization"]).toBe(`Bearer ${token}`);
    revoke();
    const sid = secret.slice("secret-".length);
    const fresh = await accessToken({ sub: user, org: null, role: null, sid });
    recorded.sessions.set(secret, async () => fresh);
    // The session itself would be kept for half a minute more.
    vi.setSystemTime(Date.now() + keySetFreshMs / 2);
    expect((await send("/api/v1/me", { headers: { Cookie: cookie } })).status).toBe(200);
    expect(lastCall("STUDIO").headers["authorization"]).toBe(`Bearer ${fresh}`);
  });

  it("is not taken from studio either, which is asked once more, and no oftener", async () => {
    const { cookie, secret, token, user } = await signIn();
    revoke();
    const sid = secret.slice("secret-".length);
    const fresh = await accessToken({ sub: user, org: null, role: null, sid });
    const answers = [token, fresh];
    recorded.sessions.set(secret, async () => answers.shift() ?? token);
    expect((await send("/api/v1/me", { headers: { Cookie: cookie } })).status).toBe(200);
    expect(lastCall("STUDIO").headers["authorization"]).toBe(`Bearer ${fresh}`);
    expect(
      asked()
        .filter((call) => call.startsWith("SESSIONS"))
        .map((call) => call.endsWith("renew")),
    ).toEqual([false, true]);

    const other = await signIn();
    recorded.sessions.set(other.secret, async () => token);
    expect(await outcome(await send("/api/v1/me", { headers: { Cookie: other.cookie } }))).toBe("503 unavailable");
    expect(asked().filter((call) => call.startsWith(`SESSIONS ${other.secret}`))).toHaveLength(2);
  });
});
