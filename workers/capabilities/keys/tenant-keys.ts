import { DataKeyRing, type OrganisationKeys } from "../../../core/crypto/data-key-ring.ts";
import { createSentinelKeeper, type SentinelKeeper } from "../../../core/crypto/sentinel-keeper.ts";
import { makeId } from "../../../core/ids.ts";
import type { Caller } from "../../../core/mesh/caller.ts";
import type { SignedCall, VerifiedCall } from "../../../core/mesh/claims.ts";
import { parseLoopbackOrigins } from "../../../core/outside-address.ts";
import type { DataKeysRpc } from "../../../core/rpc/data.ts";
import { createDataKeysClient } from "./data-keys-client.ts";
import type { EncryptionDependencies } from "./encryption.ts";
import { createKeeperFetch } from "./keeper-fetch.ts";
import { createKeepers, mayKeep } from "./keepers.ts";

/** The settings that keys need; unchecked. */
export interface KeysEnv {
  /** 32 bytes, base64url: wraps the data keys of whoever has no keeper of their own. */
  readonly DATA_KEY_ENCRYPTION_KEY: string;
  /** The one before, while keys are wrapped anew; empty otherwise. */
  readonly DATA_KEY_ENCRYPTION_KEY_PREVIOUS?: string;
  /** Keepers that development may call on its own loopback; empty in production. */
  readonly LOOPBACK_KEEPERS?: string;
  readonly DATA_KEYS: DataKeysRpc;
}

export interface KeysPlatform {
  readonly caller: Caller;
  readonly fetch: typeof fetch;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
}

/** What lives as long as the isolate: unwrapped keys, in memory alone, and the way to each keeper. */
export interface TenantKeys
  extends Pick<EncryptionDependencies, "ring" | "sentinel" | "keeperOf" | "mayKeep" | "dataKeys"> {
  /** For one verified call, its organisation's keys. */
  of(call: SignedCall, verified: VerifiedCall): OrganisationKeys;
}

/** @throws Error naming a setting that is missing or malformed, never showing it */
export function createTenantKeys(env: KeysEnv, platform: KeysPlatform): TenantKeys {
  const { caller, now, randomBytes } = platform;
  const current = keyText("DATA_KEY_ENCRYPTION_KEY", env.DATA_KEY_ENCRYPTION_KEY);
  const before = env.DATA_KEY_ENCRYPTION_KEY_PREVIOUS ?? "";
  const previous = before === "" ? null : keyText("DATA_KEY_ENCRYPTION_KEY_PREVIOUS", before);
  const loopback = parseLoopbackOrigins("LOOPBACK_KEEPERS", env.LOOPBACK_KEEPERS ?? "");
  /** Imported at the first use, then kept. Awaits nothing but WebCrypto, so requests may share it. */
  let imported: Promise<SentinelKeeper> | null = null;
  const sentinel = (): Promise<SentinelKeeper> => {
    imported ??= createSentinelKeeper(current, previous, randomBytes);
    return imported;
  };
  const keeperOf = createKeepers({ sentinel, fetchKeeper: createKeeperFetch(platform.fetch, loopback), now });
  const makeKeyId = () => makeId("dataKey", now(), randomBytes(10));
  const ring = new DataKeyRing({ keeperOf, now, randomBytes, makeKeyId });
  return {
    ring,
    sentinel,
    keeperOf,
    mayKeep: (keeper) => mayKeep(keeper, loopback),
    dataKeys: env.DATA_KEYS,
    of(call, verified) {
      if (verified.org === null) throw new Error("a call without an organisation has no keys");
      return ring.of(verified.org, createDataKeysClient(env.DATA_KEYS, caller, call, verified));
    },
  };
}

function keyText(name: string, text: unknown): string {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]{43}$/.test(text))
    throw new Error(`${name} is not 32 bytes of base64url`);
  return text;
}
