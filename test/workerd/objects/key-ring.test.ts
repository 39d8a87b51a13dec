import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { decodeProtectedHeader, type JWK } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { verifyAccessToken } from "../../../core/mesh/access.ts";
import { createAccessKeySource } from "../../../core/mesh/keys.ts";
import type { Env } from "../../../durable-objects/env.ts";
import type { KeyRing } from "../../../durable-objects/key-ring/key-ring.ts";
import { keyRingName } from "../../../durable-objects/mesh.ts";
import {
  callerOf,
  entrypoints,
  newOrg,
  newRequest,
  newSession,
  newUser,
  objects,
  passTime,
  stopClock,
} from "./harness.ts";

const dayMs = 24 * 3600_000;
const ring = () => objects.KEY_RING.getByName(keyRingName);

/** As `data` sees it: KV, asked afresh. */
async function pushedKeys(name: "roots" | "access"): Promise<{ keys: JWK[] }> {
  return (await objects.MESH_ROOTS.get<{ keys: JWK[] }>(name, "json")) ?? { keys: [] };
}

/** A ring of its own, with bindings of its own, so that it does not push over the real one's keys. */
async function otherRing(name: string, bindings: Partial<Env> = {}): Promise<DurableObjectStub<KeyRing>> {
  const other = objects.KEY_RING.getByName(name);
  const own = { ...objects, MESH_ROOTS: { put: () => Promise.resolve() } as unknown as KVNamespace, ...bindings };
  await runInDurableObject(other, (instance) => {
    Object.defineProperty(instance, "env", { value: own, configurable: true });
  });
  return other;
}

async function signToken(): Promise<string> {
  const claims = { sub: newUser(), org: newOrg(), role: "viewer", sid: newSession() } as const;
  const call = await callerOf("studio").asJob("durable-objects.token-signer", "sign_tokens", claims.org, newRequest());
  return (await entrypoints.TokenSigner.signAccessToken(call, claims)).token;
}

async function verifyWithPushed(token: string): Promise<unknown> {
  return await verifyAccessToken(
    token,
    createAccessKeySource(objects.ISSUER, () => pushedKeys("access"), Date.now),
    Date.now(),
  );
}

describe("KeyRing", () => {
  beforeAll(stopClock);

  it("has pushed both public sets before the first certificate is handed out", async () => {
    expect(await pushedKeys("roots")).toEqual({ keys: [] });
    const publicKey = Buffer.alloc(32, 9).toString("base64url");
    const { certificate } = await entrypoints.CertifyStudio.certify(publicKey);
    const kid = decodeProtectedHeader(certificate).kid;
    expect((await pushedKeys("roots")).keys.map((key) => key.kid)).toEqual([kid]);
    expect((await pushedKeys("access")).keys).toHaveLength(1);
    expect(await entrypoints.PublicKeys.meshRoots()).toEqual(await pushedKeys("roots"));
    expect(await entrypoints.PublicKeys.accessKeys()).toEqual(await pushedKeys("access"));
  });

  it("makes one first key however many callers wake it at once", async () => {
    const fresh = await otherRing("woken-by-many");
    const sets = await Promise.all(Array.from({ length: 8 }, () => fresh.accessKeys()));
    for (const set of sets) expect(set.keys.map((key) => key.kid)).toEqual([sets[0]?.keys[0]?.kid]);
  });

  it("signs nothing while the keys could not be pushed", async () => {
    const down = { put: () => Promise.reject(new Error("KV is down")) } as unknown as KVNamespace;
    const publicKey = Buffer.alloc(32, 9).toString("base64url");
    const fresh = await otherRing("without-kv", { MESH_ROOTS: down });
    await expect(runInDurableObject(fresh, (instance) => instance.certify("studio", publicKey))).rejects.toThrow("KV");
    await otherRing("without-kv");
    await expect(fresh.certify("studio", publicKey)).resolves.toBeTruthy();
  });

  it("stores and shows private keys in no readable form", async () => {
    await signToken();
    const stored = await runInDurableObject(ring(), (_instance, state) =>
      JSON.stringify(state.storage.sql.exec("SELECT * FROM keys").toArray()),
    );
    const pushed = JSON.stringify([await pushedKeys("access"), await pushedKeys("roots")]);
    for (const text of [stored, pushed]) expect(text).not.toMatch(/"d\\?"|PRIVATE/);
    const sealed = stored.match(/v1\.[\w-]{16}\.[\w-]+/g) ?? [];
    expect(sealed).toHaveLength(2);
    for (const envelope of sealed) {
      const bytes = Buffer.from(envelope.split(".")[2] ?? "", "base64url");
      // DER of the Ed25519 object identifier, which every PKCS #8 key of this kind begins with.
      expect(bytes.includes(Buffer.from("06032b6570", "hex"))).toBe(false);
    }
  });

  it("does not open its keys under another key-encryption key, or a sealed key under another kid", async () => {
    const claims = { sub: newUser(), org: null, role: null, sid: newSession() };
    const sign = (instance: KeyRing) => instance.signAccessToken(claims);
    await (await otherRing("moved-keys")).accessKeys();
    await evictDurableObject(objects.KEY_RING.getByName("moved-keys"));
    const other = await otherRing("moved-keys", { KEY_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString("base64url") });
    await expect(runInDurableObject(other, sign)).rejects.toThrow("does not open");
    const moved = await otherRing("moved-keys");
    await runInDurableObject(moved, (_instance, state) => {
      state.storage.sql.exec(`UPDATE keys SET sealed_private =
        (SELECT sealed_private FROM keys WHERE purpose = 'mesh') WHERE purpose = 'access'`);
    });
    await expect(runInDurableObject(moved, sign)).rejects.toThrow("does not open");
  });

  it("refuses claims that no session can have, and keys that are none", async () => {
    await runInDurableObject(ring(), async (instance) => {
      const good = { sub: newUser(), org: newOrg(), role: "owner", sid: newSession() } as const;
      await expect(instance.signAccessToken(good)).resolves.toBeTruthy();
      for (const wrong of [
        { sub: "me" },
        { org: null },
        { role: null },
        { role: "root" },
        { org: "org_x" },
        { sid: "ses_x" },
      ]) {
        await expect(instance.signAccessToken({ ...good, ...wrong } as typeof good)).rejects.toThrow("no session");
      }
      await expect(instance.certify("studio", "AAAA")).rejects.toThrow("32 bytes");
      await expect(instance.certify("edge" as "studio", "A".repeat(43))).rejects.toThrow("unknown workload");
    });
  });

  it("keeps every live token verifiable over fourteen months of rotation, emergencies and evictions, and no longer", async () => {
    const random = seeded(14);
    const kids = new Set<string | undefined>();
    const endMs = Date.now() + 14 * 30 * dayMs;
    let live: { token: string; kid: string | undefined; expiresMs: number }[] = [];
    let dead: string[] = [];
    let emergencies = 0;
    let last = "";
    while (Date.now() < endMs) {
      // A token is signed in the last moment before each alarm and before each change of the signing key.
      const { alarmMs, changeMs } = await nextInstants();
      passTime(Math.min(alarmMs, changeMs) - 1 - Date.now());
      const { token, kid } = await signDirectly();
      live = [
        ...live.filter((other) => other.expiresMs > Date.now()),
        { token, kid, expiresMs: Date.now() + 3600_000 - 1000 },
      ];
      last = token;
      kids.add(kid);
      passTime(1);
      if (alarmMs <= Date.now()) await runDurableObjectAlarm(ring());
      // About once a month, whatever the schedule is in the middle of.
      if (random() < 1 / 30) {
        emergencies += 1;
        const { revoked } = await ring().rotate("access");
        dead = live.map((other) => other.token);
        expect(live.every((other) => revoked.includes(other.kid ?? ""))).toBe(true);
        live = [];
      }
      if (random() < 1 / 10) await evictDurableObject(ring());
      for (const other of live) await verifyWithPushed(other.token);
      for (const token of dead) await expect(verifyWithPushed(token)).rejects.toThrow("bad_signature");
      const keys = await pushedKeys("access");
      expect(keys.keys.length).toBeLessThanOrEqual(3);
      expect(keys).toEqual(await ring().accessKeys());
    }
    expect(kids.size).toBeGreaterThanOrEqual(14);
    expect(emergencies).toBeGreaterThanOrEqual(5);
    passTime(3600_000 + 11_000);
    await expect(verifyWithPushed(last)).rejects.toThrow("expired");
  });

  it("publishes the next key for a day before it signs, and not a moment longer", async () => {
    const before = new Set((await pushedKeys("access")).keys.map((key) => key.kid));
    const published = async () => (await pushedKeys("access")).keys.find((key) => !before.has(key.kid))?.kid;
    while ((await published()) === undefined) {
      passTime((await nextInstants()).alarmMs - Date.now());
      await runDurableObjectAlarm(ring());
    }
    const fresh = await published();
    passTime(dayMs - 1);
    expect((await signDirectly()).kid).not.toBe(fresh);
    passTime(1);
    expect((await signDirectly()).kid).toBe(fresh);
  });
});

/** Numbers from 0 to 1, the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function signDirectly(): Promise<{ token: string; kid: string | undefined }> {
  const claims = { sub: newUser(), org: null, role: null, sid: newSession() };
  const { token } = await ring().signAccessToken(claims);
  return { token, kid: decodeProtectedHeader(token).kid };
}

/** When the ring's next alarm is, and when the next key begins to sign. */
function nextInstants(): Promise<{ alarmMs: number; changeMs: number }> {
  return runInDurableObject(ring(), async (_instance, state) => {
    const query = "SELECT min(signs_from_ms) AS at FROM keys WHERE signs_from_ms > ?";
    const change = state.storage.sql.exec<{ at: number | null }>(query, Date.now()).one().at;
    const alarm = await state.storage.getAlarm();
    return { alarmMs: Math.max(Date.now() + 1, alarm ?? Number.NaN), changeMs: change ?? Number.POSITIVE_INFINITY };
  });
}
