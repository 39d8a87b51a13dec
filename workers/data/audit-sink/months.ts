/** Months of the audit table whose seven years are over: told, read and detached, for the platform's own clock. */

import { monthPattern } from "../../../core/audit/field.ts";
import { parseLogName } from "../../../core/audit/logs.ts";
import type { MonthEntry } from "../../../core/audit/month-archive.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import { type DueMonth, monthEntriesMax, type RetiredMonth } from "../../../core/rpc/data.ts";
import { createDatabase, type Database, sql } from "../../../store/connect.ts";
import { textOf } from "../../../store/control/columns.ts";
import type { DataUnit } from "../unit.ts";

/**
 * The oldest month of each placement whose years are over by its database's own clock.
 * @throws CallRefused, DatabaseError
 */
export async function dueMonths(unit: DataUnit, call: SignedCall): Promise<DueMonth[]> {
  await admit(unit, call);
  const due: DueMonth[] = [];
  for (const placement of unit.config.placements.keys()) {
    const [row] = await databaseOf(unit, placement).query(
      sql`SELECT to_char(m.month, 'YYYY-MM') AS month
          FROM (SELECT to_date(substring(c.relname FROM 8), 'YYYY_MM') AS month
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'audit.events'::regclass AND c.relname ~ '^events_[0-9]{4}_[0-9]{2}$') m
          WHERE (m.month + interval '1 month') AT TIME ZONE 'UTC' <= now() - interval '7 years'
          ORDER BY m.month LIMIT 1`,
      { readOnly: true },
    );
    if (row !== undefined) due.push({ placement, month: textOf(row, "month") });
  }
  return due;
}

/**
 * Entries of a month behind one of them, log by log.
 * @throws CallRefused, DatabaseError, RangeError
 */
export async function readMonth(
  unit: DataUnit,
  call: SignedCall,
  { placement, month }: DueMonth,
  after: Pick<MonthEntry, "log" | "seq"> | null,
): Promise<MonthEntry[]> {
  await admit(unit, call);
  const first = firstDay(month);
  const rows = await databaseOf(unit, placement).query(
    sql`SELECT e.log, e.seq::text AS seq, e.leaf_json FROM audit.events e
        WHERE e.occurred_at >= ${first}::timestamp AT TIME ZONE 'UTC'
          AND e.occurred_at < (${first}::timestamp + interval '1 month') AT TIME ZONE 'UTC'
          AND (e.log, e.seq) > (${after?.log ?? ""}, ${after?.seq ?? 0})
        ORDER BY e.log, e.seq LIMIT ${monthEntriesMax}`,
    { readOnly: true },
  );
  return rows.map((row) => {
    const log = parseLogName(row["log"]);
    if (log === null) throw new Error("the audit table holds a log that is none of ours");
    return { log, seq: Number(textOf(row, "seq")), leafJson: textOf(row, "leaf_json") };
  });
}

/**
 * Detaches a month of exactly so many entries; the database refuses one that is younger. Twice is as good as once.
 * @param seal SHA-256 of the sealed copy's manifest, hex
 * @throws CallRefused, DatabaseError, RangeError
 */
export async function retireMonth(
  unit: DataUnit,
  call: SignedCall,
  { placement, month }: DueMonth,
  entries: number,
  seal: string,
): Promise<void> {
  await admit(unit, call);
  await databaseOf(unit, placement).query(
    sql`SELECT audit.retire_month(${firstDay(month)}::date, ${entries}::bigint, ${seal}) AS done`,
  );
}

/**
 * Months that were detached of late, as each placement's own ledger has them: whoever ordered it may have died before
 * writing it down.
 * @throws CallRefused, DatabaseError
 */
export async function retiredMonths(unit: DataUnit, call: SignedCall): Promise<RetiredMonth[]> {
  await admit(unit, call);
  const retired: RetiredMonth[] = [];
  for (const placement of unit.config.placements.keys()) {
    const rows = await databaseOf(unit, placement).query(
      sql`SELECT to_char(month, 'YYYY-MM') AS month, entries::text AS entries, seal FROM audit.retired_months
          WHERE detached_at > now() - interval '30 days' ORDER BY month`,
      { readOnly: true },
    );
    for (const row of rows)
      retired.push({
        ...{ placement, month: textOf(row, "month") },
        ...{ entries: Number(textOf(row, "entries")), seal: textOf(row, "seal") },
      });
  }
  return retired;
}

/** @throws RangeError for what is no month */
function firstDay(month: string): string {
  if (typeof month !== "string" || !monthPattern.test(month)) throw new RangeError("not a month");
  return `${month}-01`;
}

/** @throws RangeError for a placement that is not configured here */
function databaseOf(unit: DataUnit, name: string): Database {
  const placement = unit.config.placements.get(name);
  if (placement === undefined) throw new RangeError("not a placement");
  return createDatabase({ url: placement.auditWriterUrl, gateway: unit.config.gateway });
}

/** The platform's own clock, and no organisation's log. @throws CallRefused */
async function admit(unit: DataUnit, call: SignedCall): Promise<void> {
  const expect = { audience: "data.audit-sink", org: null, jobs: ["audit_drain"] } as const;
  await verifyCall(call, expect, unit.keys, unit.now());
}
