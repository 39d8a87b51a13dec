/** What a backup and a restore of one tenant take: Postgres, gzip, AES and the disk, without a network. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rowScopeKey, signRowScope } from "../../../core/crypto/tenant-keys.ts";
import { copyOut } from "../../../scripts/backup/copy.ts";
import { openKeeper } from "../../../scripts/backup/custody.ts";
import { backUpToFile, restoreFromFile, verifyFile, type World } from "../../../scripts/backup/run.ts";
import { openSnapshot } from "../../../scripts/backup/snapshot.ts";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { asOwner } from "../../../scripts/migrate/owner.ts";
import { createDatabase, sql } from "../../../store/connect.ts";
import { type LivedInTenant, makeTenant, moveIn } from "../../support/lived-in-tenant.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import type { Row } from "../report.ts";
import { timePlatformBackup } from "./platform-backup.ts";

/** Some 40 MiB of rows: seconds of work, and more than any buffer on the way. */
const samplesCount = 250_000;
const batchSamples = 2_500;

export async function benchBackup(world: PlacementDatabases): Promise<Row[]> {
  const tenant = await makeTenant(world.config);
  await moveIn(world.config, tenant);
  await fill(world, tenant);
  const folder = mkdtempSync(join(tmpdir(), "sentinel-bench-backup-"));
  try {
    const keeper = await openKeeper(randomBytes(32).toString("base64url"));
    const operator: World = { placements: world.urls, keeper, hub: null, platform: null };
    const url = world.urls.find(({ name }) => name === tenant.placement)?.url ?? "";
    const bare = await timed(() => readBare(url, tenant));
    const backup = await timed(() => backUpToFile(operator, tenant.org, folder));
    const { path } = backup.result;
    const verified = await timed(() => verifyFile(operator, path));
    const platform = await timePlatformBackup(world, tenant, keeper);
    const restored = await timed(() => restoreFromFile(operator, path, tenant.org, readMigrations("tenant")));
    const { bytes, rows } = verified.result;
    const speed = (seconds: number): string => `${(bytes / 1024 / 1024 / seconds).toFixed(1)} MiB/s`;
    const share = ((statSync(path).size * 100) / bytes).toFixed(0);
    // Making a backup reads it again, and restoring reads it first, so each has a verification in it.
    return [
      {
        what: `backup, ${rows} rows, file is ${share} % of them`,
        value: speed(backup.seconds - verified.seconds),
        beside: `COPY alone ${speed(bare.seconds)}`,
      },
      { what: "… and reading it again", value: speed(backup.seconds), beside: "–" },
      {
        what: "the platform's way (pages over the driver, into R2), read again",
        value: speed(platform.seconds),
        beside: `${((platform.cpuSeconds * 1000) / (bytes / 1024 / 1024)).toFixed(0)} ms of CPU a MiB`,
      },
      { what: "verify", value: speed(verified.seconds), beside: "–" },
      { what: "restore, in one transaction", value: speed(restored.seconds - verified.seconds), beside: "–" },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const startedAt = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - startedAt) / 1000 };
}

/** The same rows out of Postgres, thrown away: what no backup can be faster than. */
function readBare(url: string, { org, name }: LivedInTenant): Promise<void> {
  return asOwner(url, async (client) => {
    const { catalogue } = await openSnapshot(client, org, Date.now());
    for (const table of catalogue.tables) {
      const text = `COPY (SELECT ${table.columns.join(", ")} FROM ${name}.${table.name}) TO STDOUT`;
      for await (const _ of copyOut(client, text));
    }
  });
}

async function fill(world: PlacementDatabases, { org, url }: LivedInTenant): Promise<void> {
  const database = createDatabase({ url, gateway: world.config.gateway });
  const key = await rowScopeKey(world.config.root, org);
  const scope = async (): Promise<string> =>
    await signRowScope(key, { user: null, role: "system", expiresAtMs: Date.now() + 60_000 });
  const read = sql`SELECT id FROM devices`;
  const [, devices] = await database.transaction([
    sql`SELECT set_config('sentinel.scope', ${await scope()}, true)`,
    read,
  ]);
  const ids = (devices ?? []).map((row) => String(row["id"]));
  const nowMs = Date.now();
  for (let first = 0; first < samplesCount; first += batchSamples) {
    const samples = Array.from({ length: batchSamples }, (_, index) => ({
      device: ids[index % ids.length],
      sample: (first + index).toString(36).padStart(12, "0"),
      at_ms: nowMs - (first + index) * 1000,
      received_ms: nowMs,
      metrics: { cpu_percent: Math.round(Math.random() * 1000) / 10, memory_used_bytes: 1e9 + index * 4096 },
    }));
    await database.transaction([
      sql`SELECT set_config('sentinel.scope', ${await scope()}, true)`,
      sql`SELECT * FROM telemetry_store(${JSON.stringify(samples)}::json)`,
    ]);
  }
}
