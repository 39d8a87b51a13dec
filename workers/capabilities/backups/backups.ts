/** Backups of organisations, for the platform's own job: made, read, opened and deleted. */
import { KeyUnavailable } from "../../../core/crypto/key-wrapper.ts";
import { type BackupId, type OrgId, parseId } from "../../../core/ids.ts";
import type { Caller } from "../../../core/mesh/caller.ts";
import type { SignedCall, VerifiedCall } from "../../../core/mesh/claims.ts";
import type { MeshKeys } from "../../../core/mesh/keys.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { Audience } from "../../../core/mesh/workloads.ts";
import { type BackupSourceRpc, type BackupsRpc, backupReadBytesMax } from "../../../core/rpc/backups.ts";
import type { HubBackupRpc } from "../../../core/rpc/hub-backup.ts";
import { openBackupSnapshot } from "../../../store/tenant/backup-snapshot.ts";
import type { ConnectionSource } from "../../../store/tenant/tenant-database.ts";
import { type TenantScope, tenantScope } from "../../../store/tenant/tenant-scope.ts";
import type { TenantKeys } from "../keys/tenant-keys.ts";
import { type BackupBucket, deleteObjects, objectName } from "./bucket.ts";
import { keyPurpose, makeBackup, type Run, type RunLimits, RunRefused, runLimits } from "./make.ts";

export interface BackupsDependencies {
  readonly keys: MeshKeys;
  readonly caller: Caller;
  readonly connections: (call: SignedCall) => ConnectionSource;
  readonly tenantKeys: TenantKeys["of"];
  readonly hub: HubBackupRpc;
  readonly source: BackupSourceRpc;
  readonly bucket: BackupBucket;
  /** As in `createDatabase`. */
  readonly gateway: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
  /** Tests ask for less. */
  readonly limits?: RunLimits;
}

interface Admitted {
  readonly org: OrgId;
  readonly scope: TenantScope;
  readonly verified: VerifiedCall;
}

/** An object that is younger may be one whose row is not written yet; runs end within minutes. */
const youngMs = 24 * 3_600_000;

/** The capability. Every method is the platform's job's, and for the organisation of its call. */
export function createBackups(dependencies: BackupsDependencies): BackupsRpc {
  const { bucket, now } = dependencies;
  return {
    async make(call, order) {
      const admitted = await admit(dependencies, call, true);
      const backup = requireBackup(order.backup);
      try {
        return { ok: true, value: await makeBackup(runOf(dependencies, call, admitted, { ...order, backup })) };
      } catch (error) {
        if (error instanceof RunRefused) return { ok: false, code: error.code };
        throw error;
      }
    },
    async read(call, backup, offset, length) {
      const { org } = await admit(dependencies, call, false);
      const whole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
      if (!whole(offset) || !whole(length) || length > backupReadBytesMax) throw new RangeError("not a range");
      const name = objectName(org, requireBackup(backup));
      const head = await bucket.head(name);
      if (head === null) return null;
      if (offset >= head.size || length === 0) return { bytes: new Uint8Array(), size: head.size };
      const found = await bucket.get(name, { range: { offset, length: Math.min(length, head.size - offset) } });
      return found === null ? null : { bytes: new Uint8Array(await found.arrayBuffer()), size: head.size };
    },
    async openKey(call, backup) {
      const { org, verified } = await admit(dependencies, call, true);
      const id = requireBackup(backup);
      const found = await dependencies.source.wrappedKey(
        await signed(dependencies, "data.backup-source", verified),
        id,
      );
      if (found === null) return { ok: false, code: "unknown_backup" };
      if (found.wrapped === null) return { ok: false, code: "key_destroyed" };
      try {
        const { wrapper } = dependencies.tenantKeys(call, verified);
        return { ok: true, key: await wrapper.unwrap(org, found.wrapped, keyPurpose(id)) };
      } catch (error) {
        if (!(error instanceof KeyUnavailable)) throw error;
        return { ok: false, code: error.reason === "shredded" ? "key_destroyed" : "key_unavailable" };
      }
    },
    async prune(call, keep) {
      const { org } = await admit(dependencies, call, false);
      return deleteObjects(bucket, org, new Set(keep), now() - youngMs);
    },
    async erase(call) {
      const { org } = await admit(dependencies, call, false);
      await deleteObjects(bucket, org, null, Number.POSITIVE_INFINITY);
    },
  };
}

function runOf(
  dependencies: BackupsDependencies,
  call: SignedCall,
  { org, scope, verified }: Admitted,
  order: Run["order"],
): Run {
  const { hub, source, bucket, gateway, now, randomBytes } = dependencies;
  const limits = dependencies.limits ?? runLimits;
  const sourceCall = (): Promise<SignedCall> => signed(dependencies, "data.backup-source", verified);
  const hubCall = (): Promise<SignedCall> => signed(dependencies, "durable-objects.hub-backup", verified);
  return {
    org,
    order,
    limits,
    bucket,
    wrapper: dependencies.tenantKeys(call, verified).wrapper,
    openSnapshot: () =>
      openBackupSnapshot({
        scope,
        connect: dependencies.connections(call),
        gateway,
        readSchemaNumber: async () => source.schemaNumber(await sourceCall()),
        now,
        timeoutMs: limits.runMs,
      }),
    hub: {
      begin: async () => hub.beginExport(await hubCall(), org),
      async read(which, object, page) {
        const bytes = await hub.readExport(await hubCall(), org, { export: which, object, page });
        if (bytes === null) throw new Error("the hub's copy is gone");
        return bytes;
      },
      end: async (which) => hub.endExport(await hubCall(), org, which),
    },
    readAudit: async (after) => source.readAudit(await sourceCall(), after),
    now,
    randomBytes,
  };
}

/** A call of this unit's own: each assertion is good for one. */
const signed = ({ caller }: BackupsDependencies, audience: Audience, { org, rid }: VerifiedCall): Promise<SignedCall> =>
  caller.asJob(audience, "tend_backups", org, rid);

/** What names an object; another shape would name another organisation's. */
function requireBackup(backup: unknown): BackupId {
  const id = parseId("backup", backup);
  if (id === null) throw new Error("not the id of a backup");
  return id;
}

/** @throws CallRefused */
async function admit({ keys, now }: BackupsDependencies, call: SignedCall, once: boolean): Promise<Admitted> {
  const expect = { audience: "capabilities.backups", jobs: ["tend_backups"], once } as const;
  const verified = await verifyCall(call, expect, keys, now());
  const scope = tenantScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  return { org: scope.org, scope, verified };
}
