import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { decodeProtectedHeader, type JWK } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { verifyAccessToken } from "../../../core/mesh/access.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { createAccessKeySource, keySetFreshMs } from "../../../core/mesh/keys.ts";
import type { KeyPurpose } from "../../../core/rpc/durable-objects.ts";
import type { Env } from "../../../durable-objects/env.ts";
import type { KeyRing } from "../../../durable-objects/key-ring/key-ring.ts";
import { keyRingName } from "../../../durable-objects/mesh.ts";
import {
  callerOf,
  entrypoints,
  jobCall,
  login,
  newOrg,
  newRequest,
  newSession,
  newUser,
  objects,
  passTime,
  stopClock,
} from "./harness.ts";

const claims = () => ({ sub: newUser(), org: null, role: null, sid: newSession() });
const sign = async (ring: DurableObjectStub<KeyRing>) => (await ring.signAccessToken(claims())).token;
const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? "";
const kidsOf = ({ keys }: { keys: JWK[] }) => keys.map((key) => key.kid);
const newKek = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");

/** A ring of its own with a namespace of its own, which can be down. */
async function newRing(name: string, bindings: Partial<Env> = {}) {
  const kv = new Map<string, string>();
  const state = { down: false, beforePut: async (): Promise<void> => undefined };
  const put = async (key: string, value: string): Promise<void> => {
    await state.beforePut();
    if (state.down) throw new Error("KV is down");
    kv.set(key, value);
  };
  const stub = objects.KEY_RING.getByName(name) as unknown as DurableObjectStub<KeyRing>;
  const use = async (changes: Partial<Env> = {}): Promise<void> => {
    const env = { ...objects, MESH_ROOTS: { put } as unknown as KVNamespace, ...bindings, ...changes };
    await runInDurableObject(stub, (instance) => {
      Object.defineProperty(instance, "env", { value: env, configurable: true });
    });
  };
  await use();
  const pushed = (set: "access" | "roots"): { keys: JWK[] } => JSON.parse(kv.get(set) ?? '{"keys":[]}');
  const verify = (token: string) =>
    verifyAccessToken(
      token,
      createAccessKeySource(objects.ISSUER, async () => pushed("access"), Date.now),
      Date.now(),
    );
  return { stub, use, state, pushed, verify };
}

const rotation = (purpose: KeyPurpose) => async () => {
  const call = await callerOf("studio").asJob("durable-objects.key-rotation", "rotate_keys", null, newRequest());
  return await entrypoints.KeyRotation.rotate(call, purpose);
};

describe("an emergency rotation", () => {
  beforeAll(stopClock);

  it.each(["access", "mesh"] as const)(
    "of %s forgets every key, the coming one too, and the new one is published and signs at once",
    async (purpose) => {
      const ring = await newRing(`emergency-${purpose}`);
      const set = purpose === "access" ? "access" : "roots";
      await sign(ring.stub);
      // A month on, so that the next key waits to sign.
      passTime(29.5 * 24 * 3600_000);
      await runInDurableObject(ring.stub, (instance) => instance.alarm());
      const before = kidsOf(ring.pushed(set));
      expect(before).toHaveLength(2);
      const { kid, revoked } = await ring.stub.rotate(purpose);
      expect([...revoked].sort()).toEqual([...before].sort());
      expect(kidsOf(ring.pushed(set))).toEqual([kid]);
      expect(before).not.toContain(kid);
      const shown = purpose === "access" ? await ring.stub.accessKeys() : await ring.stub.meshRoots();
      expect(kidsOf(shown)).toEqual([kid]);
      const signed =
        purpose === "access" ? await sign(ring.stub) : (await ring.stub.certify("studio", "A".repeat(43))).certificate;
      expect(kidOf(signed)).toBe(kid);
    },
  );

  it("leaves the other purpose alone", async () => {
    const ring = await newRing("emergency-one");
    await sign(ring.stub);
    const roots = ring.pushed("roots");
    await ring.stub.rotate("access");
    expect(ring.pushed("roots")).toEqual(roots);
  });

  it("leaves nothing of a revoked key in storage, nor in memory after a signature that was under way", async () => {
    const ring = await newRing("emergency-race");
    await sign(ring.stub);
    await evictDurableObject(ring.stub);
    await ring.use();
    // The private half is being opened when the rotation comes in.
    const [token, { kid, revoked }] = await Promise.all([sign(ring.stub), ring.stub.rotate("access")]);
    const later = await sign(ring.stub);
    expect(kidOf(later)).toBe(kid);
    expect([kid, ...revoked]).toContain(kidOf(token));
    const stored = await runInDurableObject(ring.stub, (_instance, state) =>
      state.storage.sql.exec("SELECT kid FROM keys WHERE purpose = 'access'").toArray(),
    );
    expect(stored).toEqual([{ kid }]);
  });

  it("makes a token that was signed across it verifiable: it is signed again", async () => {
    const ring = await newRing("emergency-resign");
    await sign(ring.stub);
    const token = await runInDurableObject(ring.stub, async (instance, state) => {
      const original = crypto.subtle.sign.bind(crypto.subtle);
      let cut = false;
      // Between the choice of the key and the signature: the moment that the check is for.
      crypto.subtle.sign = (async (...args: Parameters<typeof original>) => {
        const signature = await original(...args);
        if (!cut) {
          cut = true;
          state.storage.sql.exec("DELETE FROM keys WHERE purpose = 'access'");
        }
        return signature;
      }) as typeof original;
      try {
        return (await instance.signAccessToken(claims())).token;
      } finally {
        crypto.subtle.sign = original;
      }
    });
    expect(kidsOf(await ring.stub.accessKeys())).toEqual([kidOf(token)]);
    await expect(ring.verify(token)).resolves.toBeTruthy();
  });

  it("revokes also while KV is down: nothing is signed then, by old key or new, until KV was told", async () => {
    const ring = await newRing("emergency-without-kv");
    const old = await sign(ring.stub);
    ring.state.down = true;
    await expect(runInDurableObject(ring.stub, (instance) => instance.rotate("access"))).rejects.toThrow("KV is down");
    await expect(runInDurableObject(ring.stub, (instance) => instance.signAccessToken(claims()))).rejects.toThrow("KV");
    await evictDurableObject(ring.stub);
    await ring.use();
    ring.state.down = false;
    const token = await sign(ring.stub);
    expect(kidOf(token)).not.toBe(kidOf(old));
    await expect(ring.verify(token)).resolves.toBeTruthy();
    await expect(ring.verify(old)).rejects.toThrow("bad_signature");
    expect(kidsOf(await ring.stub.accessKeys())).not.toContain(kidOf(old));
  });

  it("waits for a pass under way, which would push the old keys again", async () => {
    const ring = await newRing("emergency-during-a-pass");
    const old = await sign(ring.stub);
    await runInDurableObject(ring.stub, async (instance) => {
      const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      ring.state.beforePut = () => {
        reached.resolve();
        return released.promise;
      };
      const pass = instance.alarm();
      await reached.promise;
      ring.state.beforePut = async () => undefined;
      const rotations = [instance.rotate("access"), instance.rotate("access")];
      released.resolve();
      await Promise.all([pass, ...rotations]);
    });
    const pushed = kidsOf(ring.pushed("access"));
    expect(pushed).not.toContain(kidOf(old));
    expect(pushed).toHaveLength(1);
    expect(kidsOf(await ring.stub.accessKeys())).toEqual(pushed);
  });

  it("is refused to whoever is not studio on the operator's word, and the same word twice", async () => {
    const studio = callerOf("studio");
    const ask = async (call: SignedCall, purpose = "access") =>
      await entrypoints.KeyRotation.rotate(call, purpose as KeyPurpose);
    const capabilities = await callerOf("capabilities").asJob(
      "durable-objects.key-rotation",
      "rotate_keys",
      null,
      newRequest(),
    );
    await expect(ask(capabilities)).rejects.toThrow("not_granted");
    const other = await studio.asJob("durable-objects.key-rotation", "sign_tokens", null, newRequest());
    await expect(ask(other)).rejects.toThrow("wrong_job");
    const scoped = await studio.asJob("durable-objects.key-rotation", "rotate_keys", newOrg(), newRequest());
    await expect(ask(scoped)).rejects.toThrow("wrong_org");
    const call = await studio.asJob("durable-objects.key-rotation", "rotate_keys", null, newRequest());
    await expect(ask(call, "all")).rejects.toThrow("unknown purpose");
    const good = await studio.asJob("durable-objects.key-rotation", "rotate_keys", null, newRequest());
    await expect(ask(good)).resolves.toBeTruthy();
    await expect(ask(good)).rejects.toThrow("replayed");
  });

  it("of the roots makes every certificate worthless within a minute, and a caller gets itself a new one", async () => {
    const org = newOrg();
    const studio = callerOf("studio");
    const log = async (call: SignedCall) => await entrypoints.AuditIntake.append(call, org, [login(null)]);
    const asked = () => studio.asJob("durable-objects.audit-intake", "anonymous_request", org, newRequest());
    await log(await asked());
    const held = await asked();
    const { kid } = await rotation("mesh")();
    passTime(keySetFreshMs);
    await expect(log(held)).rejects.toThrow(/bad_certificate|expired/);
    await expect(log(await asked())).resolves.toBeTruthy();
    await expect(log(await jobCall(org, newRequest()))).resolves.toBeTruthy();
    expect(kidsOf(await entrypoints.PublicKeys.meshRoots())).toEqual([kid]);
    const ring = objects.KEY_RING.getByName(keyRingName) as unknown as DurableObjectStub<KeyRing>;
    await expect(sign(ring)).resolves.toBeTruthy();
  });
});

describe("the key-encryption key", () => {
  it("is changed with two of them valid: what the old one sealed opens, and is sealed anew at the next pass", async () => {
    const [old, fresh] = [newKek(), newKek()];
    const ring = await newRing("two-keks", { KEY_ENCRYPTION_KEY: old });
    const kid = kidOf(await sign(ring.stub));
    const reopen = async (changes: Partial<Env>): Promise<void> => {
      await evictDurableObject(ring.stub);
      await ring.use(changes);
    };
    const overlap = { KEY_ENCRYPTION_KEY: fresh, KEY_ENCRYPTION_KEY_PREVIOUS: old };
    await reopen(overlap);
    expect(kidOf(await sign(ring.stub))).toBe(kid);
    await runInDurableObject(ring.stub, (instance) => instance.alarm());
    await reopen({ KEY_ENCRYPTION_KEY: fresh, KEY_ENCRYPTION_KEY_PREVIOUS: "" });
    expect(kidOf(await sign(ring.stub))).toBe(kid);
    await expect(
      runInDurableObject(ring.stub, (instance) => instance.certify("studio", "A".repeat(43))),
    ).resolves.toBeTruthy();
    await reopen({ KEY_ENCRYPTION_KEY: old });
    await expect(runInDurableObject(ring.stub, (instance) => instance.signAccessToken(claims()))).rejects.toThrow(
      "does not open",
    );
  });

  it("is not tried further back than the one before", async () => {
    const ring = await newRing("three-keks", { KEY_ENCRYPTION_KEY: newKek() });
    await sign(ring.stub);
    await evictDurableObject(ring.stub);
    await ring.use({ KEY_ENCRYPTION_KEY: newKek(), KEY_ENCRYPTION_KEY_PREVIOUS: newKek() });
    await expect(runInDurableObject(ring.stub, (instance) => instance.signAccessToken(claims()))).rejects.toThrow(
      "does not open",
    );
  });
});
