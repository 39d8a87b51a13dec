import type { TenantUsage } from "../../core/rpc/capabilities.ts";
import { sql } from "../connect.ts";
import { integerColumn } from "./columns.ts";
import { storageBytes } from "./document-uploads.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** What a tenant's schema holds. For whoever sees every device: row-level security counts with the others' eyes. */
export async function readUsage(database: TenantDatabase): Promise<TenantUsage> {
  const [rows] = await database.read(sql`
    SELECT (SELECT count(*)::double precision FROM devices) AS devices,
      (${storageBytes})::double precision AS storage_bytes`);
  const row = rows?.[0] ?? {};
  return { devices: integerColumn(row, "devices"), storageBytes: integerColumn(row, "storage_bytes") };
}
