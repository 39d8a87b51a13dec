/** The platform's way to a backup: a Worker's own code, its pages over the driver's WebSocket, into workerd's R2. On Node. */
import { randomBytes } from "node:crypto";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { KeyWrapper } from "../../../core/crypto/key-wrapper.ts";
import { rowScopeKey, signRowScope } from "../../../core/crypto/tenant-keys.ts";
import { makeId } from "../../../core/ids.ts";
import type { VerifiedCall } from "../../../core/mesh/claims.ts";
import { createDatabase } from "../../../store/connect.ts";
import { controlStreams } from "../../../store/control/backup-rows.ts";
import { readSchemaNumber } from "../../../store/tenant/backup-catalogue.ts";
import { openBackupSnapshot } from "../../../store/tenant/backup-snapshot.ts";
import { tenantScope } from "../../../store/tenant/tenant-scope.ts";
import type { BackupBucket } from "../../../workers/capabilities/backups/bucket.ts";
import { makeBackup, runLimits } from "../../../workers/capabilities/backups/make.ts";
import type { LivedInTenant } from "../../support/lived-in-tenant.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";

/** @returns seconds of a run, its reading again included, and of this process's CPU */
export async function timePlatformBackup(
  world: PlacementDatabases,
  tenant: LivedInTenant,
  keeper: KeyWrapper,
): Promise<{ seconds: number; cpuSeconds: number; rows: number }> {
  const { org, name, url } = tenant;
  const { config } = world;
  const { gateway } = config;
  const common = { modules: true, compatibilityDate: "2026-10-20", script: "export default {}" };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ workers: [{ ...common, name: "bucket", r2Buckets: ["BACKUPS"] }] }),
  );
  try {
    const bucket = (await miniflare.getR2Bucket("BACKUPS")) as unknown as BackupBucket;
    const key = await rowScopeKey(config.root, org);
    const rid = makeId("request", Date.now(), randomBytes(10));
    const scope = tenantScope({ kind: "job", job: "tend_backups", org, rid } as unknown as VerifiedCall);
    const provisioner = config.placements.get(tenant.placement)?.provisionerUrl ?? "";
    if (scope === null) throw new Error("a call of an organisation has a scope");
    const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];
    const made = await makeBackup({
      org,
      order: {
        backup: makeId("backup", Date.now(), randomBytes(10)),
        controlLines: async () => Object.fromEntries(controlStreams.map((stream) => [stream.name, ""])),
        onProgress: async () => true,
      },
      limits: runLimits,
      bucket,
      wrapper: keeper,
      openSnapshot: () =>
        openBackupSnapshot({
          scope,
          gateway,
          connect: async () => {
            const expiresAtMs = Date.now() + 300_000;
            const rowScope = await signRowScope(key, { user: null, role: "system", expiresAtMs });
            return { org, databaseUrl: url, fallbackDatabaseUrl: null, rowScope, expiresAtMs };
          },
          readSchemaNumber: () =>
            readSchemaNumber((statement) => createDatabase({ url: provisioner, gateway }).query(statement), name),
          now: Date.now,
          timeoutMs: runLimits.runMs,
        }),
      hub: {
        begin: async () => ({ export: "", objects: [] }),
        read: async () => new Uint8Array(),
        end: async () => {},
      },
      readAudit: async () => ({ lines: "", last: null }),
      now: Date.now,
      randomBytes: (length) => Uint8Array.from(randomBytes(length)),
    });
    const cpu = process.cpuUsage(cpuBefore);
    return {
      seconds: (performance.now() - startedAt) / 1000,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      rows: made.rows,
    };
  } finally {
    await miniflare.dispose();
  }
}
