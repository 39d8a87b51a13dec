import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { createSealing } from "../../../workers/studio/auth/sealing.ts";
import { asSuperuser } from "../support.ts";
import { createFactorsKit, type FactorsKit } from "./factors-kit.ts";
import { type Account, createHarness, type Harness } from "./harness.ts";

let studio: Harness;
let kit: FactorsKit;
beforeAll(async () => {
  // Attempts are not slowed down here: with that out of the way, what is left is each code's own bound.
  studio = await createHarness((services) => ({ ...services, limitScale: 1000 }));
  kit = createFactorsKit(studio);
});

const begin = (account: Account) => studio.send("POST", "/api/v1/me/mfa/totp", { token: account.token });
const confirm = (account: Account, code: string) =>
  studio.send("POST", "/api/v1/me/mfa/totp/confirm", { token: account.token, body: { code } });

describe("an authenticator app", () => {
  it("gets 160 random bits, with issuer and account, as every app expects them", async () => {
    const account = await studio.newAccount();
    const { body } = await begin(account);
    expect(body.secret).toMatch(/^[A-Z2-7]{32}$/);
    const uri = new URL(body.uri);
    expect(decodeURIComponent(uri.pathname)).toBe(`/Sentinel:${account.email}`);
    expect([uri.protocol, uri.host]).toEqual(["otpauth:", "totp"]);
    expect(uri.searchParams.get("secret")).toBe(body.secret);
    expect(uri.searchParams.get("issuer")).toBe("Sentinel");
    // Absent means the default, which is what the codes are of.
    for (const [name, value] of [
      ["algorithm", "SHA1"],
      ["digits", "6"],
      ["period", "30"],
    ] as const) {
      expect([null, value]).toContain(uri.searchParams.get(name)?.toUpperCase() ?? null);
    }
    expect((await begin(account)).body.secret).not.toBe(body.secret);
  });

  it("counts from its first code on and not before", async () => {
    const account = await studio.newAccount();
    const { body } = await begin(account);
    expect((await kit.login(account)).status).toBe(200);
    expect((await confirm(account, await kit.wrongCode(body))).status).toBe(422);
    expect((await kit.login(account)).status).toBe(200);
    expect((await confirm(account, await kit.codeNow(body))).status).toBe(200);
    expect((await kit.login(account)).body.code).toBe("mfa_required");
  });

  it("waits a quarter of an hour for its first code", async () => {
    const account = await studio.newAccount();
    const { body } = await begin(account);
    studio.clock.nowMs += 15 * 60_000;
    const later = await studio.signIn(account.email);
    expect((await confirm(later, await kit.codeNow(body))).status).toBe(409);
  });

  it("is replaced only by one that has shown a code, and its own codes end then", async () => {
    const account = await studio.newAccount();
    const old = await kit.addApp(account);
    const { body: next } = await begin(account);
    expect((await kit.login(account, { otp: await kit.freshCode(old) })).status).toBe(200);
    expect((await confirm(account, await kit.freshCode(next))).status).toBe(200);
    expect((await kit.login(account, { otp: await kit.freshCode(old) })).body.code).toBe("invalid_credentials");
    expect((await kit.login(account, { otp: await kit.freshCode(next) })).status).toBe(200);
  });

  it("is sealed at rest under a key of its own, and opens in its own row alone", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const rows = await asSuperuser("SELECT id, sealed_secret FROM control.totp_secrets WHERE user_id = $1", [
      account.id,
    ]);
    const { id, sealed_secret: sealed } = rows[0] as { id: string; sealed_secret: string };
    expect(JSON.stringify(rows)).not.toContain(app.secret);
    const { services } = studio.studio;
    expect((await services.open("totp-secret", id, sealed)).length).toBe(20);
    await expect(services.open("totp-secret", `${id}x`, sealed)).rejects.toThrow("does not open");
    await expect(services.open("client-secret", id, sealed)).rejects.toThrow("does not open");
    const other = createSealing(randomBytes(32).toString("base64url"), (length) => new Uint8Array(randomBytes(length)));
    await expect(other.open("totp-secret", id, sealed)).rejects.toThrow("does not open");
  });
});

describe("a code", () => {
  it("works once", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const otp = await kit.freshCode(app);
    expect((await kit.login(account, { otp })).status).toBe(200);
    expect((await kit.login(account, { otp })).body.code).toBe("invalid_credentials");
  });

  it("works once when fifty requests bring it at the same moment", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    const challenges: string[] = [];
    while (challenges.length < 50) challenges.push(await kit.challengeOf(account));
    const otp = await kit.freshCode(app);
    const answers = await Promise.all(challenges.map((challenge) => kit.finish({ challenge, otp })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("that set the app up does not sign in as well", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    expect((await kit.login(account, { otp: await kit.codeNow(app) })).body.code).toBe("invalid_credentials");
  });

  it.each([
    [-2, false],
    [-1, true],
    [0, true],
    [1, true],
    [2, false],
  ])("of %i steps from now is taken: %s", async (steps, taken) => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    studio.clock.nowMs += 5 * 60_000;
    const otp = await kit.codeAt(app, studio.clock.nowMs + steps * 30_000);
    expect((await kit.login(account, { otp })).status).toBe(taken ? 200 : 401);
  });

  it("of an earlier step is worth nothing after one of a later", async () => {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    studio.clock.nowMs += 5 * 60_000;
    const [earlier, later] = [
      await kit.codeAt(app, studio.clock.nowMs),
      await kit.codeAt(app, studio.clock.nowMs + 30_000),
    ];
    expect((await kit.login(account, { otp: later })).status).toBe(200);
    expect((await kit.login(account, { otp: earlier })).status).toBe(401);
  });

  it.each(["", "12345", "1234567", "12345a", "１２３４５６", " 123456"])("%j is none", async (otp) => {
    const account = await studio.newAccount();
    expect((await kit.login(account, { otp })).status).toBe(422);
  });
});
