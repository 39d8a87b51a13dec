import { createHmac } from "node:crypto";
import { base64url } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HostileIssuer, startHostileIssuer } from "../../support/hostile-issuer.ts";
import { type RealProvider, startRealProvider } from "../../support/real-provider.ts";
import { asSuperuser } from "../support.ts";
import type { Sent } from "./harness.ts";
import { createOutsideKit, newBrowser, type OutsideKit, redirectUri } from "./outside-kit.ts";

let real: RealProvider;
let hostile: HostileIssuer;
let other: HostileIssuer;
let kit: OutsideKit;
let org: Awaited<ReturnType<OutsideKit["studio"]["newOrg"]>>;
/** Providers of `org`. */
let realId: string;
let hostileId: string;
let otherId: string;
const joining = { allow_sign_up: true, default_role: "viewer", email_domains: ["school.test"] };

beforeAll(async () => {
  [real, hostile, other] = await Promise.all([
    startRealProvider(redirectUri),
    startHostileIssuer(),
    startHostileIssuer(),
  ]);
  kit = await createOutsideKit([real.issuer, hostile.issuer, other.issuer]);
  org = await kit.studio.newOrg();
  realId = await kit.newProvider(org, real, joining);
  hostileId = await kit.newProvider(org, hostile, joining);
  otherId = await kit.newProvider(org, other, joining);
});
afterAll(() => Promise.all([real, hostile, other].map((issuer) => issuer.stop())));

let count = 0;
const newSubject = (): string => {
  count += 1;
  const subject = `s-${count}-${Date.now()}`;
  real.people.set(subject, { email: `${subject}@school.test`, email_verified: true });
  return subject;
};
/** Refused, and nobody is signed in by it. */
const refused = (answer: Sent) => {
  expect(answer.headers.getSetCookie().join()).not.toContain("__Host-sentinel_session");
  expect([answer.status, answer.body.code]).toEqual([401, "provider_refused"]);
  const logged = kit.studio.audit.of(answer.requestId).map(({ event }) => event);
  expect(logged).toContainEqual(expect.objectContaining({ type: "login", method: "oidc", reason: "provider_refused" }));
};

describe("what an attacker sends to the callback", () => {
  it("another browser's code: refused without the cookie that began it", async () => {
    const victim = newBrowser();
    const returned = await real.signIn(await kit.start(org.slug, realId, victim), newSubject());
    refused(await kit.finish(org.slug, newBrowser(), returned));
    const attacker = newBrowser();
    await kit.start(org.slug, realId, attacker);
    refused(await kit.finish(org.slug, attacker, returned));
    // The victim's own browser still may.
    expect((await kit.finish(org.slug, victim, returned)).status).toBe(200);
  });

  it("two ceremony cookies, one of them planted: refused", async () => {
    const [browser, planted] = [newBrowser(), newBrowser()];
    const returned = await real.signIn(await kit.start(org.slug, realId, browser), newSubject());
    await kit.start(org.slug, realId, planted);
    refused(await kit.finish(org.slug, { ceremony: `${browser.ceremony}; ${planted.ceremony}` }, returned));
    expect((await kit.finish(org.slug, browser, returned)).status).toBe(200);
  });

  it("another state: refused, and the ceremony is spent", async () => {
    const browser = newBrowser();
    const returned = await real.signIn(await kit.start(org.slug, realId, browser), newSubject());
    refused(await kit.finish(org.slug, browser, { ...returned, state: "guessed" }));
    refused(await kit.finish(org.slug, browser, returned));
  });

  it("a code twice: refused", async () => {
    const [browser, second] = [newBrowser(), newBrowser()];
    const url = await kit.start(org.slug, realId, browser);
    const returned = await real.signIn(url, newSubject());
    expect((await kit.finish(org.slug, browser, returned)).status).toBe(200);
    refused(await kit.finish(org.slug, browser, returned));
    // And into a ceremony of its own, with that one's state.
    const state = new URL(await kit.start(org.slug, realId, second)).searchParams.get("state");
    refused(await kit.finish(org.slug, second, { ...returned, state }));
  });

  it("a code that a thief injects into his own ceremony: PKCE is another's", async () => {
    const [victim, thief] = [newBrowser(), newBrowser()];
    const stolen = await real.signIn(await kit.start(org.slug, realId, victim), newSubject());
    const state = new URL(await kit.start(org.slug, realId, thief)).searchParams.get("state");
    refused(await kit.finish(org.slug, thief, { ...stolen, state }));
  });

  it.each([
    [
      "without a challenge",
      (url: URL) => {
        url.searchParams.delete("code_challenge");
        url.searchParams.delete("code_challenge_method");
      },
    ],
    ["with another challenge", (url: URL) => url.searchParams.set("code_challenge", "A".repeat(43))],
  ])("an authorization request whose PKCE was taken off on the way (%s): refused", async (_what, tamper) => {
    const browser = newBrowser();
    const url = new URL(await kit.start(org.slug, realId, browser));
    tamper(url);
    refused(await kit.finish(org.slug, browser, await real.signIn(url.href, newSubject())));
  });

  it("one issuer's answer in another's name (mix-up), or in no name: refused before any code is redeemed", async () => {
    for (const iss of [other.issuer, undefined]) {
      const browser = newBrowser();
      const returned = hostile.returned(await kit.start(org.slug, hostileId, browser));
      const before = hostile.asked.get("/token") ?? 0;
      refused(await kit.finish(org.slug, browser, { ...returned, iss }));
      expect(hostile.asked.get("/token") ?? 0).toBe(before);
    }
  });

  it("an answer of one provider to a ceremony of another's: refused", async () => {
    const browser = newBrowser();
    const returned = hostile.returned(await kit.start(org.slug, hostileId, browser));
    const state = new URL(await kit.start(org.slug, otherId, browser)).searchParams.get("state");
    refused(await kit.finish(org.slug, browser, { ...returned, state }));
  });

  it("a ceremony of one door at another: refused", async () => {
    const elsewhere = await kit.studio.newOrg();
    for (const door of [elsewhere.slug, null]) {
      const browser = newBrowser();
      const returned = await real.signIn(await kit.start(org.slug, realId, browser), newSubject());
      refused(await kit.finish(door, browser, returned));
    }
  });

  it("an answer after ten minutes: refused", async () => {
    const late = await createOutsideKit([real.issuer]);
    const own = await late.studio.newOrg();
    const id = await late.newProvider(own, real, joining);
    const browser = newBrowser();
    const returned = await real.signIn(await late.start(own.slug, id, browser), newSubject());
    late.studio.clock.nowMs += 10 * 60_000;
    expect((await late.finish(own.slug, browser, returned)).body.code).toBe("provider_refused");
  });

  it("an error of the issuer's: refused and logged", async () => {
    const browser = newBrowser();
    const { state } = hostile.returned(await kit.start(org.slug, hostileId, browser));
    refused(await kit.finish(org.slug, browser, { error: "access_denied", state, iss: hostile.issuer }));
  });

  it.each(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a b"])(
    "a page of somebody else's to return to (%s): refused",
    async (return_to) => {
      const path = `/api/v1/orgs/${org.slug}/auth/oidc/${realId}/start`;
      expect((await kit.studio.send("POST", path, { body: { return_to } })).body.code).toBe("invalid_request");
    },
  );

  it("sets the ceremony cookie so that only this host, only over TLS and no script can hold it", async () => {
    const path = `/api/v1/orgs/${org.slug}/auth/oidc/${realId}/start`;
    const answer = await kit.studio.send("POST", path, { body: { return_to: "/o/demo/devices?x=1" } });
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-sentinel_ceremony=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=600$/,
      ),
    ]);
    const url = new URL(answer.body.authorization_url);
    expect(url.searchParams.get("code_challenge_method")).toBe("S256");
    expect(url.searchParams.get("redirect_uri")).toBe(redirectUri);
  });
});

describe("what an issuer's token claims", () => {
  /** Signs in with a token of the test's making. */
  async function arriveWith(idToken: HostileIssuer["idToken"]): Promise<Sent> {
    const sound = hostile.idToken;
    hostile.idToken = idToken;
    try {
      const browser = newBrowser();
      return await kit.finish(org.slug, browser, hostile.returned(await kit.start(org.slug, hostileId, browser)));
    } finally {
      hostile.idToken = sound;
    }
  }
  const now = (): number => Math.floor(Date.now() / 1000);
  const person = () => ({ sub: newSubject(), email: `p-${Date.now()}-${count}@school.test`, email_verified: true });
  const unsigned = (header: object, claims: object): string =>
    `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(claims))}`;
  const soundClaims = (nonce: string) => ({
    iss: hostile.issuer,
    aud: "sentinel",
    iat: now(),
    exp: now() + 300,
    nonce,
    ...person(),
  });

  it("a sound one opens a session, so that the others are refused for what they are", async () => {
    expect((await arriveWith((nonce) => hostile.sign({ nonce, ...person() }))).status).toBe(200);
  });

  it.each<[string, (nonce: string) => Promise<string> | string]>([
    ["another nonce (a replayed token)", () => hostile.sign({ nonce: "of another sign-in", ...person() })],
    ["no nonce", () => hostile.sign(person())],
    ["another audience", (nonce) => hostile.sign({ nonce, ...person(), aud: "somebody else" })],
    ["a second audience without azp", (nonce) => hostile.sign({ nonce, ...person(), aud: ["sentinel", "x"] })],
    ["another azp", (nonce) => hostile.sign({ nonce, ...person(), aud: ["sentinel", "x"], azp: "x" })],
    ["another azp beside one audience", (nonce) => hostile.sign({ nonce, ...person(), azp: "x" })],
    ["another issuer", (nonce) => hostile.sign({ nonce, ...person(), iss: other.issuer })],
    ["an expiry in the past", (nonce) => hostile.sign({ nonce, ...person(), exp: now() - 120 })],
    ["a not-before ahead", (nonce) => hostile.sign({ nonce, ...person(), nbf: now() + 120 })],
    ["no subject", (nonce) => hostile.sign({ nonce, ...person(), sub: undefined })],
    ["a subject that is no text", (nonce) => hostile.sign({ nonce, ...person(), sub: { a: 1 } })],
    ["a subject of 256 characters", (nonce) => hostile.sign({ nonce, ...person(), sub: "x".repeat(256) })],
    ["another issuer's signature", (nonce) => other.sign({ nonce, ...person(), iss: hostile.issuer })],
    ["an unknown key", (nonce) => hostile.sign({ nonce, ...person() }, { kid: "nobody's" })],
    ["alg none", (nonce) => `${unsigned({ alg: "none" }, soundClaims(nonce))}.`],
    [
      "alg HS256 with the client secret",
      (nonce) => {
        const input = unsigned({ alg: "HS256" }, soundClaims(nonce));
        return `${input}.${createHmac("sha256", hostile.clientSecret).update(input).digest("base64url")}`;
      },
    ],
    [
      "alg HS256 with the public key",
      (nonce) => {
        const input = unsigned({ alg: "HS256", kid: "k1" }, soundClaims(nonce));
        return `${input}.${createHmac("sha256", JSON.stringify(hostile.keys[0])).update(input).digest("base64url")}`;
      },
    ],
  ])("%s: refused", async (_what, token) => refused(await arriveWith(async (nonce) => token(nonce))));

  const sessionOf = async (answer: Sent) => {
    const text = "SELECT mfa, method FROM control.sessions WHERE user_id = $1 ORDER BY id DESC LIMIT 1";
    return (await asSuperuser(text, [answer.body.user.id]))[0];
  };
  it("two factors: they count when the provider is trusted for it, and not otherwise", async () => {
    const amr = (methods: string[]) => {
      const claims = person();
      return () => arriveWith((nonce) => hostile.sign({ nonce, ...claims, amr: methods }));
    };
    const [withTwo, withOne] = [amr(["pwd", "mfa"]), amr(["pwd"])];
    expect(await sessionOf(await withTwo())).toEqual({ mfa: false, method: "oidc" });
    const path = `/api/v1/orgs/${org.id}/identity-providers/${hostileId}`;
    const trust = (trusts_mfa: boolean) =>
      kit.studio.send("PATCH", path, { token: org.owner.token, body: { trusts_mfa } });
    expect((await trust(true)).status).toBe(200);
    expect(await sessionOf(await withTwo())).toEqual({ mfa: true, method: "oidc" });
    expect(await sessionOf(await withOne())).toEqual({ mfa: false, method: "oidc" });
    await trust(false);
  });

  it("asks for keys once for many tokens, whatever kids they name", async () => {
    const before = hostile.asked.get("/jwks") ?? 0;
    for (let time = 0; time < 5; time += 1) await arriveWith((nonce) => hostile.sign({ nonce }, { kid: `k-${time}` }));
    expect((hostile.asked.get("/jwks") ?? 0) - before).toBeLessThanOrEqual(1);
  });
});
