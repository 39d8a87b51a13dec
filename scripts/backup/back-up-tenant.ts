/** One organisation → the bytes of its backup. */
import { randomBytes } from "node:crypto";
import type pg from "pg";
import type { BackupHeader } from "../../core/backup/header.ts";
import { auditStream, hubStream, partitionStream } from "../../core/backup/streams.ts";
import { type Lines, writeBackup } from "../../core/backup/write.ts";
import type { BackupId, OrgId } from "../../core/ids.ts";
import { controlStreams } from "../../store/control/backup-rows.ts";
import type { Partition } from "../../store/tenant/backup-catalogue.ts";
import { openControlSnapshot, readControl } from "./control-rows.ts";
import { copyOut } from "./copy.ts";
import { type HubLink, openHub } from "./hub-link.ts";
import { newSha256 } from "./running-hash.ts";
import { openSnapshot } from "./snapshot.ts";

export interface TenantBackup {
  readonly header: BackupHeader;
  /** Bytes of the tables on disk, to tell progress by. */
  readonly bytesEstimated: number;
  readonly bytes: AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

export interface TenantBackupOptions {
  readonly org: OrgId;
  readonly backup: BackupId;
  readonly key: Uint8Array;
  /** Owner's connections, fresh and for this alone: of the placement, once for its tables and once for its audit log, and of the control plane. */
  readonly tenant: pg.ClientBase;
  readonly audit: pg.ClientBase;
  readonly control: pg.ClientBase;
  /** Null: the backup is made without the hub, and has no stream of it. */
  readonly hub: HubLink | null;
  readonly nowMs: number;
  /** Of which moment the placement is, when it is not the living one; RFC 3339. */
  readonly asOf?: string;
  readonly onProgress?: (bytes: number, stream: string) => void;
}

/**
 * Begins a backup. The tables are of one moment; what the audit log, the control plane and the hub hold is of a moment right
 * after it, so an event may be in the log whose change is not in the tables, and never the other way round.
 * @throws CatalogueRefused
 */
export async function backUpTenant(options: TenantBackupOptions): Promise<TenantBackup> {
  const { org, tenant, audit, control, onProgress } = options;
  const snapshot = await openSnapshot(tenant, org, options.nowMs);
  await openControlSnapshot(audit);
  await openControlSnapshot(control);
  const hub = options.hub === null ? null : await openHub(options.hub, org);
  const { catalogue } = snapshot;
  const header: BackupHeader = {
    kind: "tenant",
    backup: options.backup,
    org,
    schema: catalogue.schema,
    snapshot_at: options.asOf ?? snapshot.at,
    streams: [
      partitionStream,
      ...catalogue.tables,
      ...controlStreams.map(({ name, columns }) => ({ name, columns })),
      auditStream,
      ...(hub === null ? [] : [hubStream]),
    ],
    salt: randomBytes(32).toString("hex"),
  };
  const read = (stream: string): Lines => {
    if (stream === partitionStream.name) return partitionLines(catalogue.partitions);
    if (stream === auditStream.name) return readAudit(audit, org);
    if (stream === hubStream.name && hub !== null) return hub();
    return stream.startsWith("$control.") ? readControl(control, org, stream) : snapshot.readTable(stream);
  };
  const bytes = writeBackup({
    header,
    key: options.key,
    read,
    newHash: newSha256,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return { header, bytesEstimated: snapshot.bytesEstimated, bytes };
}

async function* partitionLines(partitions: readonly Partition[]): Lines {
  const lines = partitions.map(({ parent, name, from, to }) => `${parent}\t${name}\t${from}\t${to}\n`).join("");
  if (lines !== "") yield new TextEncoder().encode(lines);
}

async function* readAudit(client: pg.ClientBase, org: OrgId): Lines {
  const columns = auditStream.columns.join(", ");
  // An OrgId was parsed: it holds no quote. In order, so that whoever reads it can follow the log.
  yield* copyOut(client, `COPY (SELECT ${columns} FROM audit.events WHERE log = '${org}' ORDER BY seq) TO STDOUT`);
}
