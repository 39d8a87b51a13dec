import { beforeAll, describe, expect, it } from "vitest";
import { asSuperuser } from "../support.ts";
import { createFactorsKit, type FactorsKit } from "./factors-kit.ts";
import { createHarness, type Harness } from "./harness.ts";

let studio: Harness;
let kit: FactorsKit;
beforeAll(async () => {
  // Attempts are not slowed down here: with that out of the way, what is left is each code's own bound.
  studio = await createHarness((services) => ({ ...services, limitScale: 1000 }));
  kit = createFactorsKit(studio);
});

describe("recovery codes", () => {
  it("come with the first factor: ten, of 140 bits, that a person can type", async () => {
    const account = await studio.newAccount();
    const { recoveryCodes } = await kit.addApp(account);
    expect(new Set(recoveryCodes).size).toBe(10);
    for (const code of recoveryCodes) expect(code).toMatch(/^(?:[0-9a-hjkmnp-tv-z]{4}-){6}[0-9a-hjkmnp-tv-z]{4}$/);
    // A further factor brings none: the ones there are still hold.
    expect((await kit.addKey(account)).recoveryCodes).toEqual([]);
    const left = await studio.send("GET", "/api/v1/me/recovery-codes", { token: account.token });
    expect(left.body).toEqual({ remaining: 10, created_at: expect.any(String) });
  });

  it("are kept as hashes, and shown once", async () => {
    const account = await studio.newAccount();
    const { recoveryCodes } = await kit.addApp(account);
    const rows = JSON.stringify(
      await asSuperuser("SELECT * FROM control.recovery_codes WHERE user_id = $1", [account.id]),
    );
    for (const code of recoveryCodes) {
      expect(rows).not.toContain(code);
      expect(rows).not.toContain(code.replaceAll("-", ""));
    }
  });

  it("work once, however they are grouped and typed, and the person is told by mail and log", async () => {
    const account = await studio.newAccount();
    const org = await studio.newOrg(account);
    const { recoveryCodes } = await kit.addApp(account);
    const [first = "", second = ""] = recoveryCodes;
    const challenge = await kit.challengeOf(account);
    const answer = await kit.finish({ challenge, recovery_code: first.replaceAll("-", " ").toUpperCase() });
    expect(answer.status).toBe(200);
    const used = { type: "factor_change", user_id: account.id, factor: "recovery_codes", action: "used" };
    const logs = studio.audit.of(answer.requestId).filter(({ event }) => event.type === "factor_change");
    expect(logs.map(({ log }) => log).toSorted()).toEqual([null, org.id].toSorted());
    for (const { event } of logs) expect(event).toEqual(used);
    await Promise.all(studio.deferred);
    expect(studio.mails.at(-1)).toMatchObject({
      to: account.email,
      text: expect.stringContaining("recovery codes was used"),
    });

    const again = await kit.finish({ challenge: await kit.challengeOf(account), recovery_code: first });
    expect([again.status, again.body.code]).toEqual([401, "invalid_credentials"]);
    expect((await kit.finish({ challenge: await kit.challengeOf(account), recovery_code: second })).status).toBe(200);
    const left = await studio.send("GET", "/api/v1/me/recovery-codes", { token: account.token });
    expect(left.body.remaining).toBe(8);
  });

  it("work once when fifty requests bring the same one at the same moment", async () => {
    const account = await studio.newAccount();
    const { recoveryCodes } = await kit.addApp(account);
    const challenges: string[] = [];
    while (challenges.length < 50) challenges.push(await kit.challengeOf(account));
    const answers = await Promise.all(
      challenges.map((challenge) => kit.finish({ challenge, recovery_code: recoveryCodes[0] })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const [row] = await asSuperuser(
      "SELECT count(*)::int AS used FROM control.recovery_codes WHERE user_id = $1 AND used_at IS NOT NULL",
      [account.id],
    );
    expect(row).toEqual({ used: 1 });
  });

  it("of somebody else are worth nothing", async () => {
    const [victim, thief] = [await studio.newAccount(), await studio.newAccount()];
    await kit.addApp(victim);
    const { recoveryCodes } = await kit.addApp(thief);
    const challenge = await kit.challengeOf(victim);
    const answer = await kit.finish({ challenge, recovery_code: recoveryCodes[0] });
    expect([answer.status, answer.body.code]).toEqual([401, "invalid_credentials"]);
  });

  it("are made anew on demand, and the old ones end", async () => {
    const account = await studio.newAccount();
    const { recoveryCodes: old } = await kit.addApp(account);
    const made = await studio.send("POST", "/api/v1/me/recovery-codes", { token: account.token });
    expect(made.body.codes).toHaveLength(10);
    expect((await kit.finish({ challenge: await kit.challengeOf(account), recovery_code: old[0] })).status).toBe(401);
    const challenge = await kit.challengeOf(account);
    expect((await kit.finish({ challenge, recovery_code: made.body.codes[0] })).status).toBe(200);
  });

  it("are no factor of their own: without one there are none to make, and with the last one they go", async () => {
    const account = await studio.newAccount();
    const make = () => studio.send("POST", "/api/v1/me/recovery-codes", { token: account.token });
    expect((await make()).status).toBe(409);
    await kit.addApp(account);
    expect((await studio.send("DELETE", "/api/v1/me/mfa/totp", { token: account.token })).status).toBe(204);
    expect(await asSuperuser("SELECT 1 FROM control.recovery_codes WHERE user_id = $1", [account.id])).toEqual([]);
    expect((await kit.login(account)).status).toBe(200);
    expect((await kit.addKey(account)).recoveryCodes).toHaveLength(10);
  });
});
