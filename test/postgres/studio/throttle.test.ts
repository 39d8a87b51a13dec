import { beforeAll, describe, expect, it } from "vitest";
import { deviceCookieName } from "../../../core/rpc/studio.ts";
import { asSuperuser } from "../support.ts";
import { createFactorsKit, newAddress } from "./factors-kit.ts";
import { type Account, createHarness, type Harness, password } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const free = 10;
const addressFree = 100;
const wrongPassword = "not the one they have";

interface Attempt {
  readonly password?: string;
  readonly cookie?: string;
  readonly ip?: string;
  readonly more?: object;
}
async function attempt(email: string, at: Attempt = {}, own = studio) {
  const answer = await own.send("POST", "/api/v1/auth/login?tokens=1", {
    body: { email, password: at.password ?? wrongPassword, ...at.more },
    ip: at.ip ?? newAddress(),
    headers: at.cookie === undefined ? {} : { Cookie: at.cookie },
  });
  // What is settled after the answer is settled before the next attempt.
  await Promise.all(own.deferred);
  return answer;
}
/** Fails at an account until it is slowed down, each time from another address. */
async function hammer(email: string, own = studio): Promise<void> {
  // A sign-in before this has been settled, which starts the account anew.
  await Promise.all(own.deferred);
  for (let time = 0; time <= free; time += 1) expect((await attempt(email, {}, own)).status).toBe(401);
  expect((await attempt(email, {}, own)).status).toBe(429);
}
const deviceCookieOf = (answer: { headers: Headers }): string => {
  const set = answer.headers.getSetCookie().find((cookie) => cookie.startsWith(`${deviceCookieName}=`));
  return (set ?? "").split(";")[0] ?? "";
};
/** Signs in once from a browser, which keeps its cookie. */
async function knownBrowser(account: Account): Promise<string> {
  const answer = await attempt(account.email, { password });
  expect(answer.status).toBe(200);
  return deviceCookieOf(answer);
}

describe("failures at an account", () => {
  it("cost nothing at first, then a wait that doubles up to a minute, over any number of addresses", async () => {
    const own = await createHarness();
    const { email } = await own.newAccount();
    for (let time = 0; time <= free; time += 1) expect((await attempt(email, {}, own)).status).toBe(401);
    const waits: number[] = [];
    for (let time = 0; time < 9; time += 1) {
      const answer = await attempt(email, {}, own);
      expect([answer.status, answer.body.code]).toEqual([429, "throttled"]);
      const seconds = Number(answer.headers.get("Retry-After"));
      waits.push(seconds);
      own.clock.nowMs += seconds * 1000 - 1;
      expect((await attempt(email, {}, own)).status).toBe(429);
      own.clock.nowMs += 1;
      expect((await attempt(email, {}, own)).status).toBe(401);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it("slow down an address without an account in the very same way", async () => {
    const account = await studio.newAccount();
    const shapes = [];
    for (const email of [account.email, studio.newEmail()]) {
      const seen = [];
      for (let time = 0; time < free + 3; time += 1) {
        const { status, headers, body } = await attempt(email);
        const { request_id: _, ...rest } = body;
        seen.push({ status, names: [...headers.keys()], retry: headers.get("Retry-After"), rest });
      }
      shapes.push(seen);
    }
    expect(shapes[0]).toEqual(shapes[1]);
    expect(shapes[0]!.at(-1)!.status).toBe(429);
  });

  it("are refused without a look at the password, right or wrong", async () => {
    let asked = 0;
    const own = await createHarness((services) => ({
      ...services,
      passwords: {
        ...services.passwords,
        verify: async (typed, stored) => {
          asked += 1;
          return services.passwords.verify(typed, stored);
        },
      },
    }));
    const { email } = await own.newAccount();
    await hammer(email, own);
    asked = 0;
    expect((await attempt(email, { password }, own)).status).toBe(429);
    expect(asked).toBe(0);
  });

  it("are counted before they are made, so that a burst tries no more than a row of them", async () => {
    const own = await createHarness();
    const { email } = await own.newAccount();
    const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await attempt(email, {}, own)).status));
    expect(statuses.filter((status) => status === 401)).toHaveLength(free + 1);
    expect(statuses.filter((status) => status === 429)).toHaveLength(40 - free - 1);
    own.clock.nowMs += 1000;
    const next = await Promise.all(Array.from({ length: 20 }, async () => (await attempt(email, {}, own)).status));
    expect(next.filter((status) => status === 401)).toHaveLength(1);
  });

  it("are none of those that are right at the same moment, on machines whose clocks are not quite the same", async () => {
    const own = await createHarness();
    const { email } = await own.newAccount();
    const start = own.clock.nowMs;
    for (let time = 0; time < 5; time += 1) {
      const statuses = [];
      for (const skew of [7, 0, 3]) {
        own.clock.nowMs = start + time + skew;
        statuses.push((await attempt(email, { password, ip: "2001:db8:5::1" }, own)).status);
      }
      expect(statuses).toEqual([200, 200, 200]);
      own.clock.nowMs = start;
      expect((await attempt(email, { ip: "2001:db8:5::1" }, own)).status).toBe(401);
    }
  });

  it("are forgotten by a right password, and by an hour without any", async () => {
    const own = await createHarness();
    const { email } = await own.newAccount();
    for (let time = 0; time < free; time += 1) await attempt(email, {}, own);
    expect((await attempt(email, { password }, own)).status).toBe(200);
    await hammer(email, own);
    own.clock.nowMs += 3600_000 + 1;
    await hammer(email, own);
  });

  it("leave an entry with the method and the reason, for the person's organisations too", async () => {
    const org = await studio.newOrg();
    const reasons = async (answer: { requestId: string }) =>
      studio.audit
        .of(answer.requestId)
        .flatMap(({ log, event }) =>
          event.type === "login" ? [[log, event.method, event.reason, event.outcome]] : [],
        );
    const wrong = await attempt(org.owner.email);
    expect(await reasons(wrong)).toEqual([
      [null, "password", "wrong_password", "failure"],
      [org.id, "password", "wrong_password", "failure"],
    ]);
    for (let time = 0; time < free; time += 1) await attempt(org.owner.email);
    const throttled = await attempt(org.owner.email, { password });
    expect((await reasons(throttled)).toSorted()).toEqual(
      [
        [null, "password", "throttled", "failure"],
        [org.id, "password", "throttled", "failure"],
      ].toSorted(),
    );
    expect(await reasons(await attempt(studio.newEmail()))).toEqual([[null, "password", "unknown_account", "failure"]]);
  });

  it("name nobody in the table", async () => {
    const account = await studio.newAccount();
    await attempt(account.email, { ip: "198.51.100.99" });
    const [row] = await asSuperuser("SELECT json_agg(f)::text AS dump FROM control.sign_in_failures f");
    for (const name of [account.email, account.id, "198.51.100.99"]) expect(String(row!.dump)).not.toContain(name);
  });
});

describe("an owner whose account strangers hammer", () => {
  it("gets in from a browser that has signed in before, even from the strangers' own address", async () => {
    const account = await studio.newAccount();
    const cookie = await knownBrowser(account);
    await hammer(account.email);
    expect((await attempt(account.email, { password })).status).toBe(429);
    expect((await attempt(account.email, { password, cookie })).status).toBe(200);
    const ip = newAddress();
    for (let time = 0; time <= addressFree; time += 1) await attempt(studio.newEmail(), { ip });
    expect((await attempt(studio.newEmail(), { ip })).status).toBe(429);
    expect((await attempt(account.email, { password, cookie, ip })).status).toBe(200);
  });

  it("does not set the strangers free by that", async () => {
    const account = await studio.newAccount();
    const cookie = await knownBrowser(account);
    await hammer(account.email);
    expect((await attempt(account.email, { password, cookie })).status).toBe(200);
    expect((await attempt(account.email)).status).toBe(429);
  });

  it("gets in with a passkey alone, and with the password and a passkey beside it", async () => {
    const kit = createFactorsKit(studio);
    const account = await studio.newAccount();
    const key = await kit.addKey(account);
    await hammer(account.email);
    expect((await kit.passkeySignIn(key.authenticator)).status).toBe(200);
    const begun = await studio.send("POST", "/api/v1/auth/passkey/options");
    const passkey = { ceremony: begun.body.ceremony, response: key.authenticator.assert(begun.body.options) };
    const beside = await attempt(account.email, { password, more: { passkey } });
    expect(beside.status).toBe(200);
    expect((await attempt(account.email, { password })).status).toBe(429);
  });

  it("gets in with a new password by mail, from the browser that set it", async () => {
    const account = await studio.newAccount();
    await hammer(account.email);
    await studio.send("POST", "/api/v1/auth/password/forgot", { body: { email: account.email } });
    await Promise.all(studio.deferred);
    const body = { token: studio.mailedToken(account.email), password: "lanterns over quiet water" };
    const reset = await studio.send("POST", "/api/v1/auth/password/reset", { body });
    expect(reset.status).toBe(204);
    const at = { password: body.password };
    expect((await attempt(account.email, at)).status).toBe(429);
    expect((await attempt(account.email, { ...at, cookie: deviceCookieOf(reset) })).status).toBe(200);
  });
});

describe("a passkey beside a password", () => {
  it.each(["somebody else's", "forged", "used before", "without the password"])(
    "does not open an account when it is %s",
    async (what) => {
      const kit = createFactorsKit(studio);
      const [victim, attacker] = [await studio.newAccount(), await studio.newAccount()];
      const [key, other] = [await kit.addKey(victim), await kit.addKey(attacker)];
      const begun = await studio.send("POST", "/api/v1/auth/passkey/options");
      const { ceremony, options } = begun.body;
      const id = key.authenticator.credentialId;
      const named = { ...other.authenticator.assert(options), id, rawId: id };
      const tries: Record<string, Attempt> = {
        "somebody else's": { password, more: { passkey: { ceremony, response: other.authenticator.assert(options) } } },
        forged: { password, more: { passkey: { ceremony, response: named } } },
        "used before": { password, more: { passkey: { ceremony, response: key.authenticator.assert(options) } } },
        "without the password": { more: { passkey: { ceremony, response: key.authenticator.assert(options) } } },
      };
      if (what === "used before") expect((await attempt(victim.email, tries[what])).status).toBe(200);
      const answer = await attempt(victim.email, tries[what]);
      expect([answer.status, ["invalid_credentials", "invalid_token"].includes(answer.body.code)]).toEqual([401, true]);
    },
  );
});

describe("a device cookie", () => {
  it("is the browser's own for ninety days, out of every script's reach", async () => {
    const { email } = await studio.newAccount();
    const set = (await attempt(email, { password })).headers.getSetCookie()[1];
    expect(set).toMatch(
      /^__Host-sentinel_device=usr_\w{26}\.[\w-]{22}\.\d+\.[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=7776000$/,
    );
  });

  it("opens nothing and is counted by itself: who steals one is slowed as well", async () => {
    const account = await studio.newAccount();
    const cookie = await knownBrowser(account);
    expect((await attempt(account.email, { cookie })).status).toBe(401);
    for (let time = 0; time < free; time += 1) await attempt(account.email, { cookie });
    expect((await attempt(account.email, { password, cookie })).status).toBe(429);
    expect((await attempt(account.email, { password })).status).toBe(200);
  });

  it("keeps its count over a sign-in in between: the browser keeps its id", async () => {
    const account = await studio.newAccount();
    const cookie = await knownBrowser(account);
    const again = deviceCookieOf(await attempt(account.email, { password, cookie }));
    expect(again.split(".")[1]).toBe(cookie.split(".")[1]);
  });

  it.each<[string, (cookie: string, other: string) => string]>([
    ["another person's", (_cookie, other) => other],
    [
      "another person's with the name exchanged",
      (cookie, other) => [cookie.split(".")[0], ...other.split(".").slice(1)].join("."),
    ],
    ["with another id", (cookie) => cookie.replace(/\.[\w-]{22}\./, `.${"A".repeat(22)}.`)],
    ["made younger", (cookie) => cookie.replace(/\.(\d+)\./, (_all, at) => `.${Number(at) + 1}.`)],
    ["without its tag", (cookie) => cookie.split(".").slice(0, 3).join(".")],
    ["with a second tag", (cookie) => `${cookie}.${cookie.split(".")[3]}`],
  ])("spares nobody the account's wait when it is %s", async (_what, change) => {
    const [account, stranger] = [await studio.newAccount(), await studio.newAccount()];
    const [cookie, other] = [await knownBrowser(account), await knownBrowser(stranger)];
    await hammer(account.email);
    const forged = change(cookie, other);
    expect(forged).not.toBe(cookie);
    expect((await attempt(account.email, { password, cookie: forged })).status).toBe(429);
    expect((await attempt(account.email, { password, cookie })).status).toBe(200);
  });

  it("is none after ninety days, and none of another installation's", async () => {
    const own = await createHarness();
    const account = await own.newAccount();
    const cookie = deviceCookieOf(await attempt(account.email, { password }, own));
    own.clock.nowMs += 90 * 24 * 3600_000 + 2000;
    await hammer(account.email, own);
    expect((await attempt(account.email, { password, cookie }, own)).status).toBe(429);
    const elsewhere = await studio.newAccount();
    await hammer(elsewhere.email);
    const foreign = cookie.replace(/usr_\w{26}/, elsewhere.id);
    expect((await attempt(elsewhere.email, { password, cookie: foreign })).status).toBe(429);
  });
});

describe("an address that tries many accounts", () => {
  it("is slowed late and little, for a whole school may be behind it", async () => {
    const own = await createHarness();
    const ip = newAddress();
    for (let time = 0; time <= addressFree; time += 1)
      expect((await attempt(own.newEmail(), { ip }, own)).status).toBe(401);
    const waits: number[] = [];
    for (let time = 0; time < 6; time += 1) {
      const answer = await attempt(own.newEmail(), { ip }, own);
      expect(answer.status).toBe(429);
      waits.push(Number(answer.headers.get("Retry-After")));
      own.clock.nowMs += waits.at(-1)! * 1000;
      await attempt(own.newEmail(), { ip }, own);
    }
    expect(waits).toEqual([1, 2, 4, 8, 10, 10]);
  });

  it("is the first 64 bits of an IPv6 one", async () => {
    const own = await createHarness();
    for (let time = 0; time <= addressFree; time += 1)
      await attempt(own.newEmail(), { ip: `2001:db8:77:1::${time.toString(16)}` }, own);
    expect((await attempt(own.newEmail(), { ip: "2001:db8:77:1:ffff::1" }, own)).status).toBe(429);
    expect((await attempt(own.newEmail(), { ip: "2001:db8:77:2::1" }, own)).status).toBe(401);
  });

  it("is not slowed by sign-ins that are right, however many", async () => {
    const own = await createHarness();
    const account = await own.newAccount();
    const ip = newAddress();
    for (let time = 0; time < addressFree + 20; time += 1)
      expect((await attempt(account.email, { password, ip }, own)).status).toBe(200);
  });
});
