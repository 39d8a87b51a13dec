/** Which backups of an organisation are kept, and which are too old. Pure. */
import type { BackupId } from "../ids.ts";
import type { Plan } from "../tenancy/plan.ts";

/** The newest one of each of so many days, weeks and months (UTC; weeks begin on Monday, ISO 8601). */
export interface Retention {
  readonly days: number;
  readonly weeks: number;
  readonly months: number;
}

/** What strangers can make as many of as they like keeps a week; who pays is asked by auditors for a year. */
export const retentionOf: Readonly<Record<Plan, Retention>> = {
  free: { days: 7, weeks: 0, months: 0 },
  school: { days: 7, weeks: 4, months: 12 },
  district: { days: 14, weeks: 8, months: 12 },
};

/** Nothing younger than this is too old, however many there are of one day: one that was asked for before a risky step. */
export const keptMsMin = 2 * 24 * 3_600_000;

export interface KeptBackup {
  readonly id: BackupId;
  /** Of which moment it is, Unix milliseconds. */
  readonly atMs: number;
}

const dayMs = 24 * 3_600_000;
const dayOf = (atMs: number): number => Math.floor(atMs / dayMs);
/** 1970-01-01 was a Thursday. */
const weekOf = (atMs: number): number => Math.floor((dayOf(atMs) + 3) / 7);
function monthOf(atMs: number): number {
  const at = new Date(atMs);
  return at.getUTCFullYear() * 12 + at.getUTCMonth();
}

/**
 * Counts days, weeks and months that have a backup, and not those of the calendar: an organisation whose backups fail,
 * or that was suspended for a year, loses none by that.
 * @returns those to delete, oldest first; never the newest of all
 */
export function tooOld(backups: readonly KeptBackup[], retention: Retention, nowMs: number): BackupId[] {
  const newestFirst = backups.toSorted((a, b) => b.atMs - a.atMs || (a.id < b.id ? 1 : -1));
  const kept = new Set<BackupId>();
  const keepNewestOf = (most: number, periodOf: (atMs: number) => number): void => {
    const periods = new Set<number>();
    for (const { id, atMs } of newestFirst) {
      const period = periodOf(atMs);
      if (periods.has(period) || periods.size === most) continue;
      periods.add(period);
      kept.add(id);
    }
  };
  keepNewestOf(Math.max(1, retention.days), dayOf);
  keepNewestOf(retention.weeks, weekOf);
  keepNewestOf(retention.months, monthOf);
  return newestFirst
    .filter(({ id, atMs }) => !kept.has(id) && atMs < nowMs - keptMsMin)
    .map(({ id }) => id)
    .toReversed();
}
