import type { DataKeyStore } from "../../../core/crypto/data-key-set.ts";
import type { Caller } from "../../../core/mesh/caller.ts";
import type { SignedCall, VerifiedCall } from "../../../core/mesh/claims.ts";
import type { DataKeysRpc } from "../../../core/rpc/data.ts";
import { accessTokenOf } from "../tenant-connections.ts";

/** The wrapped keys of one call's own organisation; there is no way to name another one. */
export interface DataKeysClient extends DataKeyStore {
  readonly changeKeeper: (change: Parameters<DataKeysRpc["changeKeeper"]>[1]) => Promise<boolean>;
  readonly describe: () => ReturnType<DataKeysRpc["describe"]>;
}

/** Signs every call anew: an assertion is good for one call only. The user's own token speaks for the user here too. */
export function createDataKeysClient(
  dataKeys: DataKeysRpc,
  caller: Caller,
  call: SignedCall,
  verified: VerifiedCall,
): DataKeysClient {
  const signed = (): Promise<SignedCall> =>
    verified.kind === "job"
      ? caller.asJob("data.data-keys", verified.job, verified.org, verified.rid)
      : caller.asUser("data.data-keys", accessTokenOf(call), verified.rid);
  return {
    read: async (messages) => dataKeys.read(await signed(), messages),
    add: async (version, key) => dataKeys.add(await signed(), version, key),
    report: async (outcome) => dataKeys.report(await signed(), outcome),
    changeKeeper: async (change) => dataKeys.changeKeeper(await signed(), change),
    describe: async () => dataKeys.describe(await signed()),
  };
}
