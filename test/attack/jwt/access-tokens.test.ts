import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "jose";
import { describe, expect, it } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { verifyAccessToken } from "../../../core/mesh/access.ts";
import { createCaller } from "../../../core/mesh/caller.ts";
import { accessTokenAudience, tokenTypes } from "../../../core/mesh/claims.ts";
import { createMeshKeys } from "../../../core/mesh/keys.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import { workloadGrants } from "../../../core/mesh/workloads.ts";
import { judgeUpgrade } from "../../../durable-objects/tenant-hub/authenticate.ts";
import { createIsolate } from "../../../workers/edge/isolate.ts";
import { verifyBearer } from "../../../workers/edge/verify-credential.ts";
import { bareEnv } from "../../unit/edge/contexts.ts";
import { compact, type Members, outsiderAttacks, partsOf, withEd25519 } from "./forge.ts";

/**
 * Every attack goes through every door that takes an access token: the verification itself, the edge's
 * bearer, the hub's upgrade, and the token that travels with an inward call.
 */

const nowMs = Date.UTC(2026, 10, 22);
const nowSeconds = nowMs / 1000;
const issuer = "https://sentinel.test";
const random = (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes);
const id = <K extends "org" | "user" | "session" | "assertion">(kind: K) =>
  makeId(kind, nowMs, random(new Uint8Array(10)));
const [org, otherOrg, user, session] = [id("org"), id("org"), id("user"), id("session")];

const pair = () => generateKeyPairSync("ed25519");
const [access, root] = [pair(), pair()];
const jwkOf = ({ publicKey }: typeof access, kid: string): JWK => ({
  ...(publicKey.export({ format: "jwk" }) as JWK),
  kid,
  alg: "EdDSA",
  use: "sig",
});
const accessJwk = jwkOf(access, "access-1");

function newKeys() {
  return createMeshKeys({
    issuer,
    fetchRoots: async () => ({ keys: [jwkOf(root, "root-1")] }),
    fetchAccess: async () => ({ keys: [accessJwk] }),
    now: () => nowMs,
  });
}
const keys = newKeys();
const isolate = createIsolate(
  bareEnv({
    ISSUER: issuer,
    PUBLIC_KEYS: {
      accessKeys: async () => ({ keys: [accessJwk] }),
      meshRoots: async () => ({ keys: [] }),
      logKeys: async () => ({ keys: [] }),
    },
  }),
  () => nowMs,
);

const header = { alg: "EdDSA", kid: "access-1", typ: tokenTypes.access };
const payload = {
  iss: issuer,
  aud: accessTokenAudience,
  sub: user,
  org,
  role: "viewer",
  sid: session,
  jti: "j",
  iat: nowSeconds,
  exp: nowSeconds + 3600,
};
/** Signed with KeyRing's own key: what is wrong is what it says. */
const signed = (claims: Members | string, heads: Members | string = header): string =>
  compact(heads, claims, withEd25519(access.privateKey));
const genuine = signed(payload);

const studio = createCaller({
  workload: "studio",
  now: () => nowMs,
  random,
  roots: keys.roots,
  certify: async (x) => ({
    certificate: certificateFor(x),
    expiresAtMs: nowMs + 3600_000,
  }),
});
function certificateFor(x: string, more: Members = {}): string {
  const grant = {
    iss: "keyring",
    sub: "studio",
    cnf: { jwk: { kty: "OKP", crv: "Ed25519", x } },
    ...workloadGrants.studio,
  };
  const times = { iat: nowSeconds, exp: nowSeconds + 3600 };
  return compact(
    { alg: "EdDSA", kid: "root-1", typ: tokenTypes.certificate },
    { ...grant, ...times, ...more },
    withEd25519(root.privateKey),
  );
}

type Door = (token: string) => Promise<boolean>;
const refused = async (work: Promise<unknown>): Promise<boolean> => {
  try {
    await work;
    return false;
  } catch (error) {
    // Anything but a refusal is a fault that an attacker can cause.
    expect(error).toMatchObject({ name: "CallRefused" });
    return true;
  }
};
const doors: Record<string, Door> = {
  "the verification": async (token) => !(await refused(verifyAccessToken(token, keys.access, nowMs))),
  "the edge": async (token) => (await verifyBearer(token, isolate, nowMs)) !== null,
  "the hub": async (token) => (await judgeUpgrade(`Bearer ${token}`, org, keys.access, nowMs))?.kind === "user",
  "an inward call": async (token) => {
    const call = await studio.asUser("capabilities.devices", genuine, "req_1");
    const { cert, ...claims } = { ...partsOf(call.assertion).payload, cert: null };
    expect(cert).toBeNull();
    // The assertion names the forged token's hash: a broken studio vouches for what it was given.
    const vouched = await assertionFor(claims, token);
    return !(await refused(
      verifyCall(
        { assertion: vouched, accessToken: token },
        { audience: "capabilities.devices", users: true },
        keys,
        nowMs,
      ),
    ));
  },
};

/** A broken studio's own key and genuine certificate. */
const brokenStudio = pair();
async function assertionFor(claims: Members, token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  const cert = certificateFor(String(brokenStudio.publicKey.export({ format: "jwk" }).x));
  const body = { ...claims, iss: "studio", jti: id("assertion"), ath: Buffer.from(digest).toString("base64url") };
  return compact({ alg: "EdDSA", typ: tokenTypes.assertion, cert }, body, withEd25519(brokenStudio.privateKey));
}

describe.each(Object.entries(doors))("an access token at %s", (_door, takes) => {
  it("is taken when it is genuine, so that each refusal below means something", async () => {
    expect(await takes(genuine)).toBe(true);
    // `jku`, `x5u` and `jwk` are not looked at: in a token that KeyRing signed they change nothing.
    expect(
      await takes(signed(payload, { ...header, jku: "https://evil.test", x5u: "https://evil.test", jwk: accessJwk })),
    ).toBe(true);
  });

  it.each(outsiderAttacks(genuine, accessJwk).map(({ name, token }) => [name, token]))(
    "is refused from somebody without a key: %s",
    async (_name, token) => {
      expect(await takes(token)).toBe(false);
    },
  );

  it.each<[string, string]>([
    ["another audience", signed({ ...payload, aud: "another-api" })],
    ["no audience", signed({ ...payload, aud: undefined })],
    ["another issuer", signed({ ...payload, iss: "https://sentinel.test.evil.test" })],
    ["an issuer that only begins alike", signed({ ...payload, iss: `${issuer}/` })],
    ["a list of issuers", signed({ ...payload, iss: [issuer] })],
    ["no issuer", signed({ ...payload, iss: undefined })],
    ["typ JWT", signed(payload, { ...header, typ: "JWT" })],
    ["no typ", signed(payload, { alg: "EdDSA", kid: "access-1" })],
    ["a certificate's typ", signed(payload, { ...header, typ: tokenTypes.certificate })],
    ["an assertion's typ", signed(payload, { ...header, typ: tokenTypes.assertion })],
    ["an end in the past", signed({ ...payload, iat: nowSeconds - 7200, exp: nowSeconds - 11 })],
    ["no end", signed({ ...payload, exp: undefined })],
    ["an end that is text", signed({ ...payload, exp: String(payload.exp) })],
    ["an end beyond an hour", signed({ ...payload, exp: nowSeconds + 3601 })],
    ["no beginning", signed({ ...payload, iat: undefined })],
    ["a beginning in the future", signed({ ...payload, iat: nowSeconds + 11, exp: nowSeconds + 3600 })],
    ["a not-before in the future", signed({ ...payload, nbf: nowSeconds + 11 })],
    ["an unknown critical header", signed(payload, { ...header, crit: ["x"], x: true })],
    ["an empty crit", signed(payload, { ...header, crit: [] })],
    ["b64 false, critical", signed(payload, { ...header, b64: false, crit: ["b64"] })],
    [
      "a second role behind the first",
      signed(JSON.stringify(payload).replace('"role":"viewer"', '"role":"viewer","role":"owner"')),
    ],
    [
      "a second role before the first",
      signed(JSON.stringify(payload).replace('"role":"viewer"', '"role":"owner","role":"viewer"')),
    ],
    [
      "a second issuer",
      signed(JSON.stringify(payload).replace(`"iss":"${issuer}"`, `"iss":"https://evil.test","iss":"${issuer}"`)),
    ],
    ["a second alg", signed(payload, `{"alg":"none",${JSON.stringify(header).slice(1)}`)],
    ["a member that is spelled with an escape", signed(JSON.stringify(payload).replace('"role"', '"r\\u006fle"'))],
    ["a space in its JSON", signed(JSON.stringify(payload).replace('{"', '{ "'))],
    ["a byte order mark", signed(`\ufeff${JSON.stringify(payload)}`)],
    ["a payload that is a list", signed(JSON.stringify([payload]))],
    ["a payload that is a token", signed(JSON.stringify(genuine))],
    ["more than 8 KiB", signed({ ...payload, filler: "x".repeat(8 * 1024) })],
    ["a role and no organisation", signed({ ...payload, org: null })],
    ["an organisation and no role", signed({ ...payload, role: null })],
    ["a role that is none", signed({ ...payload, role: "superuser" })],
    ["an organisation that is a pattern", signed({ ...payload, org: "%" })],
    ["a person that is none", signed({ ...payload, sub: "root" })],
    ["a list of persons", signed({ ...payload, sub: [user] })],
    ["a device for a person", signed({ ...payload, sub: `dev_${user.slice(4)}` })],
    ["no session", signed({ ...payload, sid: undefined })],
    ["no jti", signed({ ...payload, jti: undefined })],
    ["a certificate in its place", certificateFor(String(access.publicKey.export({ format: "jwk" }).x))],
    ["a certificate that says what a token says", certificateFor("x", payload)],
  ])("is refused although KeyRing's own key signed it: %s", async (_name, token) => {
    expect(await takes(token)).toBe(false);
  });

  it("is refused when an assertion stands in its place", async () => {
    const { assertion } = await studio.asUser("capabilities.devices", genuine, "req_1");
    expect(await takes(assertion)).toBe(false);
  });
});

describe("a token of another tenant", () => {
  const foreign = signed({ ...payload, org: otherOrg, role: "owner" });

  it("opens no socket of this one's hub", async () => {
    expect(await judgeUpgrade(`Bearer ${foreign}`, org, keys.access, nowMs)).toEqual({ kind: "bad_credentials" });
  });

  it("does not vouch for a call in this one's name", async () => {
    const { payload: claims } = partsOf((await studio.asUser("capabilities.devices", genuine, "req_1")).assertion);
    const assertion = await assertionFor(claims, foreign);
    const expectation = { audience: "capabilities.devices", users: true } as const;
    await expect(verifyCall({ assertion, accessToken: foreign }, expectation, keys, nowMs)).rejects.toMatchObject({
      reason: "access_token_mismatch",
    });
  });
});
