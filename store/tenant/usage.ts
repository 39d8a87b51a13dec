import type { TenantMeasure } from "../../core/rpc/billing.ts";
import type { TenantUsage } from "../../core/rpc/capabilities.ts";
import { type Row, sql } from "../connect.ts";
import { idColumn, instantColumn, integerColumn, textColumn } from "./columns.ts";
import { storageBytes } from "./document-uploads.ts";
import { thisMonth } from "./llm-providers.ts";
import type { TenantDatabase } from "./tenant-database.ts";

const held = sql`(SELECT count(*)::double precision FROM devices) AS devices,
  (${storageBytes})::double precision AS storage_bytes,
  (SELECT coalesce(sum(m.committed), 0)::double precision FROM llm_months m WHERE m.month = ${thisMonth}) AS llm_micros`;

const usageOf = (row: Row): TenantUsage => ({
  devices: integerColumn(row, "devices"),
  storageBytes: integerColumn(row, "storage_bytes"),
  llmMicros: integerColumn(row, "llm_micros"),
});

/** What a tenant's schema holds. For whoever sees every device: row-level security counts with the others' eyes. */
export async function readUsage(database: TenantDatabase): Promise<TenantUsage> {
  const [rows] = await database.read(sql`SELECT ${held}`);
  return usageOf(rows?.[0] ?? {});
}

/** The same, and how old the keys of language models' providers are; for the clock, which sees everything. */
export async function readMeasure(database: TenantDatabase): Promise<TenantMeasure> {
  const [rows, keys = []] = await database.read(
    sql`SELECT ${held}`,
    sql`SELECT id, name, key_since, grace_days FROM llm_providers WHERE key_since IS NOT NULL ORDER BY id`,
  );
  const llmKeys = keys.map((row) => ({
    provider: idColumn("llmProvider", row, "id"),
    name: textColumn(row, "name"),
    since: instantColumn(row, "key_since"),
    graceDays: integerColumn(row, "grace_days"),
  }));
  return { ...usageOf(rows?.[0] ?? {}), llmKeys };
}
