import { beforeAll, describe, expect, it } from "vitest";
import { createHasher } from "../../../workers/passwords/hasher.ts";
import { createPasswordHasher } from "../../../workers/studio/auth/passwords.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness, password } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const storedHash = async (id: string): Promise<string> =>
  String((await asSuperuser("SELECT password_hash FROM control.users WHERE id = $1", [id]))[0]!.password_hash);
const register = (body: { email: string; password: string; name?: string }) =>
  studio.send("POST", "/api/v1/auth/register", { body: { name: "Anna Rao", ...body } });
const login = (email: string, typed: string) =>
  studio.send("POST", "/api/v1/auth/login?tokens=1", { body: { email, password: typed } });

describe("a password at registration", () => {
  it.each([
    ["too short", "fourteen chars", "at least 15"],
    ["common", "password1234567", "first that are guessed"],
    ["the name", "anna rao anna rao", "your name"],
  ])("is refused when it is %s, and the answer does not repeat it", async (_what, chosen, said) => {
    const answer = await register({ email: studio.newEmail(), password: chosen });
    expect([answer.status, answer.body.code]).toEqual([422, "invalid_request"]);
    expect(answer.body.errors).toEqual([{ path: "password", message: expect.stringContaining(said) }]);
    expect(JSON.stringify(answer.body)).not.toContain(chosen);
  });

  it("is refused when it is the address", async () => {
    const email = studio.newEmail();
    expect((await register({ email, password: email })).status).toBe(422);
  });

  it("may be 128 characters of any script, and signs in in every way of writing it", async () => {
    const email = studio.newEmail();
    const chosen = `${"क".repeat(100)} caf\u00e9 ${"👩x".repeat(11)}`;
    expect([...chosen]).toHaveLength(128);
    expect((await register({ email, password: chosen })).status).toBe(202);
    await studio.send("POST", "/api/v1/auth/verify-email", { body: { token: studio.mailedToken(email) } });
    expect((await login(email, chosen.normalize("NFD"))).status).toBe(200);
    expect((await login(email, chosen.slice(0, -1))).status).toBe(401);
  });

  it("signs in however old it is", async () => {
    const own = await createHarness();
    const { email } = await own.newAccount();
    own.clock.nowMs += 10 * 365 * 24 * 3600_000;
    await own.signIn(email);
  });

  it("stands in no row and no log entry", async () => {
    const account = await studio.newAccount();
    await login(account.email, "a wrong password of mine");
    const [row] = await asSuperuser("SELECT json_agg(u)::text AS dump FROM control.users u");
    for (const typed of [password, "a wrong password of mine"]) {
      expect(String(row!.dump)).not.toContain(typed);
      expect(JSON.stringify(studio.audit.events)).not.toContain(typed);
    }
  });
});

describe("a registration's link", () => {
  const verify = (body: object) => studio.send("POST", "/api/v1/auth/verify-email", { body });

  it("gives the account the password of whoever opens it, and none of whoever registered the address", async () => {
    const email = studio.newEmail();
    const theirs = "waiting for the owner to click";
    await register({ email, password: theirs });
    expect((await verify({ token: studio.mailedToken(email), password })).status).toBe(200);
    expect((await login(email, theirs)).body.code).toBe("invalid_credentials");
    expect((await login(email, password)).status).toBe(200);
  });

  it("stays good when the password that comes with it is refused", async () => {
    const email = studio.newEmail();
    await register({ email, password });
    const token = studio.mailedToken(email);
    for (const chosen of ["short", "password1234567", "anna rao anna rao", email])
      expect((await verify({ token, password: chosen })).status).toBe(422);
    expect((await verify({ token, password })).status).toBe(200);
  });

  it("that is none is refused before anybody looks at the password that came with it", async () => {
    const answer = await verify({ token: "t".repeat(43), password: "password1234567" });
    expect([answer.status, answer.body.code]).toEqual([401, "invalid_token"]);
  });

  it("may come alone from a program that registered a moment ago", async () => {
    const email = studio.newEmail();
    await register({ email, password });
    expect((await verify({ token: studio.mailedToken(email) })).status).toBe(200);
    expect((await login(email, password)).status).toBe(200);
  });
});

describe("a hash", () => {
  it("is renewed at sign-in once the parameters have risen, and still fits", async () => {
    const account = await studio.newAccount();
    const before = await storedHash(account.id);
    const stronger = createHasher({ now: Date.now, pause: async () => undefined }, { ln: 5, r: 8, p: 1 });
    const risen = await createHarness((services) => ({
      ...services,
      passwords: { ...services.passwords, ...stronger },
    }));
    const body = { email: account.email, password };
    expect((await risen.send("POST", "/api/v1/auth/login", { body })).status).toBe(200);
    const after = await storedHash(account.id);
    expect([before.slice(0, 13), after.slice(0, 13)]).toEqual(["$scrypt$ln=4,", "$scrypt$ln=5,"]);
    expect((await risen.send("POST", "/api/v1/auth/login", { body })).status).toBe(200);
    expect(await storedHash(account.id)).toBe(after);
  });
});

describe("without room or without the passwords Worker", () => {
  it.each<[string, () => Promise<Response>, string, string | null]>([
    ["full", () => Promise.resolve(Response.json({ kind: "busy" }, { status: 503 })), "busy", "2"],
    ["down", () => Promise.reject(new Error("connection refused")), "unavailable", "1"],
    ["not ours", () => Promise.resolve(new Response(null, { status: 401 })), "unavailable", "1"],
    ["saying yes to everything", () => Promise.resolve(Response.json({ ok: true })), "unavailable", "1"],
  ])("lets nobody in, says so, and holds it against nobody: it is %s", async (_what, fetch, code, retryAfter) => {
    let broken = false;
    const own = await createHarness((services) => {
      const failing = createPasswordHasher({ fetch }, "t".repeat(43));
      const { hash, verify } = services.passwords;
      return {
        ...services,
        passwords: {
          ...services.passwords,
          hash: (typed) => (broken ? failing : { hash }).hash(typed),
          verify: (typed, stored) => (broken ? failing : { verify }).verify(typed, stored),
        },
      };
    });
    const account = await own.newAccount();
    broken = true;
    const body = { email: account.email, password };
    for (let time = 0; time < 15; time += 1) {
      const answer = await own.send("POST", "/api/v1/auth/login", { body });
      expect([answer.status, answer.body.code, answer.headers.get("Retry-After")]).toEqual([503, code, retryAfter]);
      await Promise.all(own.deferred);
    }
    const registered = await own.send("POST", "/api/v1/auth/register", {
      body: { email: own.newEmail(), password, name: "A" },
    });
    expect([registered.status, registered.body.code]).toEqual([503, code]);
    broken = false;
    expect((await own.send("POST", "/api/v1/auth/login", { body })).status).toBe(200);
  });
});
