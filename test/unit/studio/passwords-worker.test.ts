import { describe, expect, it } from "vitest";
import { normalisePassword } from "../../../core/rpc/passwords.ts";
import { isCommon } from "../../../workers/passwords/blocklist.ts";
import { createHasher, type Hasher } from "../../../workers/passwords/hasher.ts";
import { createQueue, waitingMax } from "../../../workers/passwords/queue.ts";
import { scryptParameters } from "../../../workers/passwords/scrypt.ts";
import { serve } from "../../../workers/passwords/serve.ts";
import { createPasswordHasher } from "../../../workers/studio/auth/passwords.ts";
import { Unavailable } from "../../../workers/studio/unavailable.ts";

const quick = { ln: 4, r: 8, p: 1 };
const pause = () => new Promise<void>((resolve) => setImmediate(resolve));
const platform = { now: () => Date.now(), pause };
const passphrase = "correct horse battery staple";

async function hashed(hasher: Hasher, password: string): Promise<string> {
  const outcome = await hasher.hash(password);
  if (outcome.kind !== "ok") throw new Error(outcome.kind);
  return outcome.hash;
}

describe("passwords", () => {
  it("are stored with their parameters and found again", async () => {
    const hasher = createHasher(platform);
    const hash = await hashed(hasher, passphrase);
    expect(hash).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await hasher.verify(passphrase, hash)).toEqual({ kind: "right", renewed: null });
    expect(await hasher.verify("correct horse battery stable", hash)).toEqual({ kind: "wrong" });
    expect(scryptParameters).toEqual({ ln: 15, r: 8, p: 3 });
  });

  it("are renewed when the parameters have risen, a common one of old too", async () => {
    const old = await hashed(createHasher(platform, quick), "a password of old");
    const hasher = createHasher(platform, { ...quick, ln: 5 });
    const outcome = await hasher.verify("a password of old", old);
    if (outcome.kind !== "right" || outcome.renewed === null) throw new Error("not renewed");
    expect(outcome.renewed).toContain("$ln=5,");
    expect(await hasher.verify("a password of old", outcome.renewed)).toEqual({ kind: "right", renewed: null });
  });

  it("of nobody are wrong, after the same work", async () => {
    expect(await createHasher(platform, quick).verify("anything", null)).toEqual({ kind: "wrong" });
  });

  it("are one in every way of writing them", async () => {
    const hasher = createHasher(platform, quick);
    const hash = await hashed(hasher, "caf\u00e9 in Thiruvananthapuram");
    expect((await hasher.verify("cafe\u0301 in Thiruvananthapuram", hash)).kind).toBe("right");
    expect(normalisePassword("e\u0301")).toBe("\u00e9");
  });

  it("wait for one another, and only so many", async () => {
    const hasher = createHasher(platform, quick);
    const outcomes = await Promise.all(Array.from({ length: waitingMax + 5 }, () => hasher.hash(passphrase)));
    expect(outcomes.filter(({ kind }) => kind === "ok")).toHaveLength(waitingMax + 1);
    expect(outcomes.slice(waitingMax + 1).every(({ kind }) => kind === "busy")).toBe(true);
    expect((await hasher.hash(passphrase)).kind).toBe("ok");
  });

  it("hear at once that the queue is full, not when it has been worked through", async () => {
    const order: string[] = [];
    const queue = createQueue(platform.now, pause);
    const work = Array.from({ length: waitingMax + 2 }, async (_, index) => {
      const done = await queue.run(() => order.push("worked"));
      if (done === null) order.push(`refused ${index}`);
    });
    await Promise.all(work);
    expect(order[0]).toBe(`refused ${waitingMax + 1}`);
  });

  it("keep no place for who was cut off while waiting", async () => {
    let nowMs = 0;
    const queue = createQueue(
      () => nowMs,
      () => new Promise(() => undefined),
    );
    for (let index = 0; index <= waitingMax; index += 1) void queue.run(() => null);
    expect(await queue.run(() => "worked")).toBeNull();
    nowMs += 20_001;
    const late = queue.run(() => "worked");
    expect(await Promise.race([late, pause().then(() => "waits its turn")])).toBe("waits its turn");
  });
});

describe("a common password", () => {
  it.each([
    "password1234567",
    "Password12345!!",
    "P@ssw0rd!!!!!!!!",
    "PASSWORDPASSWORD",
    "qwertyuiopasdfgh",
    "123456789012345",
    "987654321098765",
    "abcdefghijklmnop",
    "aaaaaaaaaaaaaaaa",
    "iloveyou iloveyou",
    "monsoon!2024!2024",
    "1qaz2wsx3edc4rfv",
    "***sunshine***2024",
    "\uff50assword1234567",
    "👩".repeat(15),
  ])("is %s", async (password) => {
    expect(isCommon(password)).toBe(true);
    expect(await createHasher(platform, quick).hash(password)).toEqual({ kind: "refused", reason: "common" });
  });

  it.each([
    passphrase,
    "correct horse battery staple 9",
    "thiruvananthapuram monsoon",
    "847192831174552",
    "x7Gq2Lp9x7Gq2Lp9",
    "l7ieuNjWO4nsl4Mh3oTdYr0Aa",
    `${"क".repeat(100)} lanterns over quiet water`,
    "मेरा पहला विद्यालय घर",
  ])("is not %s", (password) => {
    expect(isCommon(password)).toBe(false);
  });
});

describe("the passwords Worker", () => {
  const token = "t".repeat(43);
  const hasher = createHasher(platform, quick);
  const ask = (path: string, init: RequestInit = {}, bearer = token) =>
    serve(
      new Request(`http://passwords.internal${path}`, {
        method: "POST",
        ...init,
        headers: { Authorization: `Bearer ${bearer}` },
      }),
      token,
      hasher,
    );
  const binding = { fetch: (url: string, init?: RequestInit) => serve(new Request(url, init), token, hasher) };

  it.each(["/hash", "/verify", "/ready", "/", "/metrics"])("tells nothing at %s without the token", async (path) => {
    for (const bearer of ["", "x", token.slice(1), `${token}t`]) {
      const body = JSON.stringify({ password: passphrase, stored: null });
      expect((await ask(path, { body }, bearer)).status).toBe(401);
    }
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    '{"password":7}',
    '{"password":""}',
    JSON.stringify({ password: "x".repeat(513) }),
    JSON.stringify({ password: passphrase, stored: 7 }),
    JSON.stringify({ password: passphrase, stored: "x".repeat(257) }),
    JSON.stringify({ password: passphrase, padding: "x".repeat(9000) }),
  ])("refuses what studio never sends: %.40s", async (body) => {
    expect((await ask("/verify", { body })).status).toBe(400);
  });

  it("takes an absent hash for a mistake, not for nobody", async () => {
    expect((await ask("/verify", { body: JSON.stringify({ password: passphrase }) })).status).toBe(400);
  });

  it("says when to come back", async () => {
    const body = JSON.stringify({ password: passphrase });
    const answers = await Promise.all(Array.from({ length: waitingMax + 2 }, () => ask("/hash", { body })));
    const busy = answers.filter(({ status }) => status === 503);
    expect(busy).toHaveLength(1);
    expect(busy[0]?.headers.get("Retry-After")).toBe("2");
    expect(await busy[0]?.json()).toEqual({ kind: "busy" });
  });

  it("answers studio's client in every way", async () => {
    const client = createPasswordHasher(binding, token);
    await client.ready();
    const outcome = await client.hash(passphrase);
    if (outcome.kind !== "ok") throw new Error(outcome.kind);
    expect(await client.verify(passphrase, outcome.hash)).toEqual({ kind: "right", renewed: null });
    expect(await client.verify(passphrase, null)).toEqual({ kind: "wrong" });
    expect(await client.hash("password1234567")).toEqual({ kind: "refused", reason: "common" });
    const all = await Promise.all(Array.from({ length: waitingMax + 3 }, () => client.verify(passphrase, null)));
    expect(all.filter(({ kind }) => kind === "busy")).toHaveLength(2);
  });

  it.each<[string, () => Promise<Response>]>([
    ["is not there", () => Promise.reject(new Error("connect ECONNREFUSED"))],
    ["knows another token", () => Promise.resolve(new Response(null, { status: 401 }))],
    ["breaks", () => Promise.resolve(new Response("", { status: 500 }))],
    ["says what it can't mean", () => Promise.resolve(Response.json({ kind: "correct" }))],
    ["says right to a hash", () => Promise.resolve(Response.json({ kind: "right", renewed: null }))],
    ["says nothing", () => Promise.resolve(new Response("", { status: 200 }))],
    ["hides behind a proxy's 503", () => Promise.resolve(new Response("<html>", { status: 503 }))],
  ])("is down, and nobody is let in, when it %s", async (what, fetch) => {
    const client = createPasswordHasher({ fetch }, token);
    await expect(client.hash(passphrase)).rejects.toThrow(Unavailable);
    if (what !== "says right to a hash") await expect(client.verify(passphrase, "x")).rejects.toThrow(Unavailable);
  });
});
