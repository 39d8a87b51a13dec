import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "jose";
import { describe, expect, it } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { createCaller } from "../../../core/mesh/caller.ts";
import { accessTokenAudience, type SignedCall, tokenTypes } from "../../../core/mesh/claims.ts";
import { createMeshKeys, keySetFreshMs } from "../../../core/mesh/keys.ts";
import { createReplayGuard } from "../../../core/mesh/replays.ts";
import { type CallExpectation, verifyCall } from "../../../core/mesh/verify.ts";
import { workloadGrants } from "../../../core/mesh/workloads.ts";
import { compact, type Members, outsiderAttacks, partsOf, withEd25519 } from "./forge.ts";

const nowMs = Date.UTC(2026, 10, 22);
const nowSeconds = nowMs / 1000;
const random = (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes);
const id = <K extends "org" | "user" | "session" | "assertion">(kind: K) =>
  makeId(kind, nowMs, random(new Uint8Array(10)));
const org = id("org");

const pair = () => generateKeyPairSync("ed25519");
type Pair = ReturnType<typeof pair>;
const [root, access, isolate] = [pair(), pair(), pair()];
const xOf = ({ publicKey }: Pair): string => String(publicKey.export({ format: "jwk" }).x);
const jwkOf = (key: Pair, kid: string): JWK => ({ kty: "OKP", crv: "Ed25519", x: xOf(key), kid });
const newKeys = (rootKids: () => JWK[] = () => [jwkOf(root, "root-1")], now = () => nowMs) =>
  createMeshKeys({
    issuer: "https://sentinel.test",
    fetchRoots: async () => ({ keys: rootKids() }),
    fetchAccess: async () => ({ keys: [jwkOf(access, "access-1")] }),
    now,
  });

/** A certificate of KeyRing's for this isolate's key. */
const certificate = (more: Members = {}, header: Members = {}, signer = root): string =>
  compact(
    { alg: "EdDSA", kid: "root-1", typ: tokenTypes.certificate, ...header },
    {
      iss: "keyring",
      sub: "studio",
      cnf: { jwk: { kty: "OKP", crv: "Ed25519", x: xOf(isolate) } },
      ...workloadGrants.studio,
      iat: nowSeconds,
      exp: nowSeconds + 3600,
      ...more,
    },
    withEd25519(signer.privateKey),
  );

const claims = {
  iss: "studio",
  aud: "capabilities.devices",
  rid: "req_1",
  kind: "job",
  job: "enroll",
  org,
  iat: nowSeconds,
  exp: nowSeconds + 60,
};
/** An assertion of the isolate's own key: what is wrong is what it says, or whose certificate it carries. */
const assertion = (more: Members | string = {}, cert = certificate(), header: Members = {}): string =>
  compact(
    { alg: "EdDSA", typ: tokenTypes.assertion, cert, ...header },
    typeof more === "string" ? more : { ...claims, jti: id("assertion"), ...more },
    withEd25519(isolate.privateKey),
  );

const expectation: CallExpectation = { audience: "capabilities.devices", jobs: ["enroll"] };
const verify = (token: string, keys = newKeys(), at = nowMs, expect = expectation) =>
  verifyCall({ assertion: token, accessToken: null }, expect, keys, at);

describe("an assertion", () => {
  it("is taken when it is genuine, so that each refusal below means something", async () => {
    await expect(verify(assertion())).resolves.toMatchObject({ kind: "job", job: "enroll" });
  });

  it.each(outsiderAttacks(assertion(), jwkOf(isolate, "isolate")).map(({ name, token }) => [name, token]))(
    "is refused from somebody without a key: %s",
    async (_name, token) => {
      await expect(verify(token)).rejects.toMatchObject({ name: "CallRefused" });
    },
  );

  it.each<[string, string]>([
    ["an access token's typ", assertion({}, certificate(), { typ: tokenTypes.access })],
    ["a certificate's typ", assertion({}, certificate(), { typ: tokenTypes.certificate })],
    ["no typ", assertion({}, certificate(), { typ: undefined })],
    ["another workload's name", assertion({ iss: "durable-objects" })],
    ["an end two minutes off", assertion({ exp: nowSeconds + 120 })],
    ["a beginning in the future", assertion({ iat: nowSeconds + 11, exp: nowSeconds + 60 })],
    ["a list of audiences", assertion({ aud: ["capabilities.devices", "data.provisioner"] })],
    ["an unknown critical header", assertion({}, certificate(), { crit: ["x"], x: 1 })],
    [
      "a second job",
      assertion(JSON.stringify({ ...claims, jti: id("assertion") }).replace('"job":', '"job":"provision","job":')),
    ],
    ["an identifier of its own making", assertion({ jti: "j" })],
    ["an identifier of eight thousand characters", assertion({ jti: `ast_${"0".repeat(8000)}` })],
    ["no identifier", assertion({ jti: undefined })],
    ["a request id that fills a log", assertion({ rid: "r".repeat(65) })],
    ["a certificate that is a list", assertion({}, [certificate()] as unknown as string)],
  ])("is refused with %s", async (_name, token) => {
    await expect(verify(token)).rejects.toMatchObject({ name: "CallRefused" });
  });

  it.each(outsiderAttacks(certificate(), jwkOf(root, "root-1")).map(({ name, token }) => [name, token]))(
    "is refused with a certificate by somebody without the root: %s",
    async (_name, token) => {
      await expect(verify(assertion({}, token))).rejects.toMatchObject({ name: "CallRefused" });
    },
  );

  it.each<[string, string]>([
    ["signed by the key of access tokens", certificate({}, { kid: "access-1" }, access)],
    ["of an access token's typ", certificate({}, { typ: tokenTypes.access })],
    ["of another issuer", certificate({ iss: "https://sentinel.test" })],
    ["for two hours", certificate({ exp: nowSeconds + 7200 })],
    ["for a workload that is none", certificate({ sub: "edge" })],
    ["with no key", certificate({ cnf: {} })],
    ["with two subjects", certificate({ sub: ["studio", "durable-objects"] })],
    [
      "that is an access token",
      compact(
        { alg: "EdDSA", kid: "access-1", typ: tokenTypes.access },
        {
          iss: "https://sentinel.test",
          aud: accessTokenAudience,
          sub: id("user"),
          iat: nowSeconds,
          exp: nowSeconds + 60,
        },
        withEd25519(access.privateKey),
      ),
    ],
    ["that is an assertion", assertion()],
  ])("is refused with a certificate %s", async (_name, cert) => {
    await expect(verify(assertion({}, cert))).rejects.toMatchObject({ name: "CallRefused" });
  });
});

describe("an assertion that is sent again", () => {
  const once: CallExpectation = { ...expectation, once: true };

  it("is refused where each is good once, and by no more than its own identifier", async () => {
    const keys = newKeys();
    const [token, other] = [assertion(), assertion()];
    await expect(verify(token, keys, nowMs, once)).resolves.toBeTruthy();
    await expect(verify(token, keys, nowMs + 59_000, once)).rejects.toMatchObject({ reason: "replayed" });
    // Signed again around the same identifier it is the same assertion.
    const respelled = assertion({ jti: String(partsOf(token).payload["jti"]), rid: "req_2" });
    await expect(verify(respelled, keys, nowMs, once)).rejects.toMatchObject({ reason: "replayed" });
    await expect(verify(other, keys, nowMs, once)).resolves.toBeTruthy();
  });

  it("is refused as expired when the memory of it ends, and not a moment earlier", async () => {
    const keys = newKeys();
    const token = assertion();
    await verify(token, keys, nowMs, once);
    for (const [seconds, reason] of [
      [69, "replayed"],
      [70, "expired"],
      [71, "expired"],
    ] as const) {
      await verify(
        assertion({ iat: nowSeconds + seconds, exp: nowSeconds + seconds + 60 }),
        keys,
        nowMs + seconds * 1000,
        once,
      );
      await expect(verify(token, keys, nowMs + seconds * 1000, once)).rejects.toMatchObject({ reason });
    }
  });

  it("is not used up by one that was refused: nobody can spend another's", async () => {
    const keys = newKeys();
    const jti = id("assertion");
    const forged = assertion({ jti }, certificate({}, {}, pair()));
    await expect(verify(forged, keys, nowMs, once)).rejects.toMatchObject({ reason: "bad_certificate" });
    const elsewhere = assertion({ jti, aud: "data.provisioner" });
    await expect(verify(elsewhere, keys, nowMs, once)).rejects.toMatchObject({ reason: "wrong_audience" });
    await expect(verify(assertion({ jti }), keys, nowMs, once)).resolves.toBeTruthy();
  });

  it("is taken where doing it again does nothing more", async () => {
    const keys = newKeys();
    const token = assertion();
    for (let time = 0; time < 3; time += 1) await expect(verify(token, keys)).resolves.toBeTruthy();
  });

  it("is remembered in bounded memory, the oldest giving way", () => {
    const guard = createReplayGuard(3);
    for (const name of ["a", "b", "c", "d"]) expect(guard.take(name, nowMs + 1000, nowMs)).toBe(true);
    expect(guard.take("d", nowMs + 1000, nowMs)).toBe(false);
    expect(guard.take("b", nowMs + 1000, nowMs)).toBe(false);
    expect(guard.take("a", nowMs + 1000, nowMs)).toBe(true);
    // What has expired makes room first.
    const roomy = createReplayGuard(100);
    for (let index = 0; index < 1000; index += 1) roomy.take(`x${index}`, nowMs + index, nowMs + index);
    expect(roomy.take("x998", nowMs + 2000, nowMs + 999)).toBe(true);
  });
});

describe("a caller whose root was revoked", () => {
  it("is refused within a minute, and calls with a new certificate by itself", async () => {
    let clock = nowMs;
    const next = pair();
    let current = { key: root, kid: "root-1" };
    const roots = () => [jwkOf(current.key, current.kid)];
    let certified = 0;
    const keys = newKeys(roots, () => clock);
    const studio = createCaller({
      workload: "studio",
      now: () => clock,
      random,
      roots: newKeys(roots, () => clock).roots,
      certify: async (x) => {
        certified += 1;
        const cnf = { jwk: { kty: "OKP", crv: "Ed25519", x } };
        return {
          certificate: certificate({ cnf }, { kid: current.kid }, current.key),
          expiresAtMs: nowMs + 3600_000,
        };
      },
    });
    const ask = () => studio.asJob("capabilities.devices", "enroll", org, "req_1");
    const take = (call: SignedCall) => verifyCall(call, expectation, keys, clock);
    await take(await ask());
    await take(await ask());
    expect(certified).toBe(1);

    current = { key: next, kid: "root-2" };
    const held = await ask();
    clock += keySetFreshMs;
    await expect(take(held)).rejects.toMatchObject({ reason: "bad_certificate" });
    await expect(take(await ask())).resolves.toBeTruthy();
    expect(certified).toBe(2);
    studio.renew();
    await take(await ask());
    expect(certified).toBe(3);
  });
});
