/** Where rows come from. */

import type { ExportSpec } from "../../../../core/exports/job.ts";
import type { Row } from "../../../../core/exports/lines.ts";
import type { StepOrder } from "../../../../core/rpc/exports.ts";
import type { TenantDatabase } from "../../../../store/tenant/tenant-database.ts";

/** What a step reads of. */
export interface SourceStep extends Pick<StepOrder, "spec" | "asOfMs" | "cursor" | "readAudit"> {
  /** As whoever asked for it sees it. */
  readonly database: TenantDatabase;
}

export interface SourcePage {
  readonly rows: readonly Row[];
  /** Where the next page begins, of this source's own making; null: there is none. */
  readonly cursor: string | null;
}

export interface Source {
  readonly columns: readonly string[];
  page(step: SourceStep): Promise<SourcePage>;
  /** Rows that the actor sees now. */
  count(database: TenantDatabase, spec: ExportSpec, asOfMs: number): Promise<number>;
}

/** A page that is not full is the last. */
export const cursorAfter = <T>(found: readonly T[], limit: number, place: (last: T) => string): string | null => {
  const last = found.at(-1);
  return last === undefined || found.length < limit ? null : place(last);
};
