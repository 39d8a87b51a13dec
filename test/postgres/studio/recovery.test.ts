import { beforeAll, describe, expect, it } from "vitest";
import { asSuperuser } from "../support.ts";
import { createFactorsKit, type FactorsKit } from "./factors-kit.ts";
import { type Account, createHarness, type Harness, password, type Sent } from "./harness.ts";

let studio: Harness;
let kit: FactorsKit;
beforeAll(async () => {
  studio = await createHarness();
  kit = createFactorsKit(studio);
});

const fresh = "lanterns over quiet water";
const settled = () => Promise.all(studio.deferred);
const login = (email: string, typed: string) =>
  studio.send("POST", "/api/v1/auth/login?tokens=1", { body: { email, password: typed } });
const alive = async (account: Pick<Account, "token">) =>
  (await studio.send("GET", "/api/v1/me", { token: account.token })).status === 200;
const shape = ({ status, body, headers }: Sent) => ({ status, body, names: [...headers.keys()] });
const changes = (answer: Sent) =>
  studio.audit
    .of(answer.requestId)
    .flatMap(({ log, event }) =>
      event.type === "factor_change" ? [{ log, user: event.user_id, factor: event.factor, action: event.action }] : [],
    );

async function forgot(email: string): Promise<Sent> {
  const answer = await studio.send("POST", "/api/v1/auth/password/forgot", { body: { email } });
  await settled();
  return answer;
}
const reset = (body: object) => studio.send("POST", "/api/v1/auth/password/reset", { body });
const resetMails = (email: string) =>
  studio.mails.filter(({ to, text }) => to === email && text.includes("/reset-password#token="));

describe("a forgotten password", () => {
  it("is replaced with the mailed link, which ends every session and is logged and mailed", async () => {
    const org = await studio.newOrg();
    const { owner } = org;
    const elsewhere = await studio.signIn(owner.email);
    await forgot(owner.email);
    const answer = await reset({ token: studio.mailedToken(owner.email), password: fresh });
    await settled();
    expect(answer.status).toBe(204);
    expect([await alive(owner), await alive(elsewhere)]).toEqual([false, false]);
    const refreshed = await studio.send("POST", "/api/v1/auth/refresh", {
      body: { refresh_token: owner.refreshToken },
    });
    expect(refreshed.status).toBe(401);
    expect((await login(owner.email, password)).body.code).toBe("invalid_credentials");
    expect((await login(owner.email, fresh)).status).toBe(200);
    const expected = { user: owner.id, factor: "password", action: "reset" };
    expect(changes(answer)).toEqual(
      expect.arrayContaining([
        { log: null, ...expected },
        { log: org.id, ...expected },
      ]),
    );
    const told = studio.standIns.calls.filter(({ method, args }) => method === "endSessions" && args[0] === org.id);
    expect(told.length).toBeGreaterThan(0);
    expect(studio.mails.findLast(({ to }) => to === owner.email)?.subject).toContain("security has changed");
  });

  it("is asked for with the same answer, the same row and the same writes whether or not there is an account", async () => {
    const [known, unknown] = [(await studio.newAccount()).email, studio.newEmail()];
    const rows = async () => {
      const [row] = await asSuperuser("SELECT count(*)::int AS n FROM control.password_resets");
      return Number(row!.n);
    };
    const before = await rows();
    const answers = [await forgot(known), await forgot(unknown)];
    expect(shape(answers[0]!)).toEqual(shape(answers[1]!));
    expect(answers[0]!.status).toBe(202);
    expect(await rows()).toBe(before + 2);
    const receipts = await asSuperuser("SELECT request_id FROM control.operation_receipts WHERE request_id = ANY($1)", [
      answers.map(({ requestId }) => requestId),
    ]);
    expect(receipts).toHaveLength(2);
    expect([resetMails(known).length, resetMails(unknown).length]).toEqual([1, 0]);
  });

  it("is not told apart by a mail provider that is down", async () => {
    const own = await createHarness((services) => ({
      ...services,
      sendMail: async (message) => {
        if (message.text.includes("/reset-password#")) throw new Error("down");
        return services.sendMail(message);
      },
    }));
    const { email } = await own.newAccount();
    const ask = (to: string) => own.send("POST", "/api/v1/auth/password/forgot", { body: { email: to } });
    expect(shape(await ask(email))).toEqual(shape(await ask(own.newEmail())));
  });

  it("fills nobody's mailbox: five links in an hour", async () => {
    const { email } = await studio.newAccount();
    for (let time = 0; time < 8; time += 1) expect((await forgot(email)).status).toBe(202);
    expect(resetMails(email)).toHaveLength(5);
  });

  it("is stored as a hash alone: the database opens nothing", async () => {
    const { email } = await studio.newAccount();
    await forgot(email);
    const [row] = await asSuperuser("SELECT json_agg(r)::text AS dump FROM control.password_resets r");
    expect(String(row!.dump)).not.toContain(studio.mailedToken(email));
    expect(String(row!.dump)).not.toContain(email);
  });
});

describe("a reset link", () => {
  async function linkFor(account: Pick<Account, "email">): Promise<string> {
    await forgot(account.email);
    return studio.mailedToken(account.email);
  }

  it("is good once, even for many at the same moment", async () => {
    const account = await studio.newAccount();
    const token = await linkFor(account);
    const tries = await Promise.all(
      Array.from({ length: 6 }, (_, index) => reset({ token, password: `${fresh} ${index}` })),
    );
    expect(tries.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(tries.filter(({ body }) => body?.code === "invalid_token")).toHaveLength(5);
  });

  it("is good for half an hour", async () => {
    const own = await createHarness();
    const account = await own.newAccount();
    await own.send("POST", "/api/v1/auth/password/forgot", { body: { email: account.email } });
    await Promise.all(own.deferred);
    const body = { token: own.mailedToken(account.email), password: fresh };
    own.clock.nowMs += 30 * 60_000;
    expect((await own.send("POST", "/api/v1/auth/password/reset", { body })).body.code).toBe("invalid_token");
    own.clock.nowMs -= 1000;
    expect((await own.send("POST", "/api/v1/auth/password/reset", { body })).status).toBe(204);
  });

  it("ends with any other that was open, and with a change of password", async () => {
    const account = await studio.newAccount();
    const [first, second] = [await linkFor(account), await linkFor(account)];
    expect((await reset({ token: second, password: fresh })).status).toBe(204);
    expect((await reset({ token: first, password: "somebody else's new one" })).body.code).toBe("invalid_token");
    const third = await linkFor(account);
    const signedIn = await login(account.email, fresh);
    const body = { current_password: fresh, new_password: "another one of my own" };
    const changed = await studio.send("POST", "/api/v1/me/password", { token: signedIn.body.access_token, body });
    expect(changed.status).toBe(204);
    expect((await reset({ token: third, password: "somebody else's new one" })).body.code).toBe("invalid_token");
  });

  it("stays good when the new password is refused", async () => {
    const account = await studio.newAccount();
    const token = await linkFor(account);
    for (const chosen of ["short", "password1234567", account.email, "A Person A Person"])
      expect((await reset({ token, password: chosen })).status).toBe(422);
    expect(await alive(account)).toBe(true);
    expect((await reset({ token, password: fresh })).status).toBe(204);
  });

  it("opens nothing for a person who is disabled, nor what was never given out", async () => {
    const account = await studio.newAccount();
    const token = await linkFor(account);
    await asSuperuser("UPDATE control.users SET disabled_at = now() WHERE id = $1", [account.id]);
    for (const tried of [token, "x".repeat(43), "x"])
      expect((await reset({ token: tried, password: fresh })).body.code).toBe("invalid_token");
    await forgot(account.email);
    expect(resetMails(account.email)).toHaveLength(1);
  });

  it("changes nothing while a hub can't be told, and works afterwards", async () => {
    const org = await studio.newOrg();
    const token = await linkFor(org.owner);
    studio.standIns.broken.add("endSessions");
    const failed = await reset({ token, password: fresh });
    studio.standIns.broken.delete("endSessions");
    expect(failed.status).toBe(503);
    expect((await login(org.owner.email, password)).status).toBe(200);
    expect((await reset({ token, password: fresh })).status).toBe(204);
  });

  it("lets no session live that began with the old password while it was changed", async () => {
    const account = await studio.newAccount();
    const token = await linkFor(account);
    const signIns = Array.from({ length: 8 }, () => login(account.email, password));
    const [answer, ...began] = await Promise.all([reset({ token, password: fresh }), ...signIns]);
    expect(answer!.status).toBe(204);
    for (const one of began) {
      if (one.status === 200) expect(await alive({ token: one.body.access_token })).toBe(false);
    }
  });
});

describe("a reset of somebody with a second factor", () => {
  async function protectedAccount() {
    const account = await studio.newAccount();
    const app = await kit.addApp(account);
    await forgot(account.email);
    return { account, app, token: studio.mailedToken(account.email) };
  }

  it("asks for it, and the link stays good", async () => {
    const { account, app, token } = await protectedAccount();
    const asked = await reset({ token, password: fresh });
    expect([asked.status, asked.body.code, asked.body.factors]).toEqual([
      401,
      "mfa_required",
      ["totp", "recovery_code"],
    ]);
    expect(await alive(account)).toBe(true);
    expect((await reset({ token, password: fresh, otp: await kit.freshCode(app) })).status).toBe(204);
    expect((await kit.login(account, { password: fresh })).body.code).toBe("mfa_required");
  });

  it("takes a recovery code, once", async () => {
    const { account, app, token } = await protectedAccount();
    const code = app.recoveryCodes[0]!;
    expect((await reset({ token, password: fresh, recovery_code: code })).status).toBe(204);
    await forgot(account.email);
    const again = await reset({ token: studio.mailedToken(account.email), password: fresh, recovery_code: code });
    expect(again.body.code).toBe("invalid_credentials");
  });

  it("does not use up a code when the password is a common one", async () => {
    const { app, token } = await protectedAccount();
    const code = app.recoveryCodes[0]!;
    expect((await reset({ token, password: "password1234567", recovery_code: code })).status).toBe(422);
    expect((await reset({ token, password: fresh, recovery_code: code })).status).toBe(204);
  });

  it("is refused with a wrong code, each one an entry in the log, and slowed down like any guess", async () => {
    const { app, token } = await protectedAccount();
    const answers = [];
    for (let time = 0; time < 12; time += 1) {
      const answer = await studio.send("POST", "/api/v1/auth/password/reset", {
        body: { token, password: fresh, otp: await kit.wrongCode(app) },
        ip: `2001:db8:9:${time}::1`,
      });
      answers.push(answer);
    }
    expect(answers[0]!.body.code).toBe("invalid_credentials");
    expect((await kit.loginsOf(answers[0]!))[0]!.event).toMatchObject({ reason: "factor_failed", mfa: "failed" });
    expect([answers.at(-1)!.status, answers.at(-1)!.body.code]).toEqual([429, "throttled"]);
  });

  it("may set a shorter password, of eight characters, which then needs the factor", async () => {
    const { account, app, token } = await protectedAccount();
    const short = "k3v9qz7w";
    expect((await reset({ token, password: short.slice(1), otp: await kit.freshCode(app) })).status).toBe(422);
    expect((await reset({ token, password: short, otp: await kit.freshCode(app) })).status).toBe(204);
    const signedIn = await kit.login(account, { password: short, otp: await kit.freshCode(app) });
    expect(signedIn.status).toBe(200);
    const removal = { token: signedIn.body.access_token };
    const removed = await studio.send("DELETE", "/api/v1/me/mfa/totp", removal);
    expect([removed.status, removed.body.code]).toEqual([409, "conflict"]);
    const body = { current_password: short, new_password: fresh };
    expect((await studio.send("POST", "/api/v1/me/password", { ...removal, body })).status).toBe(204);
    expect((await studio.send("DELETE", "/api/v1/me/mfa/totp", removal)).status).toBe(204);
  });
});

describe("one's own password", () => {
  const change = (account: Pick<Account, "token">, body: object, at = studio) =>
    at.send("POST", "/api/v1/me/password", { token: account.token, body });
  const both = { current_password: password, new_password: fresh };

  it("changes with the present one, ends all other sessions, and is logged", async () => {
    const org = await studio.newOrg();
    const here = org.owner;
    const there = await studio.signIn(here.email);
    const answer = await change(here, both);
    expect(answer.status).toBe(204);
    expect([await alive(here), await alive(there)]).toEqual([true, false]);
    expect((await login(here.email, password)).status).toBe(401);
    expect((await login(here.email, fresh)).status).toBe(200);
    const expected = { user: here.id, factor: "password", action: "changed" };
    expect(changes(answer)).toEqual(
      expect.arrayContaining([
        { log: null, ...expected },
        { log: org.id, ...expected },
      ]),
    );
  });

  it("does not change without the present one, or with a wrong one, which is slowed like any guess", async () => {
    const account = await studio.newAccount();
    expect((await change(account, { new_password: fresh })).status).toBe(422);
    const wrong = { ...both, current_password: "not the one they have" };
    const statuses: number[] = [];
    for (let time = 0; time < 12; time += 1) statuses.push((await change(account, wrong)).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    expect((await login(account.email, password)).status).toBe(429);
  });

  it("asks for a recent proof", async () => {
    const own = await createHarness();
    const account = await own.newAccount();
    own.clock.nowMs += 10 * 60_000 + 1;
    expect((await change(account, both, own)).body.code).toBe("step_up_required");
  });

  it.each(["too short now", "password1234567", "A Person A Person"])("is not to be %s", async (chosen) => {
    const account = await studio.newAccount();
    const answer = await change(account, { ...both, new_password: chosen });
    expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([422, "new_password"]);
  });

  it("is not to be the organisation's name", async () => {
    const org = await studio.newOrg();
    const answer = await change(org.owner, { ...both, new_password: `${org.slug}-2026` });
    expect(answer.status).toBe(422);
  });

  it("can be a first one for somebody who has none", async () => {
    const account = await studio.newAccount();
    await asSuperuser("UPDATE control.users SET password_hash = NULL WHERE id = $1", [account.id]);
    const answer = await change(account, { new_password: fresh });
    expect(answer.status).toBe(204);
    expect(changes(answer)[0]).toMatchObject({ action: "added" });
    expect((await login(account.email, fresh)).status).toBe(200);
  });
});

describe("a change of address", () => {
  const ask = (account: Pick<Account, "token">, email: string, at = studio) =>
    at.send("POST", "/api/v1/me/email", { token: account.token, body: { email } });
  const confirm = (token: string) => studio.send("POST", "/api/v1/auth/email/confirm", { body: { token } });
  const emailOf = async (account: Pick<Account, "token">) =>
    (await studio.send("GET", "/api/v1/me", { token: account.token })).body.user.email;

  async function asked(account: Account, email = studio.newEmail()) {
    expect((await ask(account, email)).status).toBe(202);
    await settled();
    return { email, forOld: studio.mailedToken(account.email), forNew: studio.mailedToken(email) };
  }

  it.each([
    ["the old address first", (forOld: string, forNew: string) => [forOld, forNew]],
    ["the new address first", (forOld: string, forNew: string) => [forNew, forOld]],
  ])("happens when both addresses have agreed: %s", async (_what, order) => {
    const org = await studio.newOrg();
    const account = org.owner;
    const { email, forOld, forNew } = await asked(account);
    const [first, second] = order(forOld, forNew) as [string, string];
    expect((await confirm(first)).body).toEqual({ status: "waiting" });
    expect((await confirm(first)).body).toEqual({ status: "waiting" });
    expect(await emailOf(account)).toBe(account.email);
    const answer = await confirm(second);
    await settled();
    expect(answer.body).toEqual({ status: "changed" });
    expect(await emailOf(account)).toBe(email);
    expect((await login(email, password)).status).toBe(200);
    expect((await login(account.email, password)).status).toBe(401);
    const expected = { user: account.id, factor: "email", action: "changed" };
    expect(changes(answer)).toEqual(
      expect.arrayContaining([
        { log: null, ...expected },
        { log: org.id, ...expected },
      ]),
    );
    expect(studio.mails.findLast(({ to }) => to === account.email)?.subject).toContain("has left this address");
    for (const token of [first, second]) expect((await confirm(token)).body.code).toBe("invalid_token");
  });

  it("happens once when both agree at the same moment", async () => {
    const account = await studio.newAccount();
    const { email, forOld, forNew } = await asked(account);
    const answers = await Promise.all([confirm(forOld), confirm(forNew)]);
    expect(answers.map(({ body }) => body.status).toSorted()).toEqual(["changed", "waiting"]);
    expect(await emailOf(account)).toBe(email);
  });

  it("tells the old address how to stop it, and a reset stops it", async () => {
    const account = await studio.newAccount();
    const { forOld, forNew } = await asked(account);
    const mail = studio.mails.findLast(({ to }) => to === account.email)!;
    expect(mail.text).toContain("https://sentinel.test/forgot-password");
    await confirm(forNew);
    await forgot(account.email);
    expect((await reset({ token: studio.mailedToken(account.email), password: fresh })).status).toBe(204);
    for (const token of [forOld, forNew]) expect((await confirm(token)).body.code).toBe("invalid_token");
  });

  it("does not tell who asks whether the address has an account; its mailbox learns it", async () => {
    const [account, other] = [await studio.newAccount(), await studio.newAccount()];
    const answers = [await ask(account, other.email), await ask(account, studio.newEmail())];
    await settled();
    expect(shape(answers[0]!)).toEqual(shape(answers[1]!));
    const mail = studio.mails.findLast(({ to }) => to === other.email)!;
    expect(mail.subject).toContain("already has");
    expect(mail.text).not.toContain("#token=");
  });

  it("does not happen when the address has got an account meanwhile", async () => {
    const account = await studio.newAccount();
    const { email, forOld, forNew } = await asked(account);
    await studio.send("POST", "/api/v1/auth/register", { body: { email, password: fresh, name: "Other" } });
    await studio.send("POST", "/api/v1/auth/verify-email", { body: { token: studio.mailedToken(email) } });
    await confirm(forOld);
    expect((await confirm(forNew)).body.code).toBe("invalid_token");
    expect(await emailOf(account)).toBe(account.email);
  });

  it("takes an earlier one's place, five times a day", async () => {
    const account = await studio.newAccount();
    const first = await asked(account);
    const second = await asked(account);
    for (const token of [first.forOld, first.forNew]) expect((await confirm(token)).body.code).toBe("invalid_token");
    expect((await confirm(second.forOld)).body.status).toBe("waiting");
    for (let time = 0; time < 3; time += 1) await asked(account);
    expect((await ask(account, studio.newEmail())).status).toBe(409);
  });

  it("waits a day and asks for a recent proof", async () => {
    const own = await createHarness();
    const account = await own.newAccount();
    const email = own.newEmail();
    expect((await ask(account, email, own)).status).toBe(202);
    await Promise.all(own.deferred);
    const token = own.mailedToken(email);
    own.clock.nowMs += 10 * 60_000 + 1;
    expect((await ask(account, email, own)).body.code).toBe("step_up_required");
    own.clock.nowMs += 24 * 3600_000;
    const late = await own.send("POST", "/api/v1/auth/email/confirm", { body: { token } });
    expect(late.body.code).toBe("invalid_token");
  });

  it("takes every open reset of the old address with it", async () => {
    const account = await studio.newAccount();
    await forgot(account.email);
    const token = studio.mailedToken(account.email);
    const { forOld, forNew } = await asked(account);
    await confirm(forOld);
    await confirm(forNew);
    expect((await reset({ token, password: fresh })).body.code).toBe("invalid_token");
  });
});
