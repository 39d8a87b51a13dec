/**
 * data: the secrets that open every tenant, and nothing else. Each entrypoint is bound by
 * exactly one other Worker; every method verifies its call before anything else.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import type { MonthEntry } from "../../core/audit/month-archive.ts";
import type { DataKeySet, KeeperChange, KeeperOutcome, WrappedDataKey } from "../../core/crypto/data-key-set.ts";
import type { BackupId, OrgId } from "../../core/ids.ts";
import type { SignedCall } from "../../core/mesh/claims.ts";
import type { BackupSourceRpc } from "../../core/rpc/backups.ts";
import type {
  AuditSinkRpc,
  CredentialsRpc,
  DataKeysRpc,
  DroppedTenant,
  DueMonth,
  EncryptionState,
  IngestRecord,
  IngestRpc,
  OlderEntry,
  OlderQuery,
  PreparedMove,
  ProvisionedTenant,
  ProvisionerRpc,
  RetiredMonth,
  SinkEntry,
  TenantConnection,
  TenantReader,
} from "../../core/rpc/data.ts";
import { dueMonths, readMonth, retiredMonths, retireMonth } from "./audit-sink/months.ts";
import { readOlder } from "./audit-sink/read-older.ts";
import { receiptExists } from "./audit-sink/receipt-exists.ts";
import { writeEntries } from "./audit-sink/write-entries.ts";
import { readAuditLines, schemaNumberOf, wrappedKeyOf } from "./backup-source/backup-source.ts";
import type { DataEnv } from "./config.ts";
import { connectionForCall } from "./credentials/for-tenant.ts";
import { addDataKey, describeEncryption, readDataKeys, replaceKeeper, reportKeeper } from "./data-keys/data-keys.ts";
import { writeRecords } from "./ingest/write-records.ts";
import { failureOf, logEvent } from "./log.ts";
import { dropTenant } from "./provisioner/drop-tenant.ts";
import { prepareMove } from "./provisioner/moving/prepare-move.ts";
import { provision } from "./provisioner/provision.ts";
import { runScheduled } from "./scheduled.ts";
import { createUnit, type DataUnit } from "./unit.ts";

/** One per isolate, made on first use; only a finished one is shared between requests. */
let unit: DataUnit | null = null;

/** Runs one method with the unit; a failure is logged by class and code and goes on to the caller. */
async function work<T>(env: DataEnv, entrypoint: string, method: (unit: DataUnit) => Promise<T>): Promise<T> {
  try {
    unit ??= await createUnit(env, Date.now);
    return await method(unit);
  } catch (error) {
    logEvent(failureOf(entrypoint, error));
    throw error;
  }
}

/** For TenantHub. */
export class Ingest extends WorkerEntrypoint<DataEnv> implements IngestRpc {
  write(call: SignedCall, org: OrgId, records: readonly IngestRecord[]): Promise<void> {
    return work(this.env, "Ingest", (made) => writeRecords(made, call, org, records));
  }
}

/** For AuditLog. */
export class AuditSink extends WorkerEntrypoint<DataEnv> implements AuditSinkRpc {
  write(call: SignedCall, entries: readonly SinkEntry[]): Promise<void> {
    return work(this.env, "AuditSink", (made) => writeEntries(made, call, entries));
  }

  receiptExists(call: SignedCall, org: OrgId | null, requestId: string): Promise<boolean> {
    return work(this.env, "AuditSink", (made) => receiptExists(made, call, org, requestId));
  }

  older(call: SignedCall, query: OlderQuery): Promise<readonly OlderEntry[]> {
    return work(this.env, "AuditSink", (made) => readOlder(made, call, query));
  }

  dueMonths(call: SignedCall): Promise<DueMonth[]> {
    return work(this.env, "AuditSink", (made) => dueMonths(made, call));
  }

  readMonth(call: SignedCall, month: DueMonth, after: Pick<MonthEntry, "log" | "seq"> | null): Promise<MonthEntry[]> {
    return work(this.env, "AuditSink", (made) => readMonth(made, call, month, after));
  }

  retireMonth(call: SignedCall, month: DueMonth, entries: number, seal: string): Promise<void> {
    return work(this.env, "AuditSink", (made) => retireMonth(made, call, month, entries, seal));
  }

  retiredMonths(call: SignedCall): Promise<RetiredMonth[]> {
    return work(this.env, "AuditSink", (made) => retiredMonths(made, call));
  }
}

/** For capabilities. */
export class Credentials extends WorkerEntrypoint<DataEnv> implements CredentialsRpc {
  forTenant(call: SignedCall, reader?: TenantReader): Promise<TenantConnection> {
    return work(this.env, "Credentials", (made) => connectionForCall(made, call, reader));
  }
}

/** For studio. */
export class Provisioner extends WorkerEntrypoint<DataEnv> implements ProvisionerRpc {
  createTenant(call: SignedCall, org: OrgId): Promise<ProvisionedTenant> {
    return work(this.env, "Provisioner", (made) => provision(made, call, org));
  }

  dropTenant(call: SignedCall, org: OrgId): Promise<DroppedTenant> {
    return work(this.env, "Provisioner", (made) => dropTenant(made, call, org));
  }

  prepareMove(call: SignedCall, org: OrgId, target: string): Promise<PreparedMove> {
    return work(this.env, "Provisioner", (made) => prepareMove(made, call, org, target));
  }
}

/** For capabilities. */
export class DataKeys extends WorkerEntrypoint<DataEnv> implements DataKeysRpc {
  read(call: SignedCall, messages: number): Promise<DataKeySet> {
    return work(this.env, "DataKeys", (made) => readDataKeys(made, call, messages));
  }

  add(call: SignedCall, version: number, key: WrappedDataKey): Promise<boolean> {
    return work(this.env, "DataKeys", (made) => addDataKey(made, call, version, key));
  }

  report(call: SignedCall, outcome: KeeperOutcome): Promise<void> {
    return work(this.env, "DataKeys", (made) => reportKeeper(made, call, outcome));
  }

  changeKeeper(call: SignedCall, change: KeeperChange): Promise<boolean> {
    return work(this.env, "DataKeys", (made) => replaceKeeper(made, call, change));
  }

  describe(call: SignedCall): Promise<EncryptionState> {
    return work(this.env, "DataKeys", (made) => describeEncryption(made, call));
  }
}

/** For capabilities. */
export class BackupSource extends WorkerEntrypoint<DataEnv> implements BackupSourceRpc {
  schemaNumber(call: SignedCall): Promise<number> {
    return work(this.env, "BackupSource", (made) => schemaNumberOf(made, call));
  }

  readAudit(call: SignedCall, after: number): ReturnType<BackupSourceRpc["readAudit"]> {
    return work(this.env, "BackupSource", (made) => readAuditLines(made, call, after));
  }

  wrappedKey(call: SignedCall, backup: BackupId): ReturnType<BackupSourceRpc["wrappedKey"]> {
    return work(this.env, "BackupSource", (made) => wrappedKeyOf(made, call, backup));
  }
}

/** Nothing here speaks HTTP; the clock alone comes without a call. */
export default {
  fetch(): Response {
    return new Response(null, { status: 404 });
  },
  scheduled(_event, env): Promise<void> {
    return work(env, "scheduled", runScheduled);
  },
} satisfies ExportedHandler<DataEnv>;
