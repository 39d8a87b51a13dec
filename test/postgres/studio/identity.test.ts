import { beforeAll, describe, expect, it } from "vitest";
import { exchangeSession } from "../../../workers/studio/auth/exchange-session.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness, password } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const exchange = (cookie: string, org: string | null = null) =>
  exchangeSession(studio.studio.services, cookie.split("=")[1], org, "req_01h455vb4pex5vsknk084sn02q");

describe("sign-up and sign-in", () => {
  it("takes a person from registration over the mailed link to a session", async () => {
    const account = await studio.newAccount();
    const me = await studio.send("GET", "/api/v1/me", { token: account.token });
    expect(me.status).toBe(200);
    expect(me.body).toEqual({
      user: { id: account.id, email: account.email, name: "A Person" },
      factors: [],
      mfa: false,
      orgs: [],
    });
  });

  it("tells by no sign-in whether an address that somebody registered has an account", async () => {
    const [taken, free] = [(await studio.newAccount()).email, studio.newEmail()];
    const answers = [];
    for (const email of [taken, free]) {
      const chosen = { email, password: "chosen by a stranger" };
      await studio.send("POST", "/api/v1/auth/register", { body: { ...chosen, name: "A" } });
      const { status, body } = await studio.send("POST", "/api/v1/auth/login", { body: chosen });
      answers.push({ status, code: body.code });
    }
    expect(answers).toEqual(Array(2).fill({ status: 401, code: "invalid_credentials" }));
  });

  it("answers an unknown person and a wrong password alike, with one hash each", async () => {
    let hashes = 0;
    const counted = await createHarness((services) => ({
      ...services,
      passwords: {
        ...services.passwords,
        verify: async () => {
          hashes += 1;
          return { kind: "wrong" };
        },
      },
    }));
    const { email } = await studio.newAccount();
    const known = await counted.send("POST", "/api/v1/auth/login", { body: { email, password: "not this one, no" } });
    expect(hashes).toBe(1);
    const body = { email: counted.newEmail(), password: "not this one, no" };
    const unknown = await counted.send("POST", "/api/v1/auth/login", { body });
    expect(hashes).toBe(2);
    const shape = ({ status, body: { request_id: _, ...rest }, headers }: typeof known) => ({
      status,
      rest,
      names: [...headers.keys()],
    });
    expect(shape(unknown)).toEqual(shape(known));
    expect(unknown.body.code).toBe("invalid_credentials");
  });

  it("answers a taken address like a free one, and only the mail tells", async () => {
    const { email } = await studio.newAccount();
    const body = { email, password, name: "Somebody" };
    const taken = await studio.send("POST", "/api/v1/auth/register", { body });
    const free = await studio.send("POST", "/api/v1/auth/register", { body: { ...body, email: studio.newEmail() } });
    expect([taken.status, taken.body]).toEqual([free.status, free.body]);
    expect(studio.mails.findLast(({ to }) => to === email)?.subject).toContain("already have");
  });

  it("gives a stranger's registration no password over an address that its owner proves", async () => {
    const email = studio.newEmail();
    const theirs = "the stranger's own password";
    await studio.send("POST", "/api/v1/auth/register", { body: { email, password: theirs, name: "Stranger" } });
    await studio.send("POST", "/api/v1/auth/register", { body: { email, password, name: "Owner" } });
    await studio.send("POST", "/api/v1/auth/verify-email", { body: { token: studio.mailedToken(email) } });
    const stranger = await studio.send("POST", "/api/v1/auth/login", { body: { email, password: theirs } });
    expect(stranger.body.code).toBe("invalid_credentials");
    await studio.signIn(email);
  });

  it("sends one address no more mail than five open registrations", async () => {
    const email = studio.newEmail();
    for (let time = 0; time < 7; time += 1) {
      const answer = await studio.send("POST", "/api/v1/auth/register", { body: { email, password, name: "A" } });
      expect(answer.status).toBe(202);
    }
    expect(studio.mails.filter(({ to }) => to === email)).toHaveLength(5);
  });

  it("takes a verification link once and for a day", async () => {
    const email = studio.newEmail();
    await studio.send("POST", "/api/v1/auth/register", { body: { email, password, name: "A" } });
    const body = { token: studio.mailedToken(email) };
    studio.clock.nowMs += 24 * 3600_000 + 1;
    expect((await studio.send("POST", "/api/v1/auth/verify-email", { body })).status).toBe(401);
    studio.clock.nowMs -= 24 * 3600_000 + 1;
    expect((await studio.send("POST", "/api/v1/auth/verify-email", { body })).status).toBe(200);
    expect((await studio.send("POST", "/api/v1/auth/verify-email", { body })).status).toBe(401);
  });

  it("opens an organisation's own door to its members alone", async () => {
    const org = await studio.newOrg();
    const stranger = await studio.newAccount();
    const path = `/api/v1/orgs/${org.slug}/auth/login?tokens=1`;
    const inside = await studio.send("POST", path, { body: { email: org.owner.email, password } });
    const outside = await studio.send("POST", path, { body: { email: stranger.email, password } });
    expect([inside.status, outside.status, outside.body.code]).toEqual([200, 401, "invalid_credentials"]);
  });

  it("keeps only hashes of what opens a session", async () => {
    const { cookie, refreshToken } = await studio.newAccount();
    const rows = await asSuperuser(
      "SELECT (SELECT json_agg(s) FROM control.sessions s)::text || (SELECT json_agg(r) FROM control.refresh_tokens r)::text AS dump",
    );
    const dump = String(rows[0]!.dump);
    expect(dump).not.toContain(cookie.split("=")[1]);
    expect(dump).not.toContain(refreshToken);
  });
});

describe("sessions", () => {
  it("sets a cookie that only this host, only over TLS and no script can hold", async () => {
    const { email } = await studio.newAccount();
    const answer = await studio.send("POST", "/api/v1/auth/login", { body: { email, password } });
    expect(answer.headers.getSetCookie()[0]).toMatch(
      /^__Host-sentinel_session=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=86400$/,
    );
    expect(Object.keys(answer.body)).toEqual(["user", "orgs"]);
  });

  it("ends at once when signed out: the token in hand and the cookie are worth nothing", async () => {
    const account = await studio.newAccount();
    const org = await studio.newOrg(account);
    expect((await exchange(account.cookie, org.id)).kind).toBe("ok");
    expect((await studio.send("POST", "/api/v1/auth/logout", { token: account.token })).status).toBe(204);
    expect((await studio.send("GET", "/api/v1/me", { token: account.token })).body.code).toBe("invalid_token");
    expect(await exchange(account.cookie)).toEqual({ kind: "refused" });
    const refresh = { body: { refresh_token: account.refreshToken } };
    expect((await studio.send("POST", "/api/v1/auth/refresh", refresh)).body.code).toBe("invalid_token");
    const told = studio.standIns.calls.find(({ method, args }) => method === "endSessions" && args[0] === org.id);
    expect(told).toBeDefined();
  });

  it("replaces the session that a browser signs in over", async () => {
    const first = await studio.newAccount();
    const second = await studio.signIn(first.email, { Cookie: `a=b; ${first.cookie}` });
    expect(second.cookie).not.toBe(first.cookie);
    expect((await studio.send("GET", "/api/v1/me", { token: first.token })).status).toBe(401);
    expect((await studio.send("GET", "/api/v1/me", { token: second.token })).status).toBe(200);
  });

  it("dies with its person's account", async () => {
    const account = await studio.newAccount();
    await asSuperuser("UPDATE control.users SET disabled_at = now() WHERE id = $1", [account.id]);
    expect((await studio.send("GET", "/api/v1/me", { token: account.token })).status).toBe(401);
    expect(await exchange(account.cookie)).toEqual({ kind: "refused" });
    const refresh = { body: { refresh_token: account.refreshToken } };
    expect((await studio.send("POST", "/api/v1/auth/refresh", refresh)).status).toBe(401);
    const again = await studio.send("POST", "/api/v1/auth/login", { body: { email: account.email, password } });
    expect(again.body.code).toBe("invalid_credentials");
  });

  it("ends after an idle hour, and after a day however busy", async () => {
    const own = await createHarness();
    const account = await own.newAccount();
    own.clock.nowMs += 3600_000 + 1;
    expect(
      await exchangeSession(own.studio.services, account.cookie.split("=")[1], null, "req_01h455vb4pex5vsknk084sn02q"),
    ).toEqual({ kind: "refused" });
    const { cookie } = await own.signIn(account.email);
    const kinds = [];
    for (let halfHour = 0; halfHour < 49; halfHour += 1) {
      own.clock.nowMs += 1800_000;
      kinds.push(
        (await exchangeSession(own.studio.services, cookie.split("=")[1], null, "req_01h455vb4pex5vsknk084sn02q")).kind,
      );
    }
    expect(kinds.indexOf("refused")).toBe(47);
  });

  it("lists one's own and ends another of one's own, nobody else's", async () => {
    const here = await studio.newAccount();
    const there = await studio.signIn(here.email);
    const stranger = await studio.newAccount();
    const { body } = await studio.send("GET", "/api/v1/me/sessions", { token: here.token });
    expect(body.items).toHaveLength(2);
    const first = await studio.send("GET", "/api/v1/me/sessions?limit=1", { token: here.token });
    const rest = await studio.send("GET", `/api/v1/me/sessions?cursor=${first.body.next_cursor}`, {
      token: here.token,
    });
    expect([...first.body.items, ...rest.body.items]).toEqual(body.items);
    const other = body.items.find(({ current }: { current: boolean }) => !current).id;
    const target = `/api/v1/me/sessions/${other}`;
    expect((await studio.send("DELETE", target, { token: stranger.token })).status).toBe(404);
    expect((await studio.send("DELETE", target, { token: here.token })).status).toBe(204);
    expect((await studio.send("GET", "/api/v1/me", { token: there.token })).status).toBe(401);
  });
});

describe("refresh tokens", () => {
  const refresh = (token: string) => studio.send("POST", "/api/v1/auth/refresh", { body: { refresh_token: token } });

  it("are good once, and each answer brings the next", async () => {
    const { refreshToken } = await studio.newAccount();
    const first = await refresh(refreshToken);
    expect(first.status).toBe(200);
    expect(first.body.refresh_token).not.toBe(refreshToken);
    expect((await studio.send("GET", "/api/v1/me", { token: first.body.access_token })).status).toBe(200);
    expect((await refresh(first.body.refresh_token)).status).toBe(200);
  });

  it("give two simultaneous requests the same successor, and nobody is logged out", async () => {
    const { refreshToken } = await studio.newAccount();
    const answers = await Promise.all([refresh(refreshToken), refresh(refreshToken), refresh(refreshToken)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
  });

  it("give the parent the same successor for ten seconds and not a moment longer", async () => {
    const { refreshToken } = await studio.newAccount();
    const first = await refresh(refreshToken);
    studio.clock.nowMs += 10_000;
    expect((await refresh(refreshToken)).body.refresh_token).toBe(first.body.refresh_token);
    studio.clock.nowMs += 1;
    expect((await refresh(refreshToken)).body.code).toBe("invalid_token");
  });

  it("end a day after the sign-in, however often they were renewed", async () => {
    const own = await createHarness();
    let { refreshToken } = await own.newAccount();
    const statuses: number[] = [];
    for (let halfHour = 0; halfHour < 49; halfHour += 1) {
      own.clock.nowMs += 1800_000;
      const answer = await own.send("POST", "/api/v1/auth/refresh", { body: { refresh_token: refreshToken } });
      statuses.push(answer.status);
      refreshToken = answer.body.refresh_token ?? refreshToken;
    }
    expect(statuses.indexOf(401)).toBe(47);
  });

  it("end the session when a spent one comes back, and the log says so", async () => {
    const account = await studio.newAccount();
    const org = await studio.newOrg(account);
    const first = await refresh(account.refreshToken);
    const second = await refresh(first.body.refresh_token);
    // Within ten seconds, but no longer the newest one's parent.
    const reuse = await refresh(account.refreshToken);
    expect(reuse.body.code).toBe("invalid_token");
    expect((await refresh(second.body.refresh_token)).body.code).toBe("invalid_token");
    expect((await studio.send("GET", "/api/v1/me", { token: account.token })).status).toBe(401);
    const logged = studio.audit.of(reuse.requestId).filter(({ event }) => event.type === "login");
    expect(logged.map(({ log, event }) => [log, event.type === "login" && event.outcome])).toEqual([
      [org.id, "failure"],
      [null, "failure"],
    ]);
    expect(studio.standIns.calls.some(({ method, args }) => method === "endSessions" && args[0] === org.id)).toBe(true);
  });

  it("refuse what was never given out", async () => {
    expect((await refresh("x".repeat(43))).body.code).toBe("invalid_token");
  });
});
