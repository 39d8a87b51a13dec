import type { TenantMeasure } from "../../core/rpc/billing.ts";
import type { TenantUsage } from "../../core/rpc/capabilities.ts";
import { type Row, sql } from "../connect.ts";
import { integerColumn } from "./columns.ts";
import { storageBytes } from "./document-uploads.ts";
import { thisMonth } from "./llm-providers.ts";
import type { TenantDatabase } from "./tenant-database.ts";

const held = sql`(SELECT count(*)::double precision FROM devices) AS devices,
  (${storageBytes})::double precision AS storage_bytes`;

const usageOf = (row: Row): TenantUsage => ({
  devices: integerColumn(row, "devices"),
  storageBytes: integerColumn(row, "storage_bytes"),
});

/** What a tenant's schema holds. For whoever sees every device: row-level security counts with the others' eyes. */
export async function readUsage(database: TenantDatabase): Promise<TenantUsage> {
  const [rows] = await database.read(sql`SELECT ${held}`);
  return usageOf(rows?.[0] ?? {});
}

/** The same, and what language models have cost this month; for the clock, which sees everything. */
export async function readMeasure(database: TenantDatabase): Promise<TenantMeasure> {
  const [rows] = await database.read(sql`
    SELECT ${held},
      (SELECT coalesce(sum(m.committed), 0)::double precision FROM llm_months m WHERE m.month = ${thisMonth})
        AS llm_micros`);
  const row = rows?.[0] ?? {};
  return { ...usageOf(row), llmMicros: integerColumn(row, "llm_micros") };
}
