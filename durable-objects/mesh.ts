import type { JWK } from "jose";
import { type Caller, createCaller } from "../core/mesh/caller.ts";
import type { SignedCall, VerifiedCall } from "../core/mesh/claims.ts";
import { createMeshKeys, type MeshKeys } from "../core/mesh/keys.ts";
import { type CallExpectation, verifyCall } from "../core/mesh/verify.ts";
import type { Env } from "./env.ts";

/** The one KeyRing object. */
export const keyRingName = "root";

/** What this Worker asks of KeyRing; spelled out because an RPC stub's own type is deeper than it need be. */
interface KeyRingStub {
  accessKeys(): Promise<{ keys: JWK[] }>;
  meshRoots(): Promise<{ keys: JWK[] }>;
  certify(workload: "durable-objects", publicKey: string): Promise<{ certificate: string; expiresAtMs: number }>;
}

function keyRing(env: Env): KeyRingStub {
  return env.KEY_RING.getByName(keyRingName) as unknown as KeyRingStub;
}

/** One per isolate, made on first use: the key sets and this isolate's own identity. */
let meshKeys: MeshKeys | null = null;
let caller: Caller | null = null;

/** Key sources fed by KeyRing itself. */
export function objectKeys(env: Env): MeshKeys {
  meshKeys ??= createMeshKeys({
    issuer: env.ISSUER,
    fetchRoots: () => keyRing(env).meshRoots(),
    fetchAccess: () => keyRing(env).accessKeys(),
    now: Date.now,
  });
  return meshKeys;
}

/** Signs calls from this Worker to `data`. */
export function objectCaller(env: Env): Caller {
  caller ??= createCaller({
    workload: "durable-objects",
    certify: (publicKey) => keyRing(env).certify("durable-objects", publicKey),
    roots: objectKeys(env).roots,
    now: Date.now,
    random: (bytes) => crypto.getRandomValues(bytes),
  });
  return caller;
}

/** Verifies a call into this Worker. @throws CallRefused */
export function verifyInward(env: Env, call: SignedCall, expect: CallExpectation): Promise<VerifiedCall> {
  return verifyCall(call, expect, objectKeys(env), Date.now());
}
