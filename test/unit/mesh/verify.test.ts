import { generateKeyPairSync } from "node:crypto";
import { base64url, exportJWK, importJWK, type JWK, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { verifyAccessToken } from "../../../core/mesh/access.ts";
import { createCaller } from "../../../core/mesh/caller.ts";
import { accessTokenAudience, tokenTypes } from "../../../core/mesh/claims.ts";
import {
  createAccessKeySource,
  createKeySource,
  createMeshKeys,
  keySetFreshMs,
  keySetStaleMsMax,
  type MeshKeys,
  refreshAheadMs,
  unknownKidCooldownMs,
} from "../../../core/mesh/keys.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import { type Workload, workloadGrants } from "../../../core/mesh/workloads.ts";

const nowMs = Date.UTC(2026, 0, 15);
const random = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => crypto.getRandomValues(bytes);
const id = <K extends "org" | "user" | "session">(kind: K) => makeId(kind, nowMs, random(new Uint8Array(10)));
const [orgA, orgB, alice, mallory, session] = [id("org"), id("org"), id("user"), id("user"), id("session")];

interface Signer {
  readonly kid: string;
  readonly public: JWK;
  sign(
    claims: Record<string, unknown>,
    typ: string,
    lifeSeconds?: number,
    extraHeader?: Record<string, unknown>,
  ): Promise<string>;
}

/** A signing authority, like KeyRing's two. */
async function signer(kid: string): Promise<Signer> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const jwk = { ...(await exportJWK(publicKey)), kid };
  const key = await importJWK(await exportJWK(privateKey), "EdDSA");
  return {
    kid,
    public: jwk,
    sign: (claims, typ, lifeSeconds = 3600, extraHeader = {}) =>
      new SignJWT({ iat: nowMs / 1000, exp: nowMs / 1000 + lifeSeconds, ...claims })
        .setProtectedHeader({ alg: "EdDSA", kid, typ, ...extraHeader })
        .sign(key),
  };
}

let root: Signer;
let access: Signer;
let stranger: Signer;
let keys: MeshKeys;
beforeAll(async () => {
  [root, access, stranger] = await Promise.all([signer("root-1"), signer("access-1"), signer("root-1")]);
  keys = createMeshKeys({
    issuer: "https://s",
    fetchRoots: async () => ({ keys: [root.public] }),
    fetchAccess: async () => ({ keys: [access.public] }),
    now: () => nowMs,
  });
});

const accessToken = (over: Record<string, unknown> = {}): Promise<string> =>
  access.sign(
    {
      iss: "https://s",
      aud: accessTokenAudience,
      sub: alice,
      org: orgA,
      role: "admin",
      sid: session,
      jti: "j",
      ...over,
    },
    tokenTypes.access,
  );

/** A caller that minds no revocation. */
const trusting = { find: async () => ({}) as CryptoKey };

function callerOf(
  workload: Workload,
  authority: () => Signer = () => root,
  over: Record<string, unknown> = {},
  clock = nowMs,
) {
  return createCaller({
    workload,
    now: () => clock,
    random,
    roots: trusting,
    certify: async (x) => ({
      certificate: await authority().sign(
        {
          iss: "keyring",
          sub: workload,
          cnf: { jwk: { kty: "OKP", crv: "Ed25519", x } },
          ...workloadGrants[workload],
          ...over,
        },
        tokenTypes.certificate,
      ),
      expiresAtMs: nowMs + 3600_000,
    }),
  });
}

const devices = { audience: "capabilities.devices", users: true, jobs: ["enroll"] } as const;

describe("a call between Workers", () => {
  it("speaks for the user whose access token travels with it", async () => {
    const call = await callerOf("studio").asUser("capabilities.devices", await accessToken(), "req_1");
    const verified = await verifyCall(call, { ...devices, org: orgA }, keys, nowMs);
    expect(verified).toMatchObject({ kind: "user", iss: "studio", sub: alice, org: orgA, role: "admin", rid: "req_1" });
  });

  it("does a job that its workload was granted and the callee accepts", async () => {
    const call = await callerOf("studio").asJob("capabilities.devices", "enroll", orgA, "req_1");
    expect(await verifyCall(call, devices, keys, nowMs)).toMatchObject({ kind: "job", job: "enroll", org: orgA });
  });

  it.each<[string, string, () => Promise<unknown>]>([
    [
      "no assertion",
      "missing",
      async () => verifyCall({ assertion: undefined as never, accessToken: null }, devices, keys, nowMs),
    ],
    [
      "an assertion that is no token",
      "malformed",
      async () => verifyCall({ assertion: "x", accessToken: null }, devices, keys, nowMs),
    ],
    [
      "a certificate signed by a stranger with the root's kid",
      "bad_certificate",
      async () =>
        verifyCall(
          await callerOf("studio", () => stranger).asJob("capabilities.devices", "enroll", orgA, "r"),
          devices,
          keys,
          nowMs,
        ),
    ],
    [
      "an access token in the certificate's place",
      "bad_certificate",
      async () => {
        const caller = createCaller({
          workload: "studio",
          now: () => nowMs,
          random,
          roots: trusting,
          certify: async () => ({ certificate: await accessToken(), expiresAtMs: nowMs + 3600_000 }),
        });
        return verifyCall(await caller.asJob("capabilities.devices", "enroll", orgA, "r"), devices, keys, nowMs);
      },
    ],
    [
      "a certificate of another key pair",
      "bad_signature",
      async () => {
        const other = base64url.encode(random(new Uint8Array(32)));
        const caller = callerOf("studio", () => root, { cnf: { jwk: { kty: "OKP", crv: "Ed25519", x: other } } });
        return verifyCall(await caller.asJob("capabilities.devices", "enroll", orgA, "r"), devices, keys, nowMs);
      },
    ],
    [
      "another audience",
      "wrong_audience",
      async () =>
        verifyCall(await callerOf("studio").asJob("data.provisioner", "provision", orgA, "r"), devices, keys, nowMs),
    ],
    [
      "an audience its workload may not address",
      "not_granted",
      async () =>
        verifyCall(
          await callerOf("capabilities").asJob("data.provisioner", "enroll", orgA, "r"),
          { audience: "data.provisioner", jobs: ["enroll"] },
          keys,
          nowMs,
        ),
    ],
    [
      "an audience that only a wide certificate grants",
      "not_granted",
      async () =>
        verifyCall(
          await callerOf("capabilities", () => root, { audiences: ["data.provisioner"], jobs: ["provision"] }).asJob(
            "data.provisioner",
            "provision",
            orgA,
            "r",
          ),
          { audience: "data.provisioner", jobs: ["provision"] },
          keys,
          nowMs,
        ),
    ],
    [
      "a job the callee does not take",
      "wrong_job",
      async () =>
        verifyCall(
          await callerOf("studio").asJob("capabilities.devices", "provision", orgA, "r"),
          devices,
          keys,
          nowMs,
        ),
    ],
    [
      "a user where only jobs are taken",
      "user_not_accepted",
      async () =>
        verifyCall(
          await callerOf("studio").asUser("capabilities.devices", await accessToken(), "r"),
          { audience: "capabilities.devices", jobs: ["enroll"] },
          keys,
          nowMs,
        ),
    ],
    [
      "another organisation",
      "wrong_org",
      async () =>
        verifyCall(
          await callerOf("studio").asUser("capabilities.devices", await accessToken(), "r"),
          { ...devices, org: orgB },
          keys,
          nowMs,
        ),
    ],
    [
      "a user's assertion without the access token",
      "access_token_mismatch",
      async () => {
        const call = await callerOf("studio").asUser("capabilities.devices", await accessToken(), "r");
        return verifyCall({ ...call, accessToken: null }, devices, keys, nowMs);
      },
    ],
    [
      "a user's assertion with another user's access token",
      "access_token_mismatch",
      async () => {
        const call = await callerOf("studio").asUser("capabilities.devices", await accessToken(), "r");
        return verifyCall({ ...call, accessToken: await accessToken({ sub: mallory }) }, devices, keys, nowMs);
      },
    ],
    [
      "an access token that a broken Studio signed itself",
      "bad_signature",
      async () => {
        const forged = await stranger.sign(
          { iss: "https://s", aud: accessTokenAudience, sub: alice, org: orgA, role: "owner", sid: session, jti: "j" },
          tokenTypes.access,
          3600,
          { kid: "access-1" },
        );
        return verifyCall(await callerOf("studio").asUser("capabilities.devices", forged, "r"), devices, keys, nowMs);
      },
    ],
    [
      "an assertion a minute and a half old",
      "expired",
      async () =>
        verifyCall(
          await callerOf("studio").asJob("capabilities.devices", "enroll", orgA, "r"),
          devices,
          keys,
          nowMs + 90_000,
        ),
    ],
  ])("is refused with %s (%s)", async (_what, reason, attempt) => {
    await expect(attempt()).rejects.toMatchObject({ name: "CallRefused", reason });
  });
});

describe("an access token", () => {
  it.each<[string, string, () => Promise<string>]>([
    [
      "alg none",
      "malformed",
      async () => {
        const [, payload] = (await accessToken()).split(".");
        return `${base64url.encode(JSON.stringify({ alg: "none", kid: "access-1", typ: tokenTypes.access }))}.${payload}.`;
      },
    ],
    [
      "HS256 keyed with the public key",
      "malformed",
      async () =>
        new SignJWT({ sub: alice })
          .setProtectedHeader({ alg: "HS256", kid: "access-1", typ: tokenTypes.access })
          .sign(new TextEncoder().encode(access.public.x)),
    ],
    [
      "its own key in the jwk header",
      "bad_signature",
      async () =>
        stranger.sign(
          { iss: "s", aud: accessTokenAudience, sub: alice, org: null, role: null, sid: session, jti: "j" },
          tokenTypes.access,
          60,
          { kid: "access-1", jwk: stranger.public },
        ),
    ],
    ["another typ", "wrong_type", async () => access.sign({ aud: accessTokenAudience, sub: alice }, "JWT")],
    ["another audience", "wrong_audience", () => accessToken({ aud: "elsewhere" })],
    ["another issuer", "wrong_issuer", () => accessToken({ iss: "https://elsewhere" })],
    [
      "an unknown kid",
      "bad_signature",
      async () => (await signer("nobody")).sign({ aud: accessTokenAudience }, tokenTypes.access),
    ],
    ["a role but no organisation", "malformed", () => accessToken({ org: null })],
    ["an expiry in the past", "expired", () => accessToken({ exp: nowMs / 1000 - 60 })],
    ["a not-before in the future", "not_yet_valid", () => accessToken({ nbf: nowMs / 1000 + 600 })],
  ])("is refused with %s (%s)", async (_what, reason, token) => {
    await expect(verifyAccessToken(await token(), keys.access, nowMs)).rejects.toMatchObject({ reason });
  });
});

describe("a key source", () => {
  it("asks again for an unknown kid, but at most once per cool-down", async () => {
    let clock = nowMs;
    let fetches = 0;
    const source = createKeySource(
      async () => {
        fetches += 1;
        return { keys: [root.public] };
      },
      () => clock,
    );
    for (let attempt = 0; attempt < 50; attempt += 1) expect(await source.find("nobody")).toBeNull();
    // One to fill the empty cache, one for the first unknown kid.
    expect(fetches).toBe(2);
    clock += unknownKidCooldownMs;
    await source.find("nobody");
    expect(fetches).toBe(3);
  });

  it("keeps a known key while its holder can't be asked, and throws for an unknown one", async () => {
    let clock = nowMs;
    let down = false;
    const source = createKeySource(
      async () => {
        if (down) throw new Error("down");
        return { keys: [root.public] };
      },
      () => clock,
    );
    expect(await source.find("root-1")).not.toBeNull();
    down = true;
    clock += keySetFreshMs;
    expect(await source.find("root-1")).not.toBeNull();
    clock += keySetStaleMsMax - keySetFreshMs - 1;
    expect(await source.find("root-1")).not.toBeNull();
    await expect(source.find("nobody")).rejects.toThrow("down");
    // A revoked key must not live on because nobody can be asked.
    clock += 1;
    await expect(source.find("root-1")).rejects.toThrow("down");
  });

  it("drops a key within a minute of its being revoked", async () => {
    let clock = nowMs;
    let set = { keys: [root.public] };
    const source = createKeySource(
      async () => set,
      () => clock,
    );
    expect(await source.find("root-1")).not.toBeNull();
    set = { keys: [access.public] };
    clock += keySetFreshMs - refreshAheadMs - 1;
    expect(await source.find("root-1")).not.toBeNull();
    clock += refreshAheadMs + 1;
    expect(await source.find("root-1")).toBeNull();
    expect(keySetFreshMs).toBeLessThanOrEqual(60_000);
  });

  it("makes one request wait for the next set, and the others use the one at hand, to its end and no further", async () => {
    let clock = nowMs;
    let fetches = 0;
    const answers: (() => void)[] = [];
    const source = createKeySource(
      () => {
        fetches += 1;
        if (fetches === 1) return Promise.resolve({ keys: [root.public] });
        return new Promise((resolve) => answers.push(() => resolve({ keys: [access.public] })));
      },
      () => clock,
    );
    await source.find("root-1");
    clock += keySetFreshMs - refreshAheadMs;
    const first = source.find("root-1");
    for (let other = 0; other < 20; other += 1) expect(await source.find("root-1")).not.toBeNull();
    expect(fetches).toBe(2);
    // The one that asked is never answered; at the end of its minute nobody goes on with the old set.
    clock += refreshAheadMs;
    const late = source.find("root-1");
    expect(fetches).toBe(3);
    for (const answer of answers) answer();
    expect([await first, await late]).toEqual([null, null]);
  });

  it("does not let a late answer bring back a key that was revoked meanwhile", async () => {
    let clock = nowMs;
    const answers: ((set: { keys: JWK[] }) => void)[] = [];
    const source = createKeySource(
      () => new Promise((resolve) => answers.push(resolve)),
      () => clock,
    );
    const slow = source.find("root-1");
    clock += 1000;
    const quick = source.find("access-1");
    answers[1]?.({ keys: [access.public] });
    expect(await quick).not.toBeNull();
    answers[0]?.({ keys: [root.public] });
    expect(await slow).toBeNull();
    expect(await source.find("access-1")).not.toBeNull();
  });

  it("counts a set's minute from the question, not from the answer", async () => {
    let clock = nowMs;
    let set = { keys: [root.public] };
    const source = createKeySource(
      async () => {
        const answer = set;
        clock += 5000;
        return answer;
      },
      () => clock,
    );
    await source.find("root-1");
    set = { keys: [access.public] };
    clock = nowMs + keySetFreshMs;
    expect(await source.find("root-1")).toBeNull();
  });

  it("holds up one request every two seconds while its holder hangs or fails, and not all", async () => {
    let clock = nowMs;
    let fetches = 0;
    const source = createKeySource(
      async () => {
        fetches += 1;
        if (fetches > 1) throw new Error("down");
        return { keys: [root.public] };
      },
      () => clock,
    );
    await source.find("root-1");
    clock += keySetFreshMs;
    for (let request = 0; request < 20; request += 1) expect(await source.find("root-1")).not.toBeNull();
    expect(fetches).toBe(2);
    clock += refreshAheadMs;
    await source.find("root-1");
    expect(fetches).toBe(3);
  });
});

describe("a holder of keys that can't be asked", () => {
  it("is its own failure, whatever it throws, not the token's", async () => {
    const broken = createAccessKeySource(
      "https://s",
      () => Promise.reject(new TypeError("network")),
      () => nowMs,
    );
    await expect(verifyAccessToken(await accessToken(), broken, nowMs)).rejects.toThrow(TypeError);
  });
});
