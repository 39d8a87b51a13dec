/** Invoices: issued once a month and organisation, numbered without a gap, never changed; paid once. */
import type { InvoiceAmounts, InvoiceLine, PlanPeriod } from "../../../core/billing/invoice.ts";
import { type Currency, parseCurrency } from "../../../core/billing/money.ts";
import type { Buyer, Seller } from "../../../core/billing/parties.ts";
import { parsePaymentProviderName } from "../../../core/billing/provider.ts";
import type { InvoiceId, OrgId } from "../../../core/ids.ts";
import { type Database, DatabaseError, type Row, type Statement, sql } from "../../connect.ts";
import { idOf, instant, numberOf, textOf, textOrNull } from "../columns.ts";
import type { OrgScope, PlatformScope } from "../org-scope.ts";
import { planOf } from "../org-state.ts";
import { receiptIfChanged, type WriteRequest } from "../receipts.ts";
import { organisationOfOperator, unfinishedScope } from "../scope-makers.ts";
import { isHere } from "./is-here.ts";
import { known } from "./subscription.ts";

/** Months that a run goes back to: a clock that was away, or a seller that nobody configured. */
const monthsBack = 12;
/** Organisations that one run takes up; the next run goes on behind them. */
const dueMax = 200;

/** What is to be invoiced, or found to cost nothing. */
export interface DueInvoice {
  readonly scope: OrgScope;
  /** `2026-10` */
  readonly month: string;
  readonly name: string;
  readonly currency: Currency;
  readonly buyer: Buyer | null;
  /** In order of time, the one in force when the month began included. */
  readonly periods: readonly PlanPeriod[];
}

/**
 * Months that are over, cost something and have no invoice yet; the oldest first. One that is to be deleted is left alone:
 * should that be taken back, its months are due again.
 */
export async function dueInvoices(database: Database, nowMs: number): Promise<DueInvoice[]> {
  const rows = await database.query(
    sql`WITH months AS (
        SELECT m::timestamp AS first, (m + interval '1 month')::timestamp AS next
        FROM generate_series(date_trunc('month', ${instant(nowMs)}::timestamptz AT TIME ZONE 'UTC') - ${`${monthsBack} months`}::interval,
          date_trunc('month', ${instant(nowMs)}::timestamptz AT TIME ZONE 'UTC') - interval '1 month', interval '1 month') m),
      spans AS (
        SELECT p.*, lead(p.from_at) OVER (PARTITION BY p.org_id ORDER BY p.from_at) AS until FROM control.plan_periods p)
      SELECT o.id, o.name, to_char(m.first, 'YYYY-MM') AS month, coalesce(s.currency, 'INR') AS currency,
        s.buyer::text AS buyer,
        (SELECT json_agg(json_build_object('at', extract(epoch FROM x.from_at) * 1000, 'plan', x.plan, 'provider', x.provider)
            ORDER BY x.from_at)::text
          FROM spans x WHERE x.org_id = o.id AND x.from_at < m.next AT TIME ZONE 'UTC') AS periods
      FROM control.organisations o CROSS JOIN months m LEFT JOIN control.subscriptions s ON s.org_id = o.id
      WHERE o.status IN ('active', 'suspended')
        AND EXISTS (SELECT FROM spans x WHERE x.org_id = o.id AND x.plan <> 'free' AND x.provider = 'invoice'
          AND x.from_at < m.next AT TIME ZONE 'UTC'
          AND (x.until IS NULL OR x.until > m.first AT TIME ZONE 'UTC'))
        AND NOT EXISTS (SELECT FROM control.invoices i WHERE i.org_id = o.id AND i.period = m.first::date)
      ORDER BY m.first, o.id LIMIT ${dueMax}`,
    { readOnly: true },
  );
  return rows.map(dueOf);
}

function dueOf(row: Row): DueInvoice {
  const buyer = textOrNull(row, "buyer");
  const periods = JSON.parse(textOf(row, "periods")) as readonly Row[];
  return {
    scope: unfinishedScope(idOf("org", row, "id")),
    month: textOf(row, "month"),
    name: textOf(row, "name"),
    currency: known(parseCurrency(row["currency"])),
    buyer: buyer === null ? null : (JSON.parse(buyer) as Buyer),
    periods: periods.map((period) => ({
      fromMs: numberOf(period, "at"),
      plan: planOf(period, "plan"),
      provider: known(parsePaymentProviderName(period["provider"])),
    })),
  };
}

export interface NewInvoice {
  readonly id: InvoiceId;
  readonly month: string;
  /** Of its number: `2627`. */
  readonly year: string;
  readonly issuedAtMs: number;
  readonly dueAtMs: number;
  readonly currency: Currency;
  readonly seller: Seller;
  readonly buyer: Buyer;
  readonly amounts: InvoiceAmounts;
}

/**
 * Issues an invoice. COMMIT POINT: it has its number and can't be taken back.
 * @returns false when that month has one, by whoever ran at the same time: then no number was taken
 */
export async function issueInvoice(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  { id, month, year, issuedAtMs, dueAtMs, currency, seller, buyer, amounts }: NewInvoice,
): Promise<boolean> {
  const { lines, netMinor, cgstMinor, sgstMinor, igstMinor, totalMinor } = amounts;
  try {
    await database.query(
      sql`WITH numbered AS (
          INSERT INTO control.invoice_series AS n (year, last) VALUES (${year}, 1)
          ON CONFLICT (year) DO UPDATE SET last = n.last + 1 RETURNING n.last),
        changed AS (
          INSERT INTO control.invoices (id, org_id, number, period, issued_at, due_at, currency, seller, buyer, lines,
            net_minor, cgst_minor, sgst_minor, igst_minor, total_minor)
          SELECT ${id}, ${scope.org}, 'S' || ${year}::text || '/' || lpad(numbered.last::text, 6, '0'),
            ${`${month}-01`}::text::date, ${instant(issuedAtMs)}::timestamptz, ${instant(dueAtMs)}::timestamptz, ${currency},
            ${JSON.stringify(seller)}::text::jsonb, ${JSON.stringify(buyer)}::text::jsonb,
            ${JSON.stringify(lines)}::text::jsonb, ${netMinor}::bigint, ${cgstMinor}::bigint, ${sgstMinor}::bigint,
            ${igstMinor}::bigint, ${totalMinor}::bigint
          FROM numbered RETURNING id),
        receipt AS (${receiptIfChanged(write, scope)})
        SELECT id FROM changed`,
    );
    return true;
  } catch (error) {
    // Not ON CONFLICT: that would keep the number that was taken, and leave a gap.
    if (error instanceof DatabaseError && error.constraint === "invoices_org_id_period_key") return false;
    throw error;
  }
}

export interface Invoice {
  readonly id: InvoiceId;
  readonly number: string;
  readonly month: string;
  readonly issuedAt: string;
  readonly dueAt: string;
  readonly currency: Currency;
  readonly seller: Seller;
  readonly buyer: Buyer;
  readonly lines: readonly InvoiceLine[];
  readonly netMinor: number;
  readonly cgstMinor: number;
  readonly sgstMinor: number;
  readonly igstMinor: number;
  readonly totalMinor: number;
  readonly paidAt: string | null;
}

const columns = sql`i.id, i.org_id, i.number, to_char(i.period, 'YYYY-MM') AS month, control.rfc3339(i.issued_at) AS issued_at,
  control.rfc3339(i.due_at) AS due_at, i.currency, i.seller::text AS seller, i.buyer::text AS buyer, i.lines::text AS lines,
  i.net_minor::double precision AS net_minor, i.cgst_minor::double precision AS cgst_minor,
  i.sgst_minor::double precision AS sgst_minor, i.igst_minor::double precision AS igst_minor,
  i.total_minor::double precision AS total_minor, control.rfc3339(i.paid_at) AS paid_at`;

export function invoiceOf(row: Row): Invoice {
  return {
    id: idOf("invoice", row, "id"),
    number: textOf(row, "number"),
    month: textOf(row, "month"),
    issuedAt: textOf(row, "issued_at"),
    dueAt: textOf(row, "due_at"),
    currency: known(parseCurrency(row["currency"])),
    seller: JSON.parse(textOf(row, "seller")) as Seller,
    buyer: JSON.parse(textOf(row, "buyer")) as Buyer,
    lines: JSON.parse(textOf(row, "lines")) as readonly InvoiceLine[],
    netMinor: numberOf(row, "net_minor"),
    cgstMinor: numberOf(row, "cgst_minor"),
    sgstMinor: numberOf(row, "sgst_minor"),
    igstMinor: numberOf(row, "igst_minor"),
    totalMinor: numberOf(row, "total_minor"),
    paidAt: textOrNull(row, "paid_at"),
  };
}

/** Ten years of months: all that there are. */
const invoicesMax = 120;

/** The newest first, as rows for {@link invoiceOf}. */
export function invoicesStatement({ org }: OrgScope): Statement {
  return sql`SELECT ${columns} FROM control.invoices i WHERE i.org_id = ${org} ORDER BY i.period DESC LIMIT ${invoicesMax}`;
}

/**
 * Notes that an invoice was paid, by the operator's word.
 * @returns null when there is none of that number; not changed when it was paid before, whatever the reference;
 *   `log` null when the organisation's own log is gone with it: an invoice outlives both
 */
export async function markPaid(
  database: Database,
  write: WriteRequest,
  by: PlatformScope,
  id: InvoiceId,
  reference: string,
): Promise<{
  readonly scope: OrgScope;
  readonly log: OrgId | null;
  readonly changed: boolean;
  readonly invoice: Invoice;
} | null> {
  const [, [row] = []] = await database.transaction([
    sql`WITH changed AS (
        UPDATE control.invoices SET paid_at = ${instant(write.nowMs)}::timestamptz, paid_reference = ${reference}
        WHERE id = ${id} AND paid_at IS NULL RETURNING id)
      ${receiptIfChanged(write, null)}`,
    sql`SELECT ${columns}, EXISTS (SELECT FROM control.operation_receipts r WHERE r.request_id = ${write.requestId}) AS changed,
        ${isHere(sql`i.org_id`)} AS is_here
      FROM control.invoices i WHERE i.id = ${id}`,
  ]);
  if (row === undefined) return null;
  const org: OrgId = idOf("org", row, "org_id");
  const log = row["is_here"] === true ? org : null;
  return { scope: organisationOfOperator(by, org), log, changed: row["changed"] === true, invoice: invoiceOf(row) };
}

/** Unpaid invoices of all organisations, the oldest due date first. */
export async function listUnpaid(
  database: Database,
  _by: PlatformScope,
): Promise<readonly (Invoice & { readonly org: OrgId })[]> {
  const rows = await database.query(
    sql`SELECT ${columns} FROM control.invoices i WHERE i.paid_at IS NULL ORDER BY i.due_at, i.id LIMIT ${dueMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({ ...invoiceOf(row), org: idOf("org", row, "org_id") }));
}
