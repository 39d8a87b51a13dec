/** Backups as the platform makes them: capabilities and `data` over real Postgres and a real R2 of workerd's. */
import { randomBytes } from "node:crypto";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { type BackupId, makeId, type OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { BackupOrder, BackupsRpc, MadeBackup } from "../../../core/rpc/backups.ts";
import type { HubBackupRpc } from "../../../core/rpc/hub-backup.ts";
import { readControlLines } from "../../../store/control/backup-rows.ts";
import { type BackupsDependencies, createBackups } from "../../../workers/capabilities/backups/backups.ts";
import { type BackupBucket, objectName } from "../../../workers/capabilities/backups/bucket.ts";
import type { TenantKeys } from "../../../workers/capabilities/keys/tenant-keys.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import { readAuditLines, schemaNumberOf, wrappedKeyOf } from "../../../workers/data/backup-source/backup-source.ts";
import type { DataEnv } from "../../../workers/data/config.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import { createUnit, type DataUnit } from "../../../workers/data/unit.ts";
import { scopeOf } from "../../support/scopes.ts";
import { createTestMesh, newId, type TestMesh } from "../../unit/capabilities/mesh.ts";
import { type TestKeysOptions, testTenantKeys } from "../capabilities/data-keys.ts";
import { asSuperuser, controlDatabase, dataVariables, gateway } from "../support.ts";
import { newBackupId } from "./kit.ts";

/** What a hub copied: pages that end inside of a line, and of a character. */
export const hubPages = ((): Uint8Array<ArrayBuffer>[] => {
  const text = `["session",{"id":"é\\\\n\\"","at":1}]\n["retained",{"topic":"x","payload":{"base64":"AAEC"}}]\n`;
  const bytes = Uint8Array.from(Buffer.from(text));
  const cut = bytes.indexOf(0xc3) + 1;
  return [bytes.slice(0, cut), bytes.slice(cut)];
})();

export interface PlatformKit {
  readonly mesh: TestMesh;
  readonly unit: DataUnit;
  readonly bucket: BackupBucket;
  /** One isolate of capabilities. */
  backups(options?: TestKeysOptions & Partial<BackupsDependencies>): BackupsRpc;
  keys(options?: TestKeysOptions): TenantKeys;
  call(org: OrgId): Promise<SignedCall>;
  /** The object's bytes. */
  file(org: OrgId, backup: BackupId): Promise<Buffer | null>;
  /** Names of all objects of an organisation. */
  objects(org: string): Promise<string[]>;
  stop(): Promise<void>;
}

export async function createPlatformKit(): Promise<PlatformKit> {
  const mesh = await createTestMesh();
  const caller = mesh.callerOf("capabilities");
  const studio = mesh.callerOf("studio");
  const keySets: Readonly<Record<string, unknown>> = { roots: mesh.rootKeys, access: mesh.accessKeys };
  const namespace = { get: async (name: string) => JSON.stringify({ keys: keySets[name] }) };
  const unit = await createUnit(
    { ...dataVariables, MESH_ROOTS: namespace as unknown as DataEnv["MESH_ROOTS"] },
    Date.now,
  );
  const credentials = { forTenant: (call: SignedCall) => connectionForCall(unit, call) };
  const common = { modules: true, compatibilityDate: "2026-10-20", script: "export default {}" };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ workers: [{ ...common, name: "bucket", r2Buckets: ["BACKUPS"] }] }),
  );
  const bucket = (await miniflare.getR2Bucket("BACKUPS")) as unknown as BackupBucket;
  const keys = (options?: TestKeysOptions): TenantKeys => testTenantKeys(Promise.resolve(unit), caller, options);
  const hub = {
    beginExport: async (call: SignedCall, org: OrgId) => {
      await verifyCall(
        call,
        { audience: "durable-objects.hub-backup", org, jobs: ["tend_backups"] },
        mesh.keys,
        Date.now(),
      );
      return { export: "one", objects: [{ object: org, pages: hubPages.length }] };
    },
    readExport: async (_call: SignedCall, _org: OrgId, { page }: { page: number }) => hubPages[page] ?? null,
    endExport: async () => undefined,
  } as unknown as HubBackupRpc;
  return {
    mesh,
    unit,
    bucket,
    keys,
    backups: (options = {}) =>
      createBackups({
        keys: mesh.keys,
        caller,
        connections: createTenantConnections({ credentials, caller, now: Date.now }),
        tenantKeys: keys(options).of,
        hub,
        source: {
          schemaNumber: (call) => schemaNumberOf(unit, call),
          readAudit: (call, after) => readAuditLines(unit, call, after),
          wrappedKey: (call, backup) => wrappedKeyOf(unit, call, backup),
        },
        bucket,
        gateway,
        now: Date.now,
        randomBytes: (length) => Uint8Array.from(randomBytes(length)),
        ...options,
      }),
    call: (org) => studio.asJob("capabilities.backups", "tend_backups", org, newId("request")),
    async file(org, backup) {
      const object = await bucket.get(objectName(org, backup));
      return object === null ? null : Buffer.from(await object.arrayBuffer());
    },
    objects: async (org) => (await bucket.list({ prefix: org })).objects.map((object: { key: string }) => object.key),
    stop: () => miniflare.dispose(),
  };
}

/** What studio gives along, here for one organisation and with nobody who stops it. */
export function orderOf(org: OrgId, backup: BackupId = newBackupId()): BackupOrder {
  return {
    backup,
    controlLines: () => readControlLines(controlDatabase, scopeOf(org)),
    onProgress: async () => true,
  };
}

/** As studio puts it on record. */
export async function recordMade(org: OrgId, backup: BackupId, made: MadeBackup): Promise<void> {
  await asSuperuser(
    `INSERT INTO control.backups (id, org_id, wrapped_key, tenant_schema, snapshot_at, bytes, rows, sha256, made_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'platform')`,
    [backup, org, made.wrappedKey, made.schema, made.snapshotAt, made.bytes, made.rows, made.sha256],
  );
}

export const newUser = (): string => makeId("user", Date.now(), randomBytes(10));
