import { createDatabase, sql } from "../../../store/connect.ts";
import { numberOf, textOf } from "../../../store/control/columns.ts";
import type { DataConfig } from "../config.ts";

export interface OpenedMonths {
  /** Partitions that were made. */
  readonly opened: number;
  /** Entries that had come before their month was open, and are in it now. */
  readonly moved: number;
}

/**
 * Opens the audit table's months ahead of time on every placement; mostly there is nothing to do. What may be opened
 * is decided by the database (migrations/placement/0003_audit_months.sql). One placement that fails holds up no other.
 */
export async function openMonths({
  placements,
  gateway,
}: DataConfig): Promise<OpenedMonths & { readonly failed: readonly unknown[] }> {
  const failed: unknown[] = [];
  let [opened, moved] = [0, 0];
  for (const { auditWriterUrl } of placements.values()) {
    try {
      const [row] = await createDatabase({ url: auditWriterUrl, gateway }).query(
        sql`SELECT opened, moved::text AS moved FROM audit.open_months()`,
      );
      if (row === undefined) throw new Error("a query of one row gave none");
      opened += numberOf(row, "opened");
      moved += Number(textOf(row, "moved"));
    } catch (error) {
      failed.push(error);
    }
  }
  return { opened, moved, failed };
}
