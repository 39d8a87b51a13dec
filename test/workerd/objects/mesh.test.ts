import { base64url, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { createCaller } from "../../../core/mesh/caller.ts";
import { type SignedCall, tokenTypes } from "../../../core/mesh/claims.ts";
import { type Workload, workloadGrants } from "../../../core/mesh/workloads.ts";
import {
  callerOf,
  entrypoints,
  jobCall,
  login,
  newOrg,
  newRequest,
  newSession,
  newUser,
  passTime,
  stopClock,
  userCall,
} from "./harness.ts";

beforeAll(stopClock);

const filter = { type: null, actor: null, fromMs: null, toMs: null, beforeSeq: null, limit: 10 };
const append = async (call: SignedCall, log: OrgId | null) =>
  await entrypoints.AuditIntake.append(call, log, [login(null)]);
const list = async (call: SignedCall) => await entrypoints.AuditReader.list(call, filter);
const sign = async (call: SignedCall) => {
  const claims = { sub: newUser(), org: null, role: null, sid: newSession() };
  return await entrypoints.TokenSigner.signAccessToken(call, claims);
};

/** An attacker's caller minds no revocation. */
const trusting = { find: async () => ({}) as CryptoKey };

/** A certificate that an attacker signs: right in everything but the key. */
async function forgedCaller(workload: Workload) {
  const root = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const { keys } = await entrypoints.PublicKeys.meshRoots();
  return createCaller({
    workload,
    now: Date.now,
    random: (bytes) => crypto.getRandomValues(bytes),
    roots: trusting,
    async certify(publicKey) {
      const iat = Math.floor(Date.now() / 1000);
      const certificate = await new SignJWT({
        iss: "keyring",
        sub: workload,
        cnf: { jwk: { kty: "OKP", crv: "Ed25519", x: publicKey } },
        ...workloadGrants[workload],
        iat,
        exp: iat + 3600,
      })
        .setProtectedHeader({ alg: "EdDSA", kid: keys[0]?.kid ?? "", typ: tokenTypes.certificate })
        .sign(root.privateKey);
      return { certificate, expiresAtMs: Date.now() + 3600_000 };
    },
  });
}

describe("calls into the objects' Worker", () => {
  it("are accepted from the workload, for the audience, job and organisation that they are for", async () => {
    const org = newOrg();
    expect(await append(await jobCall(org, newRequest()), org)).toMatchObject({ seqs: [1] });
    expect(await append(await userCall("durable-objects.audit-intake", org, newRequest()), org)).toMatchObject({
      seqs: [2],
    });
    expect((await list(await userCall("durable-objects.audit-reader", org, newRequest()))).items).toHaveLength(2);
  });

  it("are refused without an assertion", async () => {
    const none = { assertion: "", accessToken: null };
    for (const attempt of [append(none, newOrg()), list(none), sign(none)])
      await expect(attempt).rejects.toThrow("refused");
    const missing = undefined as unknown as SignedCall;
    for (const attempt of [append(missing, newOrg()), list(missing), sign(missing)]) {
      await expect(attempt).rejects.toThrow("call refused: missing");
    }
  });

  it("are refused with a forged certificate", async () => {
    const org = newOrg();
    const forged = await forgedCaller("studio");
    const call = await forged.asJob("durable-objects.audit-intake", "anonymous_request", org, newRequest());
    await expect(append(call, org)).rejects.toThrow("call refused: bad_certificate");
  });

  it("are refused when they are for another audience", async () => {
    const org = newOrg();
    const call = await callerOf("studio").asJob("durable-objects.token-signer", "sign_tokens", org, newRequest());
    await expect(append(call, org)).rejects.toThrow("call refused: wrong_audience");
  });

  it("are refused when they have expired", async () => {
    const org = newOrg();
    const call = await jobCall(org, newRequest());
    passTime(71_000);
    await expect(append(call, org)).rejects.toThrow("call refused: expired");
  });

  it("are refused when the certificate has expired though the assertion is fresh", async () => {
    const org = newOrg();
    let now = Date.now();
    const certifier = entrypoints.CertifyStudio;
    const stale = createCaller({
      workload: "studio",
      now: () => now,
      random: (bytes) => crypto.getRandomValues(bytes),
      roots: trusting,
      certify: async (publicKey) => ({ ...(await certifier.certify(publicKey)), expiresAtMs: Number.MAX_SAFE_INTEGER }),
    });
    await stale.asJob("durable-objects.audit-intake", "anonymous_request", org, newRequest());
    passTime(3611_000);
    now = Date.now();
    const call = await stale.asJob("durable-objects.audit-intake", "anonymous_request", org, newRequest());
    await expect(append(call, org)).rejects.toThrow("call refused: expired");
  });

  it("are refused for a job that the callee does not take, and a job where a user is needed", async () => {
    const studio = callerOf("studio");
    const org = newOrg();
    const wrong = await studio.asJob("durable-objects.audit-intake", "sign_tokens", org, newRequest());
    await expect(append(wrong, org)).rejects.toThrow("call refused: wrong_job");
    const reading = await studio.asJob("durable-objects.audit-reader", "anonymous_request", org, newRequest());
    await expect(list(reading)).rejects.toThrow("call refused: wrong_job");
  });

  it("get no token for another organisation than the one they are for", async () => {
    const [own, foreign] = [newOrg(), newOrg()];
    const claims = (org: OrgId | null) => ({ sub: newUser(), org, role: org && "owner", sid: newSession() }) as const;
    const ask = async (from: OrgId | null, org: OrgId | null) => {
      const call = await callerOf("studio").asJob("durable-objects.token-signer", "sign_tokens", from, newRequest());
      return await entrypoints.TokenSigner.signAccessToken(call, claims(org));
    };
    await expect(ask(own, foreign)).rejects.toThrow("call refused: wrong_org");
    await expect(ask(own, null)).rejects.toThrow("call refused: wrong_org");
    await expect(ask(null, foreign)).rejects.toThrow("call refused: wrong_org");
    await expect(ask(own, own)).resolves.toBeTruthy();
  });

  it("are refused the second time where each would make something more", async () => {
    const org = newOrg();
    const call = await jobCall(org, newRequest());
    await append(call, org);
    await expect(append(call, org)).rejects.toThrow("call refused: replayed");
    const signing = await callerOf("studio").asJob("durable-objects.token-signer", "sign_tokens", null, newRequest());
    await sign(signing);
    await expect(sign(signing)).rejects.toThrow("call refused: replayed");
  });

  it("are refused for another organisation's log", async () => {
    const [own, foreign] = [newOrg(), newOrg()];
    const call = await userCall("durable-objects.audit-intake", own, newRequest());
    await expect(append(call, foreign)).rejects.toThrow("call refused: wrong_org");
    await expect(append(await jobCall(null, newRequest()), foreign)).rejects.toThrow("call refused: wrong_org");
    const outcome = async (log: string) => await entrypoints.AuditIntake.outcome(call, { log, seq: 1 }, login(null));
    await expect(outcome(foreign)).rejects.toThrow("call refused: wrong_org");
    const shards = await Promise.allSettled([0, 1, 2, 3].map((shard) => outcome(`platform-${shard}`)));
    const reasons = shards.map((shard) => (shard as PromiseRejectedResult).reason.message).sort();
    // Its own request's platform log holds no such intent; the other three are not its to touch.
    expect(reasons.filter((reason) => reason.includes("wrong_org"))).toHaveLength(3);
  });

  it("are refused when a user's access token is another's or missing", async () => {
    const org = newOrg();
    const call = await userCall("durable-objects.audit-intake", org, newRequest());
    const other = await userCall("durable-objects.audit-intake", org, newRequest());
    await expect(append({ ...call, accessToken: other.accessToken }, org)).rejects.toThrow("access_token_mismatch");
    await expect(append({ ...call, accessToken: null }, org)).rejects.toThrow("access_token_mismatch");
  });

  it("are refused with capabilities' certificate where only studio may call", async () => {
    const capabilities = callerOf("capabilities");
    const signing = await capabilities.asJob("durable-objects.token-signer", "sign_tokens", null, newRequest());
    await expect(sign(signing)).rejects.toThrow("call refused: not_granted");
    const org = newOrg();
    const anonymous = await capabilities.asJob("durable-objects.audit-intake", "anonymous_request", org, newRequest());
    await expect(append(anonymous, org)).rejects.toThrow("call refused: not_granted");
    // Saying in the assertion that it is studio does not help: the certificate names the workload.
    const posing = createCaller({
      workload: "studio",
      now: Date.now,
      random: (bytes) => crypto.getRandomValues(bytes),
      roots: trusting,
      certify: (publicKey) => entrypoints.CertifyCapabilities.certify(publicKey),
    });
    const posed = await posing.asJob("durable-objects.token-signer", "sign_tokens", null, newRequest());
    await expect(sign(posed)).rejects.toThrow("call refused");
  });

  it("are refused when the request id is not one of ours, because receipts are found by it", async () => {
    const org = newOrg();
    await expect(append(await jobCall(org, "chosen-by-a-stranger"), org)).rejects.toThrow("call refused: malformed");
  });

  it("get certificates with their own workload's grants and no others", async () => {
    const publicKey = base64url.encode(crypto.getRandomValues(new Uint8Array(32)));
    const { certificate } = await entrypoints.CertifyCapabilities.certify(publicKey);
    const claims = JSON.parse(new TextDecoder().decode(base64url.decode(certificate.split(".")[1] ?? "")));
    expect(claims).toMatchObject({ iss: "keyring", sub: "capabilities", ...workloadGrants.capabilities });
    expect(claims.exp - claims.iat).toBe(3600);
  });
});
