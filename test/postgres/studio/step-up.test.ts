import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { type RouteName, type RouteSpec, routes } from "../../../core/routes.ts";
import { exchangeSession } from "../../../workers/studio/auth/exchange-session.ts";
import { byCookie, createFactorsKit, type FactorsKit } from "./factors-kit.ts";
import { type Account, createHarness, type Harness, password } from "./harness.ts";

let studio: Harness;
let kit: FactorsKit;
beforeAll(async () => {
  studio = await createHarness();
  kit = createFactorsKit(studio);
});

const minutes = (count: number): void => {
  studio.clock.nowMs += count * 60_000;
};
/** Something that asks for proof, of anybody. */
const asksForProof = (account: Pick<Account, "token">, headers: Record<string, string> = {}) =>
  studio.send("POST", "/api/v1/me/mfa/totp", { token: account.token, headers });
const me = (token: string) => studio.send("GET", "/api/v1/me", { token });
const secretOf = (cookie: string | null): string => /^[^=]+=([^;]+)/.exec(cookie ?? "")?.[1] ?? "";
const trade = (secret: string) =>
  exchangeSession(studio.studio.services, secret, null, "req_01h455vb4pex5vsknk084sn02q");

describe("what asks for proof", () => {
  const asking = (Object.entries(routes) as [RouteName, RouteSpec][]).filter(([, { stepUp }]) => stepUp);

  it("is everything that changes who may do what, and how people prove who they are", () => {
    const names = new Set(asking.map(([name]) => name));
    for (const name of [
      "changeMember",
      "removeMember",
      "eraseAuditSubject",
      "putPolicy",
      "createApiKey",
      "addTotp",
      "confirmTotp",
      "removeTotp",
      "passkeyRegistrationOptions",
      "addPasskey",
      "removePasskey",
      "renewRecoveryCodes",
      "changePassword",
      "changeEmail",
      "createIdentityProvider",
      "removeIdentityProvider",
    ]) {
      expect(names, name).toContain(name);
    }
  });

  it.each(asking)("%s refuses a proof of more than ten minutes, before anything is done", async (name, spec) => {
    const org = await studio.newOrg();
    const path = spec.path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) =>
      parameter === "org" ? org.slug : parameter === "policy" ? "geo" : (ids[parameter] ?? "none"),
    );
    minutes(10);
    const almost = await studio.send(spec.method, path, { token: org.owner.token });
    expect([name, almost.body?.code]).not.toEqual([name, "step_up_required"]);
    studio.clock.nowMs += 1;
    const answer = await studio.send(spec.method, path, { token: org.owner.token });
    expect([name, answer.status, answer.body.code]).toEqual([name, 401, "step_up_required"]);
    expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer error="insufficient_user_authentication", max_age=600');
    const intents = studio.audit.of(answer.requestId).filter(({ phase }) => phase === "intent");
    expect(intents).toEqual([]);
  });

  const id = (kind: "user" | "passkey" | "apiKey" | "provider" | "providerSecret") =>
    makeId(kind, Date.now(), randomBytes(10));
  const ids: Record<string, string> = {
    user: id("user"),
    passkey: id("passkey"),
    key: id("apiKey"),
    provider: id("provider"),
    secret: id("providerSecret"),
  };

  it("an invitation does when it makes an administrator", async () => {
    const org = await studio.newOrg();
    const invite = (role: string) =>
      studio.send("POST", `/api/v1/orgs/${org.id}/invitations`, {
        token: org.owner.token,
        body: { email: studio.newEmail(), role },
      });
    minutes(11);
    for (const role of ["owner", "admin"]) expect((await invite(role)).body.code).toBe("step_up_required");
    for (const role of ["analyst", "viewer", "readonly"]) expect((await invite(role)).status).toBe(201);
    expect((await kit.stepUp(org.owner, { password })).status).toBe(204);
    for (const role of ["owner", "admin"]) expect((await invite(role)).status).toBe(201);
  });
});

describe("a proof", () => {
  it("is signing in, and the password again where there is nothing stronger", async () => {
    const account = await studio.newAccount();
    expect((await asksForProof(account)).status).toBe(200);
    minutes(11);
    expect((await asksForProof(account)).status).toBe(401);
    const wrong = await kit.stepUp(account, { password: "not the password at all" });
    expect([wrong.status, wrong.body.code]).toEqual([401, "invalid_credentials"]);
    expect((await asksForProof(account)).status).toBe(401);
    expect((await kit.stepUp(account, { password })).status).toBe(204);
    expect((await asksForProof(account)).status).toBe(200);
    minutes(11);
    expect((await asksForProof(account)).status).toBe(401);
  });

  it("is the second factor of somebody who has one, and never the password alone", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const { authenticator } = await kit.addKey(account);
    const proofs = [
      async () => ({ otp: await kit.freshCode(app) }),
      async () => ({ recovery_code: app.recoveryCodes[0] }),
      async () => {
        const { body } = await studio.send("POST", "/api/v1/me/step-up/passkey-options", { token: account.token });
        return { ceremony: body.ceremony, passkey: authenticator.assert(body.options) };
      },
    ];
    for (const proof of proofs) {
      minutes(11);
      const refused = await kit.stepUp(account, { password });
      expect([refused.status, refused.body.code]).toEqual([401, "mfa_required"]);
      expect(refused.body.factors).toEqual(["totp", "passkey", "recovery_code"]);
      expect((await asksForProof(account)).status).toBe(401);
      expect((await kit.stepUp(account, await proof())).status).toBe(204);
      expect((await asksForProof(account)).status).toBe(200);
    }
  });

  it("of a minute ago is none when the factor came after it", async () => {
    const account = await studio.newAccount();
    const older = await studio.signIn(account.email);
    const app = await kit.addApp(account);
    expect((await asksForProof(older)).body.code).toBe("step_up_required");
    expect((await kit.stepUp(older, { otp: await kit.freshCode(app) })).status).toBe(204);
    expect((await asksForProof(older)).status).toBe(200);
  });

  it("is one's own: another's code, key or password proves nothing", async () => {
    const [account, other] = [await studio.newAccount(), await studio.newAccount()];
    await kit.addApp(account);
    const own = await kit.addKey(account);
    const app = await kit.addApp(other);
    const foreign = await kit.addKey(other);
    const ask = async (by: Account) =>
      (await studio.send("POST", "/api/v1/me/step-up/passkey-options", { token: by.token })).body;
    const asked = await ask(account);
    const theirs = await ask(other);
    const attempts = [
      { otp: await kit.freshCode(app) },
      { recovery_code: app.recoveryCodes[0] },
      { ceremony: asked.ceremony, passkey: foreign.authenticator.assert(asked.options) },
      // What another was asked, answered by oneself.
      { ceremony: theirs.ceremony, passkey: own.authenticator.assert(theirs.options) },
    ];
    minutes(4);
    for (const attempt of attempts) expect((await kit.stepUp(account, attempt)).status).toBe(401);
  });

  it("answers what this very session was asked, once", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const second = (await kit.passkeySignIn(authenticator)).body.access_token;
    const ask = async () =>
      (await studio.send("POST", "/api/v1/me/step-up/passkey-options", { token: account.token })).body;
    const asked = await ask();
    const body = { ceremony: asked.ceremony, passkey: authenticator.assert(asked.options) };
    expect((await kit.stepUp({ token: second }, body)).body.code).toBe("invalid_token");
    expect((await kit.stepUp(account, body)).status).toBe(204);
    expect((await kit.stepUp(account, body)).body.code).toBe("invalid_token");
    const late = await ask();
    minutes(5);
    const tooLate = { ceremony: late.ceremony, passkey: authenticator.assert(late.options) };
    expect((await kit.stepUp(account, tooLate)).body.code).toBe("invalid_token");
  });

  it("with a code that was used, for signing in or for a proof, is none", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const otp = await kit.freshCode(app);
    expect((await kit.login(account, { otp })).status).toBe(200);
    expect((await kit.stepUp(account, { otp })).body.code).toBe("invalid_credentials");
  });

  it("is slowed down when it fails again and again", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const codes: string[] = [];
    for (let attempt = 0; attempt < 20 && !codes.includes("throttled"); attempt += 1) {
      codes.push((await kit.stepUp(account, { otp: await kit.wrongCode(app) })).body.code);
    }
    expect(codes).toContain("throttled");
  });
});

describe("a session that proved more", () => {
  it("goes on under another cookie, and the one before opens nothing from that moment", async () => {
    const account = await studio.newAccount();
    const before = secretOf(account.cookie);
    expect((await trade(before)).kind).toBe("ok");
    const proven = await kit.stepUp(account, { password }, byCookie);
    expect(proven.headers.get("Set-Cookie")).toMatch(
      /^__Host-sentinel_session=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict/,
    );
    const after = secretOf(proven.headers.get("Set-Cookie"));
    expect(after).not.toBe(before);
    expect((await trade(before)).kind).toBe("refused");
    // Another session altogether: the tokens of the one before are worth nothing either, nor are its sockets.
    expect((await me(account.token)).status).toBe(401);
    const refreshed = await studio.send("POST", "/api/v1/auth/refresh", {
      body: { refresh_token: account.refreshToken },
    });
    expect(refreshed.status).toBe(401);
    const traded = await trade(after);
    if (traded.kind !== "ok") throw new Error("the new cookie opens nothing");
    expect((await asksForProof({ token: traded.accessToken })).status).toBe(200);
  });

  it("has its sockets closed in every organisation, before it goes on", async () => {
    const account = await studio.newAccount();
    await studio.newOrg(account);
    studio.standIns.broken.add("endSessions");
    const failed = await kit.stepUp(account, { password }, byCookie);
    studio.standIns.broken.delete("endSessions");
    expect([failed.status, failed.body.code]).toEqual([503, "unavailable"]);
    expect((await trade(secretOf(account.cookie))).kind).toBe("ok");
    studio.standIns.calls.length = 0;
    expect((await kit.stepUp(account, { password }, byCookie)).status).toBe(204);
    expect(studio.standIns.calls.map(({ method }) => method)).toContain("endSessions");
  });

  it("keeps the token of whoever proved it with a token, and still loses its cookie", async () => {
    const account = await studio.newAccount();
    const proven = await kit.stepUp(account, { password });
    expect([proven.status, proven.headers.get("Set-Cookie")]).toEqual([204, null]);
    expect((await me(account.token)).status).toBe(200);
    expect((await trade(secretOf(account.cookie))).kind).toBe("refused");
  });

  it("lives no longer for it: a day after the sign-in it ends", async () => {
    const account = await studio.newAccount();
    let { token } = account;
    for (let hours = 0; hours < 23.5; hours += 0.5) {
      minutes(30);
      const proven = await kit.stepUp({ token }, { password }, byCookie);
      expect(proven.status).toBe(204);
      const traded = await trade(secretOf(proven.headers.get("Set-Cookie")));
      if (traded.kind !== "ok") throw new Error("the new cookie opens nothing");
      token = traded.accessToken;
    }
    expect((await me(token)).status).toBe(200);
    minutes(31);
    expect((await me(token)).status).toBe(401);
  });

  it("is another one after a new factor, too", async () => {
    const account = await studio.newAccount();
    const begun = await studio.send("POST", "/api/v1/me/mfa/totp", { token: account.token });
    const confirmed = await studio.send("POST", "/api/v1/me/mfa/totp/confirm", {
      token: account.token,
      body: { code: await kit.codeNow(begun.body) },
      headers: byCookie,
    });
    expect(confirmed.status).toBe(200);
    expect((await trade(secretOf(account.cookie))).kind).toBe("refused");
    expect((await trade(secretOf(confirmed.headers.get("Set-Cookie")))).kind).toBe("ok");
  });

  it("that ended meanwhile stays ended", async () => {
    const account = await studio.newAccount();
    const answers = await Promise.all([
      studio.send("POST", "/api/v1/auth/logout", { token: account.token }),
      kit.stepUp(account, { password }, byCookie),
    ]);
    const cookie = answers[1].headers.get("Set-Cookie");
    // Whichever came first: never two sessions, and none after the sign-out had the last word.
    const live = [secretOf(account.cookie), secretOf(cookie)].filter((secret) => secret !== "");
    const kinds = await Promise.all(live.map(async (secret) => (await trade(secret)).kind));
    expect(kinds.filter((kind) => kind === "ok").length).toBeLessThanOrEqual(1);
    expect((await trade(secretOf(account.cookie))).kind).toBe("refused");
  });
});

describe("removing the last second factor", () => {
  it("is allowed where nobody asks for one, and told to the person and to every log", async () => {
    const account = await studio.newAccount();
    const org = await studio.newOrg(account);
    await kit.addApp(account);
    const removed = await studio.send("DELETE", "/api/v1/me/mfa/totp", { token: account.token });
    expect(removed.status).toBe(204);
    const events = studio.audit.of(removed.requestId).filter(({ event }) => event.type === "factor_change");
    expect(events.map(({ log }) => log).toSorted()).toEqual([null, org.id].toSorted());
    for (const { event } of events) {
      expect(event).toEqual({ type: "factor_change", user_id: account.id, factor: "totp", action: "removed" });
    }
    await Promise.all(studio.deferred);
    const mail = studio.mails.findLast(({ to }) => to === account.email);
    expect(mail).toMatchObject({ text: expect.stringContaining("authenticator app was removed") });
    expect((await kit.login(account)).status).toBe(200);
  });

  it("is refused where an organisation asks for one, and one of two may go", async () => {
    const account = await studio.newAccount();
    const org = await studio.newOrg(account);
    await kit.addApp(account);
    const { id } = await kit.addKey(account);
    const put = await studio.send("PUT", `/api/v1/orgs/${org.id}/policies/mfa`, {
      token: account.token,
      body: { required: true, grace_until: null },
    });
    expect(put.status).toBe(200);
    const removeApp = () => studio.send("DELETE", "/api/v1/me/mfa/totp", { token: account.token });
    const removeKey = () => studio.send("DELETE", `/api/v1/me/passkeys/${id}`, { token: account.token });
    const both = await Promise.all([removeApp(), removeKey()]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([204, 409]);
    const refused = both.find(({ status }) => status === 409);
    expect(refused?.body.detail).toContain("last second factor");
  });
});
