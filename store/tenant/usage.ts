import type { TenantUsage } from "../../core/rpc/capabilities.ts";
import { sql } from "../connect.ts";
import { integerColumn } from "./columns.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** What a tenant's schema holds. For whoever sees every device: row-level security counts with the others' eyes. */
export async function readUsage(database: TenantDatabase): Promise<TenantUsage> {
  const [rows] = await database.read(sql`
    SELECT (SELECT count(*)::double precision FROM devices) AS devices,
      (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::double precision FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'm')) AS storage_bytes`);
  const row = rows?.[0] ?? {};
  return { devices: integerColumn(row, "devices"), storageBytes: integerColumn(row, "storage_bytes") };
}
