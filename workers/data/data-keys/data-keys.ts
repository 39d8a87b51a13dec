import { messagesReservedAtOnce } from "../../../core/crypto/data-key-ring.ts";
import type {
  DataKeySet,
  DataKeyStore,
  KeeperChange,
  KeeperOutcome,
  WrappedDataKey,
} from "../../../core/crypto/data-key-set.ts";
import type { SignedCall, VerifiedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { EncryptionState } from "../../../core/rpc/data.ts";
import { changeKeeper, dataKeyStore } from "../../../store/control/data-keys.ts";
import { readEncryptionState } from "../../../store/control/encryption-state.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import type { DataUnit } from "../unit.ts";

/*
 * Wrapped data keys, for whoever the call speaks for: the organisation is the verified call's own, never
 * an argument. Every role's reading may need a key, and every role's writing a new one; the keeper is
 * changed by an owner alone.
 */

/** @throws RangeError when more messages are asked for than one isolate may hold: a key would be spent by it */
export async function readDataKeys(unit: DataUnit, call: SignedCall, messages: number): Promise<DataKeySet> {
  if (messages > messagesReservedAtOnce) throw new RangeError("too many messages at once");
  return (await storeOf(unit, call)).read(messages);
}

export async function addDataKey(
  unit: DataUnit,
  call: SignedCall,
  version: number,
  key: WrappedDataKey,
): Promise<boolean> {
  return (await storeOf(unit, call)).add(version, key);
}

export async function reportKeeper(unit: DataUnit, call: SignedCall, outcome: KeeperOutcome): Promise<void> {
  await (await storeOf(unit, call)).report(outcome);
}

/** @throws CallRefused `not_granted` for anybody but an owner or the platform's own job `tend_keys` */
export async function replaceKeeper(unit: DataUnit, call: SignedCall, change: KeeperChange): Promise<boolean> {
  const { verified, scope } = await admit(unit, call);
  const mayReplace = verified.kind === "user" ? verified.role === "owner" : verified.job === "tend_keys";
  if (!mayReplace) throw new CallRefused("not_granted");
  const by = { user: verified.kind === "user" ? verified.sub : null, requestId: verified.rid };
  return changeKeeper(unit.directory, scope, by, change);
}

export async function describeEncryption(unit: DataUnit, call: SignedCall): Promise<EncryptionState> {
  return readEncryptionState(unit.directory, (await admit(unit, call)).scope);
}

async function storeOf(unit: DataUnit, call: SignedCall): Promise<DataKeyStore> {
  return dataKeyStore(unit.directory, (await admit(unit, call)).scope);
}

/** @throws CallRefused */
async function admit(unit: DataUnit, call: SignedCall): Promise<{ verified: VerifiedCall; scope: OrgScope }> {
  const expect = {
    audience: "data.data-keys",
    users: true,
    jobs: ["tend_keys", "tend_backups", "tend_documents", "run_exports"],
  } as const;
  const verified = await verifyCall(call, expect, unit.keys, unit.now());
  const scope = callScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  return { verified, scope };
}
