import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { type Lies, SoftwareAuthenticator } from "../../support/software-authenticator.ts";
import { createFactorsKit, type FactorsKit, origin } from "./factors-kit.ts";
import { type Account, createHarness, type Harness } from "./harness.ts";

let studio: Harness;
let kit: FactorsKit;
beforeAll(async () => {
  studio = await createHarness();
  kit = createFactorsKit(studio);
});

const base64url = (text: string): string => Buffer.from(text).toString("base64url");
const list = (account: Account) => studio.send("GET", "/api/v1/me/passkeys", { token: account.token });
const begin = (path: string, account?: Account) =>
  studio.send("POST", `/api/v1/${path}`, account === undefined ? {} : { token: account.token });
const keep = (account: Account, ceremony: string, response: unknown) =>
  studio.send("POST", "/api/v1/me/passkeys", { token: account.token, body: { ceremony, response, name: "k" } });
const present = (ceremony: string, response: unknown) =>
  studio.send("POST", "/api/v1/auth/passkey", { body: { ceremony, response } });
const minutes = (count: number): void => {
  studio.clock.nowMs += count * 60_000;
};

describe("registering a passkey", () => {
  it("asks for a discoverable one that verifies its user, for this host, without attestation", async () => {
    const account = await studio.newAccount();
    const { options } = await kit.registration(account);
    expect(options).toMatchObject({
      rp: { id: "sentinel.test", name: "Sentinel" },
      user: { id: base64url(account.id), name: account.email },
      attestation: "none",
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      excludeCredentials: [],
    });
    expect(Buffer.from(options.challenge, "base64url").length).toBe(32);
    expect(options.pubKeyCredParams.map(({ alg }: { alg: number }) => alg)).toEqual([-8, -7, -257]);
  });

  it("keeps several of a person, each with its name, and names them to the next registration", async () => {
    const account = await studio.newAccount();
    const keys = [await kit.addKey(account), await kit.addKey(account)];
    const { items } = (await list(account)).body;
    expect(items.map(({ id, name }: { id: string; name: string }) => [id, name])).toEqual(
      keys.map(({ id }) => [id, "A key"]),
    );
    const { options } = await kit.registration(account);
    expect(options.excludeCredentials.map(({ id }: { id: string }) => id)).toEqual(
      keys.map(({ authenticator }) => authenticator.credentialId),
    );
    const path = `/api/v1/me/passkeys/${keys[0]!.id}`;
    const renamed = await studio.send("PATCH", path, { token: account.token, body: { name: "Blue" } });
    expect([renamed.status, renamed.body.name]).toEqual([200, "Blue"]);
  });

  it("keeps at most twenty", async () => {
    const account = await studio.newAccount();
    for (let count = 0; count < 20; count += 1) await kit.addKey(account);
    expect((await kit.register(account, new SoftwareAuthenticator(origin))).status).toBe(409);
    expect((await list(account)).body.items).toHaveLength(20);
  });

  it.each<[string, Lies]>([
    ["another origin", { origin: "https://sentinel.test.evil.example" }],
    ["our host over another port", { origin: "https://sentinel.test:8443" }],
    ["another host's id", { rpId: "evil.example" }],
    ["a user that was not verified", { userVerified: false }],
    ["nobody present", { userPresent: false }],
    ["the answer to a sign-in", { type: "webauthn.get" }],
    ["a challenge of its own", { challenge: base64url("a challenge that nobody asked") }],
  ])("refuses %s", async (_, lies) => {
    const account = await studio.newAccount();
    const answer = await kit.register(account, new SoftwareAuthenticator(origin), lies);
    expect([answer.status, answer.body.code]).toEqual([422, "invalid_request"]);
    expect((await list(account)).body.items).toEqual([]);
  });

  it("refuses one that claims another credential's id than its authenticator signed", async () => {
    const account = await studio.newAccount();
    const { ceremony, options } = await kit.registration(account);
    const response = new SoftwareAuthenticator(origin).register(options);
    const other = randomBytes(32).toString("base64url");
    expect((await keep(account, ceremony, { ...response, id: other, rawId: other })).status).toBe(422);
  });

  it("refuses a credential that somebody has, oneself or another, and it stays theirs", async () => {
    const [owner, thief] = [await studio.newAccount(), await studio.newAccount()];
    const { authenticator } = await kit.addKey(owner);
    expect((await kit.register(owner, authenticator)).status).toBe(409);
    const lies = { credentialId: authenticator.credentialId };
    expect((await kit.register(thief, new SoftwareAuthenticator(origin), lies)).status).toBe(409);
    expect((await list(thief)).body.items).toEqual([]);
    const { options } = await kit.registration(owner);
    expect(options.user.id).toBe(base64url(owner.id));
  });

  it("takes a ceremony once, within five minutes, in the session that began it", async () => {
    const [account, other] = [await studio.newAccount(), await studio.newAccount()];
    const once = await kit.registration(account);
    expect((await keep(account, once.ceremony, new SoftwareAuthenticator(origin).register(once.options))).status).toBe(
      201,
    );
    expect((await keep(account, once.ceremony, new SoftwareAuthenticator(origin).register(once.options))).status).toBe(
      409,
    );

    const elsewhere = await kit.registration(account);
    const response = new SoftwareAuthenticator(origin).register(elsewhere.options);
    const key = await kit.passkeySignIn((await kit.addKey(account)).authenticator);
    const second = { ...account, token: key.body.access_token };
    expect((await keep(other, elsewhere.ceremony, response)).status).toBe(409);
    expect((await keep(second, elsewhere.ceremony, response)).status).toBe(409);
    expect((await keep(account, elsewhere.ceremony, response)).status).toBe(201);

    const late = await kit.registration(account);
    minutes(5);
    expect((await keep(account, late.ceremony, new SoftwareAuthenticator(origin).register(late.options))).status).toBe(
      409,
    );
  });

  it("takes no ceremony of another kind", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const kinds = [await begin("auth/passkey/options"), await begin("me/step-up/passkey-options", account)];
    for (const { body } of kinds) {
      const options = { ...body.options, rp: { id: "sentinel.test" }, user: { id: base64url(account.id) } };
      expect((await keep(account, body.ceremony, new SoftwareAuthenticator(origin).register(options))).status).toBe(
        409,
      );
    }
    const { ceremony, options } = await kit.registration(account);
    const response = authenticator.assert({ ...options, rpId: "sentinel.test" });
    expect((await present(ceremony, response)).body.code).toBe("invalid_token");
    expect((await kit.stepUp(account, { ceremony, passkey: response })).body.code).toBe("invalid_token");
  });
});

describe("signing in with a passkey", () => {
  it("needs nothing else: no address, no password, no second step; it is both factors", async () => {
    const account = await studio.newAccount();
    const org = await studio.newOrg(account);
    const { authenticator } = await kit.addKey(account);
    const answer = await kit.passkeySignIn(authenticator);
    expect([answer.status, answer.body.user.id]).toEqual([200, account.id]);
    const expected = { user_id: account.id, outcome: "success", mfa: "passed", method: "passkey", reason: null };
    const logins = await kit.loginsOf(answer);
    expect(logins.map(({ log }) => log).toSorted()).toEqual([null, org.id].toSorted());
    for (const { event } of logins) expect(event).toMatchObject(expected);
    const security = await studio.send("GET", "/api/v1/me/security", { token: answer.body.access_token });
    expect(security.body).toMatchObject({ mfa: true, passkeys: 1 });
  });

  it("tells nobody who has an account: its options are the same for everybody", async () => {
    const { body } = await begin("auth/passkey/options");
    const { challenge, ...rest } = body.options;
    expect(Buffer.from(challenge, "base64url").length).toBe(32);
    expect(rest).toEqual({
      rpId: "sentinel.test",
      userVerification: "required",
      timeout: 300_000,
      ...("allowCredentials" in rest ? { allowCredentials: [] } : {}),
      ...("extensions" in rest ? { extensions: rest.extensions } : {}),
    });
  });

  it.each<[string, Lies]>([
    ["another origin", { origin: "https://evil.example" }],
    ["a sub-domain's origin", { origin: "https://www.sentinel.test" }],
    ["plain http", { origin: "http://sentinel.test" }],
    ["another host's id", { rpId: "evil.example" }],
    ["a user that was not verified", { userVerified: false }],
    ["nobody present", { userPresent: false }],
    ["the answer to a registration", { type: "webauthn.create" }],
    ["a challenge of its own", { challenge: base64url("a challenge that nobody asked") }],
    ["somebody else's user handle", { userHandle: base64url("usr_01h455vb4pex5vsknk084sn02q") }],
    ["no user handle", { userHandle: null }],
  ])("refuses %s", async (_, lies) => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const answer = await kit.passkeySignIn(authenticator, lies);
    expect([answer.status, answer.body.code]).toEqual([401, "invalid_credentials"]);
    expect(answer.headers.get("Set-Cookie")).toBeNull();
    const [{ event } = { event: null }] = await kit.loginsOf(answer);
    expect(event).toMatchObject({ user_id: account.id, outcome: "failure", mfa: "failed", reason: "factor_failed" });
  });

  it("refuses a key that nobody registered, like any other failure", async () => {
    const stranger = new SoftwareAuthenticator(origin);
    const answer = await kit.passkeySignIn(stranger, { userHandle: base64url("usr_01h455vb4pex5vsknk084sn02q") });
    expect([answer.status, answer.body.code]).toEqual([401, "invalid_credentials"]);
    const [{ event } = { event: null }] = await kit.loginsOf(answer);
    expect(event).toMatchObject({ user_id: null, outcome: "failure", reason: "unknown_account", method: "passkey" });
  });

  it("refuses another key under somebody's credential", async () => {
    const victim = await studio.newAccount();
    const { authenticator } = await kit.addKey(victim);
    const forged = new SoftwareAuthenticator(origin);
    const lies = { credentialId: authenticator.credentialId, userHandle: base64url(victim.id) };
    expect((await kit.passkeySignIn(forged, lies)).status).toBe(401);
  });

  it("takes an assertion once: a replay is refused, also under a new ceremony", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const { body } = await begin("auth/passkey/options");
    const response = authenticator.assert(body.options);
    expect((await present(body.ceremony, response)).status).toBe(200);
    expect((await present(body.ceremony, response)).body.code).toBe("invalid_token");
    const { body: next } = await begin("auth/passkey/options");
    expect((await present(next.ceremony, response)).body.code).toBe("invalid_credentials");
  });

  it("takes an assertion once when fifty requests bring it at the same moment", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const { body } = await begin("auth/passkey/options");
    const response = authenticator.assert(body.options);
    const answers = await Promise.all(Array.from({ length: 50 }, () => present(body.ceremony, response)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("spends its challenge on a wrong answer too", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const { body } = await begin("auth/passkey/options");
    expect((await present(body.ceremony, authenticator.assert(body.options, { userVerified: false }))).status).toBe(
      401,
    );
    expect((await present(body.ceremony, authenticator.assert(body.options))).body.code).toBe("invalid_token");
  });

  it("takes its challenge within five minutes and not after", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const { body } = await begin("auth/passkey/options");
    minutes(5);
    expect((await present(body.ceremony, authenticator.assert(body.options))).body.code).toBe("invalid_token");
  });

  it("takes no ceremony that a session began", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    const { body } = await begin("me/step-up/passkey-options", account);
    expect((await present(body.ceremony, authenticator.assert(body.options))).body.code).toBe("invalid_token");
  });

  it("refuses a counter that goes back or stands still, tells the log and the person, and takes the next", async () => {
    const account = await studio.newAccount();
    const org = await studio.newOrg(account);
    const { authenticator } = await kit.addKey(account);
    expect((await kit.passkeySignIn(authenticator, { counter: 7 })).status).toBe(200);
    for (const counter of [7, 6, 0]) {
      const answer = await kit.passkeySignIn(authenticator, { counter });
      expect([counter, answer.status, answer.body.code]).toEqual([counter, 401, "invalid_credentials"]);
      const logins = await kit.loginsOf(answer);
      expect(logins.map(({ log }) => log).toSorted()).toEqual([null, org.id].toSorted());
      for (const { event } of logins) expect(event).toMatchObject({ outcome: "failure", reason: "passkey_copied" });
      expect(studio.mails.at(-1)).toMatchObject({ to: account.email, text: expect.stringContaining("copy of it") });
    }
    expect((await kit.passkeySignIn(authenticator, { counter: 8 })).status).toBe(200);
  });

  it("says nothing of a copy when only the signature is wrong", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    expect((await kit.passkeySignIn(authenticator, { counter: 7 })).status).toBe(200);
    const mails = studio.mails.length;
    const lies = { credentialId: authenticator.credentialId, userHandle: base64url(account.id), counter: 1 };
    const answer = await kit.passkeySignIn(new SoftwareAuthenticator(origin), lies);
    const [{ event } = { event: null }] = await kit.loginsOf(answer);
    expect(event).toMatchObject({ reason: "factor_failed" });
    expect(studio.mails).toHaveLength(mails);
  });

  it("works with an authenticator that counts nothing", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    for (let again = 0; again < 3; again += 1) {
      expect((await kit.passkeySignIn(authenticator, { counter: 0 })).status).toBe(200);
    }
  });

  it("opens an organisation's door to its members alone, and begins and ends at one door", async () => {
    const [member, stranger] = [await studio.newAccount(), await studio.newAccount()];
    const org = await studio.newOrg(member);
    const door = `/api/v1/orgs/${org.slug}`;
    const [own, foreign] = [await kit.addKey(member), await kit.addKey(stranger)];
    expect((await kit.passkeySignIn(own.authenticator, {}, door)).status).toBe(200);
    expect((await kit.passkeySignIn(foreign.authenticator, {}, door)).body.code).toBe("invalid_credentials");
    const { body } = await begin("auth/passkey/options");
    const response = own.authenticator.assert(body.options);
    const across = await studio.send("POST", `${door}/auth/passkey`, { body: { ceremony: body.ceremony, response } });
    expect(across.body.code).toBe("invalid_token");
  });

  it("is never slowed down for an account, however many fail", async () => {
    const account = await studio.newAccount();
    const { authenticator } = await kit.addKey(account);
    for (let failed = 0; failed < 40; failed += 1) {
      expect((await kit.passkeySignIn(authenticator, { userVerified: false })).status).toBe(401);
    }
    expect((await kit.passkeySignIn(authenticator)).status).toBe(200);
  });

  it("ends with the passkey", async () => {
    const account = await studio.newAccount();
    const { authenticator, id } = await kit.addKey(account);
    const path = `/api/v1/me/passkeys/${id}`;
    expect((await studio.send("DELETE", path, { token: account.token })).status).toBe(204);
    expect((await kit.passkeySignIn(authenticator)).body.code).toBe("invalid_credentials");
  });
});

describe("a passkey of somebody else's", () => {
  it("can't be renamed or removed: it is not there", async () => {
    const [owner, thief] = [await studio.newAccount(), await studio.newAccount()];
    const { id } = await kit.addKey(owner);
    const path = `/api/v1/me/passkeys/${id}`;
    expect((await studio.send("PATCH", path, { token: thief.token, body: { name: "mine" } })).status).toBe(404);
    expect((await studio.send("DELETE", path, { token: thief.token })).status).toBe(404);
    expect((await list(owner)).body.items).toMatchObject([{ id, name: "A key" }]);
  });
});
