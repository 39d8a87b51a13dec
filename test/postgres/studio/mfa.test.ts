import { beforeAll, describe, expect, it } from "vitest";
import { exchangeSession } from "../../../workers/studio/auth/exchange-session.ts";
import { asSuperuser } from "../support.ts";
import { createFactorsKit, type FactorsKit } from "./factors-kit.ts";
import { type Account, createHarness, type Harness } from "./harness.ts";

let studio: Harness;
let kit: FactorsKit;
beforeAll(async () => {
  studio = await createHarness();
  kit = createFactorsKit(studio);
});

/** What an access token says; its signature is the key ring's business. */
const claims = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
const minutes = (count: number): void => {
  studio.clock.nowMs += count * 60_000;
};

describe("a sign-in of somebody with a second factor", () => {
  it("stops after the password with a challenge, and gives no session, token or name", async () => {
    const account = await studio.newAccount();
    await kit.addApp(account);
    const answer = await kit.login(account);
    expect([answer.status, answer.body.code]).toEqual([401, "mfa_required"]);
    expect(answer.body.factors).toEqual(["totp", "recovery_code"]);
    expect(answer.body.challenge).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Object.keys(answer.body).toSorted()).toEqual(
      ["challenge", "code", "factors", "request_id", "status", "title", "type"].toSorted(),
    );
    expect(answer.headers.get("Set-Cookie")).toBeNull();
  });

  it("goes on with a code, a recovery code or a passkey, and is then one with two factors", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const { authenticator } = await kit.addKey(account);
    const passkey = async (challenge: string) => {
      const path = "/api/v1/auth/login/mfa/passkey-options";
      const { body } = await studio.send("POST", path, { body: { challenge } });
      expect(body.options).toMatchObject({ userVerification: "required" });
      expect(body.options.allowCredentials.map(({ id }: { id: string }) => id)).toEqual([authenticator.credentialId]);
      return { passkey: authenticator.assert(body.options) };
    };
    const proofs = [
      async () => ({ otp: await kit.freshCode(app) }),
      async () => ({ recovery_code: app.recoveryCodes[0] }),
      passkey,
    ];
    for (const proof of proofs) {
      const challenge = await kit.challengeOf(account);
      const answer = await kit.finish({ challenge, ...(await proof(challenge)) });
      expect([answer.status, answer.body.user.id]).toEqual([200, account.id]);
      const me = await studio.send("GET", "/api/v1/me", { token: answer.body.access_token });
      expect(me.body).toMatchObject({ mfa: true, factors: ["totp", "passkey", "recovery_code"] });
    }
  });

  it("takes the code along with the password", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    expect((await kit.login(account, { otp: await kit.freshCode(app) })).status).toBe(200);
    const wrong = await kit.login(account, { otp: await kit.wrongCode(app) });
    expect([wrong.status, wrong.body.code]).toEqual([401, "invalid_credentials"]);
  });

  it("is recorded for what it was: every attempt, with method, factor and reason, in every log", async () => {
    const account = await studio.newAccount();
    const org = await studio.newOrg(account);
    const app = await kit.addApp(account);
    const stopped = await kit.login(account);
    const { challenge } = stopped.body;
    const failed = await kit.finish({ challenge, otp: await kit.wrongCode(app) });
    const passed = await kit.finish({ challenge, otp: await kit.freshCode(app) });
    const along = await kit.login(account, { otp: await kit.wrongCode(app) });
    const expected = [
      [stopped, { outcome: "failure", mfa: "not_reached", reason: "factor_due" }],
      [failed, { outcome: "failure", mfa: "failed", reason: "factor_failed" }],
      [passed, { outcome: "success", mfa: "passed", reason: null }],
      [along, { outcome: "failure", mfa: "failed", reason: "factor_failed" }],
    ] as const;
    for (const [answer, what] of expected) {
      const logins = await kit.loginsOf(answer);
      expect(logins.map(({ log }) => log).toSorted()).toEqual([null, org.id].toSorted());
      for (const { event } of logins) expect(event).toMatchObject({ user_id: account.id, method: "password", ...what });
    }
  });

  it("keeps an unknown person and a wrong password what they were", async () => {
    const account = await studio.newAccount();
    await kit.addApp(account);
    const wrong = await kit.login(account, { password: "not the password at all" });
    expect([wrong.status, wrong.body.code]).toEqual([401, "invalid_credentials"]);
  });
});

describe("a challenge", () => {
  it("ends with the fifth wrong code, and the right one comes too late", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const challenge = await kit.challengeOf(account);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const answer = await kit.finish({ challenge, otp: await kit.wrongCode(app) });
      expect([attempt, answer.body.code]).toEqual([attempt, "invalid_credentials"]);
    }
    expect((await kit.finish({ challenge, otp: await kit.freshCode(app) })).body.code).toBe("invalid_token");
    expect((await kit.finish({ challenge, recovery_code: app.recoveryCodes[0] })).body.code).toBe("invalid_token");
  });

  it("takes five guesses when fifty come at the same moment", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const challenge = await kit.challengeOf(account);
    const otp = await kit.wrongCode(app);
    const answers = await Promise.all(Array.from({ length: 50 }, () => kit.finish({ challenge, otp })));
    const looked = answers.filter(({ body }) => body.code === "invalid_credentials");
    expect(looked.length).toBeLessThanOrEqual(5);
    const rows = await asSuperuser("SELECT failures FROM control.ceremonies WHERE user_id = $1 AND kind = 'mfa'", [
      account.id,
    ]);
    expect(rows).toEqual([{ failures: 5 }]);
  });

  it("is over after five minutes", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const challenge = await kit.challengeOf(account);
    minutes(5);
    expect((await kit.finish({ challenge, otp: await kit.codeNow(app) })).body.code).toBe("invalid_token");
  });

  it("is good for one sign-in", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const challenge = await kit.challengeOf(account);
    expect((await kit.finish({ challenge, otp: await kit.freshCode(app) })).status).toBe(200);
    expect((await kit.finish({ challenge, otp: await kit.freshCode(app) })).body.code).toBe("invalid_token");
  });

  it("of one person does not open to another's factor", async () => {
    const [victim, thief] = [await studio.newAccount(), await studio.newAccount()];
    await kit.addApp(victim);
    await kit.addKey(victim);
    const app = await kit.addApp(thief);
    const { authenticator } = await kit.addKey(thief);
    const challenge = await kit.challengeOf(victim);
    expect((await kit.finish({ challenge, otp: await kit.freshCode(app) })).body.code).toBe("invalid_credentials");
    expect((await kit.finish({ challenge, recovery_code: app.recoveryCodes[0] })).body.code).toBe(
      "invalid_credentials",
    );
    const path = "/api/v1/auth/login/mfa/passkey-options";
    const { body } = await studio.send("POST", path, { body: { challenge } });
    const passkey = authenticator.assert(body.options);
    expect((await kit.finish({ challenge, passkey })).body.code).toBe("invalid_credentials");
    // Nor does the thief's own assertion under the name of the victim's credential.
    const { body: again } = await studio.send("POST", path, { body: { challenge } });
    const [{ id }] = again.options.allowCredentials;
    const forged = authenticator.assert(again.options, { credentialId: id });
    expect((await kit.finish({ challenge, passkey: forged })).body.code).toBe("invalid_credentials");
  });

  it("asks a passkey once: what it was asked before, or elsewhere, is no answer", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const ask = async (challenge: string) =>
      (await studio.send("POST", "/api/v1/auth/login/mfa/passkey-options", { body: { challenge } })).body.options;
    const [first, second] = [await kit.challengeOf(account), await kit.challengeOf(account)];
    const unasked = authenticator.assert({ rpId: "sentinel.test", challenge: "" });
    expect((await kit.finish({ challenge: first, passkey: unasked })).body.code).toBe("invalid_credentials");
    const older = authenticator.assert(await ask(first));
    await ask(first);
    expect((await kit.finish({ challenge: first, passkey: older })).body.code).toBe("invalid_credentials");
    const asked = await ask(first);
    const unverified = authenticator.assert(asked, { userVerified: false });
    expect((await kit.finish({ challenge: first, passkey: unverified })).body.code).toBe("invalid_credentials");
    const secondTry = authenticator.assert(asked);
    expect((await kit.finish({ challenge: first, passkey: secondTry })).body.code).toBe("invalid_credentials");
    const elsewhere = authenticator.assert(await ask(second));
    await ask(first);
    expect((await kit.finish({ challenge: first, passkey: elsewhere })).body.code).toBe("invalid_credentials");
    expect((await kit.finish({ challenge: second, passkey: elsewhere })).status).toBe(200);
  });

  it("is finished at the door where it began, by a member who still is one and is not disabled", async () => {
    const owner = await studio.newAccount();
    const org = await studio.newOrg(owner);
    const account = await studio.newMember(org, "viewer");
    const app = await kit.addApp(account);
    const door = `/api/v1/orgs/${org.slug}`;
    const atDoor = await kit.challengeOf(account, door);
    expect((await kit.finish({ challenge: atDoor, otp: await kit.freshCode(app) })).body.code).toBe("invalid_token");
    const path = "/api/v1/auth/login/mfa/passkey-options";
    expect((await studio.send("POST", path, { body: { challenge: atDoor } })).body.code).toBe("invalid_token");
    expect((await kit.finish({ challenge: atDoor, otp: await kit.freshCode(app) }, door)).status).toBe(200);

    const later = await kit.challengeOf(account, door);
    await asSuperuser("DELETE FROM control.memberships WHERE org_id = $1 AND user_id = $2", [org.id, account.id]);
    expect((await kit.finish({ challenge: later, otp: await kit.freshCode(app) }, door)).body.code).toBe(
      "invalid_credentials",
    );

    const disabled = await kit.challengeOf(account);
    await asSuperuser("UPDATE control.users SET disabled_at = now() WHERE id = $1", [account.id]);
    const answer = await kit.finish({ challenge: disabled, otp: await kit.freshCode(app) });
    expect([answer.status, answer.body.code]).toEqual([401, "invalid_credentials"]);
  });

  it("is no session, no ceremony of a passkey and no step-up", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const challenge = await kit.challengeOf(account);
    const { body } = await studio.send("POST", "/api/v1/auth/login/mfa/passkey-options", { body: { challenge } });
    const response = authenticator.assert(body.options);
    const signIn = await studio.send("POST", "/api/v1/auth/passkey", { body: { ceremony: challenge, response } });
    expect(signIn.body.code).toBe("invalid_token");
    expect((await kit.stepUp(account, { ceremony: challenge, passkey: response })).body.code).toBe("invalid_token");
    expect((await studio.send("GET", "/api/v1/me", { token: challenge })).status).toBe(401);
    const begun = await studio.send("POST", "/api/v1/auth/passkey/options");
    expect((await kit.finish({ challenge: begun.body.ceremony, passkey: response })).body.code).toBe("invalid_token");
  });
});

describe("guessing codes", () => {
  it("is slowed down for the person over all challenges, while a passkey still opens", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const { authenticator } = await kit.addKey(account);
    let slowed: string | null = null;
    for (let round = 0; slowed === null && round < 4; round += 1) {
      const challenge = await kit.challengeOf(account);
      await Promise.all(studio.deferred);
      for (let attempt = 0; slowed === null && attempt < 5; attempt += 1) {
        const answer = await kit.finish({ challenge, otp: await kit.wrongCode(app) });
        if (answer.body.code === "throttled") slowed = answer.headers.get("Retry-After");
      }
    }
    expect(Number(slowed)).toBeGreaterThan(0);
    expect((await kit.passkeySignIn(authenticator)).status).toBe(200);
  });
});

describe("an organisation that asks for a second factor", () => {
  const required = { required: true, grace_until: null };
  const put = (org: { id: string; owner: Account }, body: object) =>
    studio.send("PUT", `/api/v1/orgs/${org.id}/policies/mfa`, { token: org.owner.token, body });
  const devices = (org: { id: string }, token: string) =>
    studio.send("GET", `/api/v1/orgs/${org.id}/devices`, { token });
  const mfaOf = async (account: Pick<Account, "token">, org: { id: string }) => {
    const { body } = await studio.send("GET", "/api/v1/me", { token: account.token });
    return body.orgs.find(({ id }: { id: string }) => id === org.id).mfa;
  };
  /** With an owner who can go on. */
  async function orgWithFactor() {
    const owner = await studio.newAccount();
    await kit.addApp(owner);
    return studio.newOrg(owner);
  }

  it("says so until the date, and lets nobody do anything in it after", async () => {
    const org = await orgWithFactor();
    const member = await studio.newMember(org, "admin");
    expect(await mfaOf(member, org)).toEqual({ required: false, grace_until: null, satisfied: true });
    const until = new Date(studio.clock.nowMs + 600_000).toISOString();
    expect((await put(org, { required: true, grace_until: until })).body).toEqual({
      required: true,
      grace_until: until,
    });
    expect(await mfaOf(member, org)).toEqual({ required: true, grace_until: until, satisfied: false });
    expect((await devices(org, member.token)).status).toBe(200);
    minutes(10);
    for (const [method, path] of [
      ["GET", "devices"],
      ["GET", "policies/mfa"],
      ["POST", "groups"],
      ["GET", ""],
    ] as const) {
      const target = `/api/v1/orgs/${org.id}${path === "" ? "" : `/${path}`}`;
      const answer = await studio.send(method, target, {
        token: member.token,
        body: method === "GET" ? undefined : { name: "g" },
      });
      expect([target, answer.status, answer.body.code]).toEqual([target, 403, "mfa_enrollment_required"]);
    }
  });

  it("leaves the way to a factor open, and opens with it, in the same session", async () => {
    const org = await orgWithFactor();
    const member = await studio.newMember(org, "viewer");
    await put(org, required);
    expect((await devices(org, member.token)).body.code).toBe("mfa_enrollment_required");
    expect((await studio.send("GET", "/api/v1/me", { token: member.token })).status).toBe(200);
    await kit.addApp(member);
    expect((await devices(org, member.token)).status).toBe(200);
    expect((await mfaOf(member, org)).satisfied).toBe(true);
  });

  it("asks a session that has not shown the factor to show it", async () => {
    const org = await orgWithFactor();
    const member = await studio.newMember(org, "viewer");
    await put(org, required);
    const older = await studio.signIn(member.email);
    const app = await kit.addApp(member);
    const answer = await devices(org, older.token);
    expect([answer.status, answer.body.code]).toEqual([401, "step_up_required"]);
    expect(answer.headers.get("WWW-Authenticate")).toContain('error="insufficient_user_authentication"');
    expect((await kit.stepUp(older, { otp: await kit.freshCode(app) })).status).toBe(204);
    expect((await devices(org, older.token)).status).toBe(200);
  });

  it("takes an outside issuer's second factor where the session has shown that", async () => {
    const org = await orgWithFactor();
    const member = await studio.newMember(org, "viewer");
    await put(org, required);
    // As a provider's sign-in leaves it whose word on second factors its administrator trusts.
    const show = "UPDATE control.sessions SET method = 'oidc', mfa = $2 WHERE user_id = $1";
    await asSuperuser(show, [member.id, true]);
    expect((await devices(org, member.token)).status).toBe(200);
    await asSuperuser(show, [member.id, false]);
    expect((await devices(org, member.token)).body.code).toBe("mfa_enrollment_required");
  });

  it("does not take what a session has shown of a factor that is gone", async () => {
    const org = await orgWithFactor();
    const member = await studio.newMember(org, "viewer");
    await kit.addApp(member);
    expect((await studio.send("DELETE", "/api/v1/me/mfa/totp", { token: member.token })).status).toBe(204);
    await put(org, required);
    expect((await devices(org, member.token)).body.code).toBe("mfa_enrollment_required");
  });

  it("has no word in other organisations, nor with strangers", async () => {
    const org = await orgWithFactor();
    const member = await studio.newMember(org, "viewer");
    const own = await studio.newOrg(member);
    await put(org, required);
    expect((await devices(own, member.token)).status).toBe(200);
    const stranger = await studio.newAccount();
    expect((await devices(org, stranger.token)).status).toBe(404);
  });

  it("is given no token for it that a member could open the hub with: cookie, sign-in, its door, refresh", async () => {
    const org = await orgWithFactor();
    const member = await studio.newMember(org, "viewer");
    const before = await kit.login(member);
    expect(claims(before.body.access_token).org).toBe(org.id);
    await put(org, required);
    const refresh = (token: string, door = "/api/v1") =>
      studio.send("POST", `${door}/auth/refresh`, { body: { refresh_token: token } });
    const secret = member.cookie.split("=")[1];
    const traded = () =>
      exchangeSession(studio.studio.services, secret, org.id, "req_01h455vb4pex5vsknk084sn02q").then((result) =>
        result.kind === "ok" ? claims(result.accessToken).org : result.kind,
      );
    const door = `/api/v1/orgs/${org.slug}`;
    expect(claims((await kit.login(member)).body.access_token).org).toBeNull();
    const atDoor = await kit.login(member, {}, door);
    expect(claims(atDoor.body.access_token).org).toBeNull();
    const refreshed = await refresh(before.body.refresh_token);
    expect(claims(refreshed.body.access_token).org).toBeNull();
    expect(claims((await refresh(refreshed.body.refresh_token, door)).body.access_token).org).toBeNull();
    expect(await traded()).toBeNull();

    await kit.addApp(member);
    const app = await kit.addApp(member);
    const answer = await kit.login(member, { otp: await kit.freshCode(app) }, door);
    expect(claims(answer.body.access_token).org).toBe(org.id);
    expect(claims((await refresh(answer.body.refresh_token)).body.access_token).org).toBe(org.id);
    // The session that was there before has still not shown it.
    expect(claims((await refresh(atDoor.body.refresh_token)).body.access_token).org).toBeNull();
  });

  it("closes what is open without one as soon as it asks, and nothing that has shown one", async () => {
    const org = await orgWithFactor();
    const [bare, strong] = [await studio.newMember(org, "viewer"), await studio.newMember(org, "viewer")];
    await kit.addApp(strong);
    const sid = (account: Account): string => claims(account.token).sid;
    studio.standIns.calls.length = 0;
    await put(org, { required: true, grace_until: new Date(studio.clock.nowMs + 60_000).toISOString() });
    expect(studio.standIns.calls.filter(({ method }) => method === "endSessions")).toEqual([]);
    await put(org, required);
    const told = studio.standIns.calls.filter(({ method }) => method === "endSessions").flatMap(({ args }) => args[1]);
    expect(told).toContain(sid(bare));
    expect(told).not.toContain(sid(strong));
    expect(told).not.toContain(sid(org.owner));
  });

  it("is changed with a proof alone, by whoever manages policies, and the change is in the log", async () => {
    const org = await orgWithFactor();
    const viewer = await studio.newMember(org, "viewer");
    const path = `/api/v1/orgs/${org.id}/policies/mfa`;
    expect((await studio.send("PUT", path, { token: viewer.token, body: required })).status).toBe(403);
    const changed = await put(org, required);
    const events = studio.audit.of(changed.requestId).map(({ event }) => event);
    expect(events).toContainEqual({ type: "policy_change", user_id: org.owner.id, policy: "mfa" });
    expect((await studio.send("GET", path, { token: org.owner.token })).body).toEqual(required);
    for (const body of [
      { required: true },
      { grace_until: null },
      { ...required, countries: ["IN"] },
      { required: 1, grace_until: null },
    ]) {
      expect((await put(org, body)).status).toBe(422);
    }
    const far = new Date(studio.clock.nowMs + 400 * 24 * 3600_000).toISOString();
    expect((await put(org, { required: true, grace_until: far })).status).toBe(422);
  });
});
