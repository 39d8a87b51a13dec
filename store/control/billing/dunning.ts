/** Whom the clock has yet to tell of an invoice or of a debt. */

import { type Currency, parseCurrency } from "../../../core/billing/money.ts";
import type { BillingStanding, Told } from "../../../core/billing/standing.ts";
import { parseBillingStanding } from "../../../core/billing/standing.ts";
import type { InvoiceId } from "../../../core/ids.ts";
import { type Database, type Row, type Statement, sql } from "../../connect.ts";
import { idOf, instant, numberOf, textOf } from "../columns.ts";
import type { OrgScope } from "../org-scope.ts";
import { unfinishedScope } from "../scope-makers.ts";
import { known, owedSince } from "./subscription.ts";

/** Organisations, or invoices, that one run of the clock tells; the next run goes on behind them. */
const toldMax = 200;

const owners = (org: Statement): Statement => sql`(SELECT coalesce(json_agg(u.email ORDER BY u.id), '[]')
  FROM control.memberships m JOIN control.users u ON u.id = m.user_id
  WHERE m.org_id = ${org} AND m.role = 'owner' AND m.disabled_at IS NULL AND u.disabled_at IS NULL AND u.email IS NOT NULL)`;

export interface UnmailedInvoice {
  readonly scope: OrgScope;
  readonly id: InvoiceId;
  readonly slug: string;
  readonly number: string;
  readonly currency: Currency;
  readonly totalMinor: number;
  readonly dueAt: string;
  readonly owners: readonly string[];
}

/**
 * Invoices whose owners have yet to get them, and that are in no log yet. Of one that is to be deleted none is told:
 * its log may be gone already, and is not begun anew.
 */
export async function unmailedInvoices(database: Database): Promise<UnmailedInvoice[]> {
  const rows = await database.query(
    sql`SELECT o.id AS org_id, o.slug, i.id, i.number, i.currency, i.total_minor::double precision AS total_minor,
        control.rfc3339(i.due_at) AS due_at, ${owners(sql`o.id`)} AS owners
      FROM control.invoices i JOIN control.organisations o ON o.id = i.org_id
      WHERE i.mailed_at IS NULL AND o.status IN ('active', 'suspended') ORDER BY i.issued_at, i.id LIMIT ${toldMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    scope: unfinishedScope(idOf("org", row, "org_id")),
    id: idOf("invoice", row, "id"),
    slug: textOf(row, "slug"),
    number: textOf(row, "number"),
    currency: known(parseCurrency(row["currency"])),
    totalMinor: numberOf(row, "total_minor"),
    dueAt: textOf(row, "due_at"),
    owners: row["owners"] as readonly string[],
  }));
}

export async function markInvoiceMailed(database: Database, { org }: OrgScope, id: InvoiceId): Promise<void> {
  await database.query(
    sql`UPDATE control.invoices SET mailed_at = now() WHERE org_id = ${org} AND id = ${id} AND mailed_at IS NULL`,
  );
}

export interface Debtor {
  readonly scope: OrgScope;
  readonly slug: string;
  readonly owedSinceMs: number | null;
  readonly told: Told;
  readonly owners: readonly string[];
}

/** Organisations that owe something which was due by then, and those that were told so and owe nothing any more. */
export async function debtors(database: Database, nowMs: number): Promise<Debtor[]> {
  const rows = await database.query(
    sql`SELECT * FROM (
        SELECT o.id, o.slug, coalesce(s.told_standing, 'active') AS standing, s.reminded_day,
          (extract(epoch FROM s.reminded_for) * 1000)::double precision AS reminded_for_ms,
          (extract(epoch FROM ${owedSince(sql`o.id`)}) * 1000)::double precision AS owed_since_ms, ${owners(sql`o.id`)} AS owners
        FROM control.organisations o LEFT JOIN control.subscriptions s ON s.org_id = o.id
        WHERE o.status IN ('active', 'suspended') AND (s.told_standing <> 'active' OR s.provider_owed_since IS NOT NULL
          OR EXISTS (SELECT FROM control.invoices i WHERE i.org_id = o.id AND i.paid_at IS NULL))) d
      WHERE d.standing <> 'active' OR d.owed_since_ms <= ${nowMs}::double precision ORDER BY d.id`,
    { readOnly: true },
  );
  return rows.map(debtorOf);
}

function debtorOf(row: Row): Debtor {
  const msOrNull = (column: string): number | null => (row[column] === null ? null : numberOf(row, column));
  const standing: BillingStanding = known(parseBillingStanding(row["standing"]));
  const remindedForMs = msOrNull("reminded_for_ms");
  return {
    scope: unfinishedScope(idOf("org", row, "id")),
    slug: textOf(row, "slug"),
    owedSinceMs: msOrNull("owed_since_ms"),
    told: {
      standing,
      reminded: remindedForMs === null ? null : { owedSinceMs: remindedForMs, day: numberOf(row, "reminded_day") },
    },
    owners: row["owners"] as readonly string[],
  };
}

/** Notes what was told. */
export async function markDebtTold(database: Database, { org }: OrgScope, { standing, reminded }: Told): Promise<void> {
  const since = reminded === null ? null : instant(reminded.owedSinceMs);
  await database.query(
    sql`INSERT INTO control.subscriptions (org_id, told_standing, reminded_for, reminded_day)
      SELECT o.id, ${standing}, ${since}::timestamptz, ${reminded?.day ?? null}::integer
      FROM control.organisations o WHERE o.id = ${org}
      ON CONFLICT (org_id) DO UPDATE SET told_standing = excluded.told_standing, reminded_for = excluded.reminded_for,
        reminded_day = excluded.reminded_day`,
  );
}
