import type { AuditOutcome } from "../../../../../../core/audit/facets.ts";
import type { Activity } from "../../../api/audit-activity.ts";

export type Tally = Readonly<Record<AuditOutcome, number>>;

/** One hour or day of a chart. */
export interface ActivityColumn {
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly tally: Tally;
}
export interface ActivityOfType {
  readonly type: string;
  readonly tally: Tally;
}

export interface ActivityView {
  /** Every hour or day, also those in which nothing happened. */
  readonly columns: readonly ActivityColumn[];
  /** The most frequent first. */
  readonly types: readonly ActivityOfType[];
  readonly total: Tally;
  /** Of the highest column. */
  readonly highest: number;
}

const none: Tally = { success: 0, failure: 0, denied: 0 };
export const sumOf = ({ success, failure, denied }: Tally): number => success + failure + denied;

export function viewOf({ from, step, steps, counts }: Activity): ActivityView {
  const fromMs = Date.parse(from);
  const byColumn = Array.from({ length: steps }, () => ({ ...none }));
  const byType = new Map<string, { [outcome in AuditOutcome]: number }>();
  const total = { ...none } as { [outcome in AuditOutcome]: number };
  for (const { at, type, outcome, count } of counts) {
    const column = byColumn[Math.floor((Date.parse(at) - fromMs) / (step * 1000))] as typeof total | undefined;
    if (column === undefined) continue;
    const ofType = byType.get(type) ?? { ...none };
    byType.set(type, ofType);
    for (const tally of [column, ofType, total]) tally[outcome] += count;
  }
  const columns = byColumn.map((tally, index) => ({ atMs: fromMs + index * step * 1000, tally }));
  const types = [...byType].map(([type, tally]) => ({ type, tally }));
  types.sort((one, other) => sumOf(other.tally) - sumOf(one.tally) || one.type.localeCompare(other.type));
  return { columns, types, total, highest: Math.max(0, ...columns.map(({ tally }) => sumOf(tally))) };
}
