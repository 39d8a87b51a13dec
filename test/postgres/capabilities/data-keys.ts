/** Data keys as capabilities have them: the data Worker's own code over real Postgres, and keepers by real requests. */
import { randomBytes } from "node:crypto";
import type { Caller } from "../../../core/mesh/caller.ts";
import type { DataKeysRpc } from "../../../core/rpc/data.ts";
import { createTenantKeys, type KeysEnv, type TenantKeys } from "../../../workers/capabilities/keys/tenant-keys.ts";
import {
  addDataKey,
  describeEncryption,
  readDataKeys,
  replaceKeeper,
  reportKeeper,
} from "../../../workers/data/data-keys/data-keys.ts";
import type { DataUnit } from "../../../workers/data/unit.ts";

/** What the data Worker's entrypoint offers. */
export function dataKeysOf(unit: Promise<DataUnit>): DataKeysRpc {
  return {
    read: async (call, messages) => readDataKeys(await unit, call, messages),
    add: async (call, version, key) => addDataKey(await unit, call, version, key),
    report: async (call, outcome) => reportKeeper(await unit, call, outcome),
    changeKeeper: async (call, change) => replaceKeeper(await unit, call, change),
    describe: async (call) => describeEncryption(await unit, call),
  };
}

export interface TestKeysOptions {
  /** A key-encryption key of its own unless given. */
  readonly env?: Partial<KeysEnv>;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
}

/** One isolate's keys. */
export function testTenantKeys(unit: Promise<DataUnit>, caller: Caller, options: TestKeysOptions = {}): TenantKeys {
  const env = { DATA_KEY_ENCRYPTION_KEY: testKeyEncryptionKey, DATA_KEYS: dataKeysOf(unit), ...options.env };
  return createTenantKeys(env, {
    caller,
    fetch: options.fetch ?? fetch,
    now: options.now ?? Date.now,
    randomBytes: (length) => Uint8Array.from(randomBytes(length)),
  });
}

/** One for a test file, as one stack has one. */
export const testKeyEncryptionKey = randomBytes(32).toString("base64url");
