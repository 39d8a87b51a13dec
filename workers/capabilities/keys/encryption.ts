import type { DataKeyRing } from "../../../core/crypto/data-key-ring.ts";
import {
  type DataKeySet,
  dataKeyPurpose,
  type KeeperRecord,
  type WrappedDataKey,
} from "../../../core/crypto/data-key-set.ts";
import { KeyUnavailable, type KeyWrapper, wrappedKeyBytes } from "../../../core/crypto/key-wrapper.ts";
import type { SentinelKeeper } from "../../../core/crypto/sentinel-keeper.ts";
import type { OrgId, UserId } from "../../../core/ids.ts";
import type { Caller } from "../../../core/mesh/caller.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { MeshKeys } from "../../../core/mesh/keys.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { Result } from "../../../core/rpc/capabilities.ts";
import type { DataKeysRpc, EncryptionState } from "../../../core/rpc/data.ts";
import type { EncryptionRpc, KeeperInput } from "../../../core/rpc/encryption.ts";
import { createDataKeysClient, type DataKeysClient } from "./data-keys-client.ts";
import { recordOf } from "./keepers.ts";

export interface EncryptionDependencies {
  readonly keys: MeshKeys;
  readonly caller: Caller;
  readonly dataKeys: DataKeysRpc;
  readonly ring: DataKeyRing;
  readonly sentinel: () => Promise<SentinelKeeper>;
  readonly keeperOf: (record: KeeperRecord) => KeyWrapper;
  /** False for a keeper whose address may not be called, or whose key is none. */
  readonly mayKeep: (keeper: KeeperInput) => boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
}

interface EncryptionContext {
  readonly org: OrgId;
  /** Null: the platform's job. */
  readonly user: UserId | null;
  readonly store: DataKeysClient;
}

/** The capability: an owner's word, or the platform's own for what changes nobody's keeper. */
export function createEncryption(dependencies: EncryptionDependencies): EncryptionRpc {
  const { ring, keeperOf, randomBytes } = dependencies;

  /** Runs what the call's own organisation asks for; a key that can't be had is an answer. */
  async function admitted(
    call: SignedCall,
    jobs: readonly "tend_keys"[],
    work: (context: EncryptionContext) => Promise<Result<EncryptionState>>,
  ): Promise<Result<EncryptionState>> {
    const context = await admit(dependencies, call, jobs);
    if (context === null) return { ok: false, code: "forbidden" };
    try {
      return await work(context);
    } catch (error) {
      if (error instanceof KeyUnavailable) return { ok: false, code: "key_unavailable" };
      throw error;
    }
  }
  const described = async ({ store }: EncryptionContext): Promise<Result<EncryptionState>> => ({
    ok: true,
    value: await store.describe(),
  });

  /** Moves all keys to a keeper that has shown that it gives back what it was given. */
  async function moveTo(context: EncryptionContext, record: KeeperRecord): Promise<Result<EncryptionState>> {
    const { org, store } = context;
    const set = await firstKey(context);
    if (set.shredded) throw new KeyUnavailable("shredded");
    const [present, next] = [keeperOf(set.keeper), keeperOf(record)];
    await tryKeeper(next, org, randomBytes(wrappedKeyBytes));
    const keys: WrappedDataKey[] = [];
    for (let start = 0; start < set.keys.length; start += keysAtOnce) {
      const some = set.keys.slice(start, start + keysAtOnce);
      keys.push(...(await Promise.all(some.map((key) => rewrapped(key, org, present, next)))));
    }
    // Read before: behind the commit point nothing may fail any more.
    const before = await store.describe();
    const changed = await store.changeKeeper({ version: set.version, keeper: record, keys });
    ring.forget(org);
    if (!changed) return { ok: false, code: "conflict" };
    const at = new Date(dependencies.now()).toISOString();
    const { kind, settings } = record;
    const change = { changedBy: context.user, changedAt: at, unwrappedAt: at, failedAt: null, failure: null };
    return { ok: true, value: { ...before, ...change, keeper: { kind, settings } } };
  }

  /** The set, with a key in it: what has none yet has nothing to move. */
  async function firstKey({ org, store }: EncryptionContext): Promise<DataKeySet> {
    const set = await store.read(0);
    if (set.shredded || set.current !== null) return set;
    await ring.rotate(org, store);
    return store.read(0);
  }

  return {
    describe: (call) => admitted(call, [], described),
    changeKeeper: (call, input: KeeperInput) =>
      admitted(call, [], async (context) => {
        if (!dependencies.mayKeep(input)) return { ok: false, code: "invalid_request" };
        return moveTo(context, await recordOf(await dependencies.sentinel(), context.org, input));
      }),
    verify: (call) =>
      admitted(call, [], async (context) => {
        const { org, store } = context;
        await firstKey(context);
        ring.forget(org);
        const { wrapper } = ring.of(org, store);
        await tryKeeper(wrapper, org, randomBytes(wrappedKeyBytes));
        return described(context);
      }),
    rotate: (call) =>
      admitted(call, ["tend_keys"], async (context) => {
        const rotated = await ring.rotate(context.org, context.store);
        return rotated ? described(context) : { ok: false, code: "conflict" };
      }),
    rewrap: (call) =>
      admitted(call, ["tend_keys"], async (context) => {
        const { keeper, current, shredded } = await context.store.read(0);
        // Without keys there is nothing to wrap.
        if (current === null && !shredded) return described(context);
        return moveTo(context, await resealed(await dependencies.sentinel(), context.org, keeper));
      }),
  };
}

/** The keeper's credentials under Sentinel's present key; they stand beside the keys and move with them. */
async function resealed(sentinel: SentinelKeeper, org: OrgId, record: KeeperRecord): Promise<KeeperRecord> {
  if (record.credentials === null) return record;
  const credentials = await sentinel.sealCredentials(org, await sentinel.openCredentials(org, record.credentials));
  return { ...record, credentials };
}

/** @throws KeyUnavailable unless the keeper gives back what it was given */
async function tryKeeper(keeper: KeyWrapper, org: OrgId, probe: Uint8Array<ArrayBuffer>): Promise<void> {
  const wrapped = await keeper.wrap(org, probe, probePurpose);
  const given = await keeper.unwrap(org, wrapped, probePurpose);
  if (given.some((byte, index) => byte !== probe[index])) throw new KeyUnavailable("malformed");
}

const probePurpose = "probe";

/** Keys that are wrapped anew at a time: a full set of 240 by a keeper 50 ms away takes three seconds. */
const keysAtOnce = 8;

async function rewrapped(
  { id, wrapped }: WrappedDataKey,
  org: OrgId,
  present: KeyWrapper,
  next: KeyWrapper,
): Promise<WrappedDataKey> {
  const key = await present.unwrap(org, wrapped, dataKeyPurpose(id));
  const anew = await next.wrap(org, key, dataKeyPurpose(id));
  key.fill(0);
  return { id, wrapped: anew };
}

/**
 * @returns null for a genuine call of somebody who may not do this
 * @throws CallRefused
 */
async function admit(
  { keys, caller, dataKeys, now }: EncryptionDependencies,
  call: SignedCall,
  jobs: readonly "tend_keys"[],
): Promise<EncryptionContext | null> {
  const expect = { audience: "capabilities.encryption", users: true, jobs } as const;
  const verified = await verifyCall(call, expect, keys, now());
  if (verified.org === null) throw new CallRefused("wrong_org");
  if (verified.kind === "user" && verified.role !== "owner") return null;
  const user = verified.kind === "user" ? verified.sub : null;
  return { org: verified.org, user, store: createDataKeysClient(dataKeys, caller, call, verified) };
}
