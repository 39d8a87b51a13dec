/** Who pays for an organisation and how, and what it owes. The plan itself is a column of its own row (quotas.ts). */
import { type Currency, parseCurrency } from "../../../core/billing/money.ts";
import type { Buyer } from "../../../core/billing/parties.ts";
import { type PaymentProviderName, parsePaymentProviderName } from "../../../core/billing/provider.ts";
import { type Plan, parsePlan } from "../../../core/tenancy/plan.ts";
import { type Database, type Row, type Statement, sql } from "../../connect.ts";
import { numberOf, textOf, textOrNull } from "../columns.ts";
import type { OrgScope } from "../org-scope.ts";
import { planOf } from "../org-state.ts";
import { applyChange, type WriteRequest } from "../receipts.ts";

/** When the oldest thing that is unpaid was due, of an invoice or at the provider; null: nothing is owed. */
export function owedSince(org: Statement): Statement {
  return sql`least(
    (SELECT min(i.due_at) FROM control.invoices i WHERE i.org_id = ${org} AND i.paid_at IS NULL),
    (SELECT s.provider_owed_since FROM control.subscriptions s WHERE s.org_id = ${org}))`;
}

/**
 * A condition: nothing may be added to the organisation. Only once its owners were told so, and from the moment on which
 * what they were told of is paid no more: an invoice that is not due yet, or only just, keeps nobody out.
 */
export function isRestricted(org: Statement): Statement {
  return sql`EXISTS (SELECT FROM control.subscriptions r WHERE r.org_id = ${org} AND r.told_standing = 'restricted'
    -- What was told is kept in milliseconds.
    AND date_trunc('milliseconds', ${owedSince(org)}) <= r.reminded_for)`;
}

/**
 * A condition on a row `s` of control.subscriptions: nobody has changed the plan since it was asked for. Whoever was
 * given it and went down again, by whatever way, asks for it no more.
 */
export const isStillAsked: Statement = sql`NOT EXISTS (
  SELECT FROM control.plan_periods p WHERE p.org_id = s.org_id AND p.from_at >= s.requested_at)`;

export interface Subscription {
  readonly slug: string;
  readonly plan: Plan;
  readonly provider: PaymentProviderName;
  readonly currency: Currency;
  readonly requested: { readonly plan: Plan; readonly at: string } | null;
  readonly buyer: Buyer | null;
  readonly customer: string | null;
  readonly subscription: string | null;
  readonly owedSinceMs: number | null;
  readonly endsAt: string | null;
}

/** A row for {@link subscriptionOf}. */
export function subscriptionStatement({ org }: OrgScope): Statement {
  return sql`SELECT o.slug, o.plan, coalesce(s.provider, 'invoice') AS provider, coalesce(s.currency, 'INR') AS currency,
      CASE WHEN s.requested_plan <> o.plan AND ${isStillAsked} THEN s.requested_plan END AS requested_plan, control.rfc3339(s.requested_at) AS requested_at,
      s.buyer::text AS buyer, s.customer, s.subscription,
      (extract(epoch FROM ${owedSince(sql`o.id`)}) * 1000)::double precision AS owed_since_ms,
      control.rfc3339(s.ends_at) AS ends_at
    FROM control.organisations o LEFT JOIN control.subscriptions s ON s.org_id = o.id WHERE o.id = ${org}`;
}

/** Null: no such organisation. */
export async function readSubscription(database: Database, scope: OrgScope): Promise<Subscription | null> {
  const [row] = await database.query(subscriptionStatement(scope), { readOnly: true });
  return row === undefined ? null : subscriptionOf(row);
}

export function subscriptionOf(row: Row): Subscription {
  const requested = parsePlan(row["requested_plan"]);
  const buyer = textOrNull(row, "buyer");
  return {
    slug: textOf(row, "slug"),
    plan: planOf(row, "plan"),
    provider: known(parsePaymentProviderName(row["provider"])),
    currency: known(parseCurrency(row["currency"])),
    requested: requested === null ? null : { plan: requested, at: textOf(row, "requested_at") },
    // Written by `putBuyer` alone, which takes what the door has checked.
    buyer: buyer === null ? null : (JSON.parse(buyer) as Buyer),
    customer: textOrNull(row, "customer"),
    subscription: textOrNull(row, "subscription"),
    owedSinceMs: row["owed_since_ms"] === null ? null : numberOf(row, "owed_since_ms"),
    endsAt: textOrNull(row, "ends_at"),
  };
}

/** @throws TypeError for a word that the table's own check refuses */
export function known<T>(value: T | null): T {
  if (value === null) throw new TypeError("a column of billing holds a word that there is not");
  return value;
}

/** To whom invoices go from now on; those that were issued keep what they say. */
export async function putBuyer(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  { buyer, currency }: { readonly buyer: Buyer; readonly currency: Currency },
): Promise<void> {
  await applyChange(
    database,
    write,
    scope,
    sql`INSERT INTO control.subscriptions (org_id, buyer, currency)
      VALUES (${scope.org}, ${JSON.stringify(buyer)}::text::jsonb, ${currency})
      ON CONFLICT (org_id) DO UPDATE SET buyer = excluded.buyer, currency = excluded.currency RETURNING 1`,
  );
}

/** Notes that an owner asks the operator for a plan. Asked again, the newest counts. */
export async function requestPlan(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  plan: Exclude<Plan, "free">,
): Promise<void> {
  await applyChange(
    database,
    write,
    scope,
    sql`INSERT INTO control.subscriptions (org_id, requested_plan, requested_at) VALUES (${scope.org}, ${plan}, now())
      ON CONFLICT (org_id) DO UPDATE SET requested_plan = excluded.requested_plan, requested_at = excluded.requested_at
      RETURNING 1`,
  );
}

/**
 * Remembers who the organisation is at its provider from the moment on which it is sent there to pay: whoever asks next is
 * the same customer, whose open pages are closed, also when the organisation is erased before it has paid.
 */
export async function keepCustomer(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  customer: string,
): Promise<void> {
  await applyChange(
    database,
    write,
    scope,
    sql`INSERT INTO control.subscriptions AS s (org_id, customer) VALUES (${scope.org}, ${customer})
      ON CONFLICT (org_id) DO UPDATE SET customer = excluded.customer
        -- Whoever pays is who paid.
        WHERE s.subscription IS NULL AND s.customer IS DISTINCT FROM excluded.customer
      RETURNING 1`,
  );
}

/**
 * Puts an organisation on a plan that costs less, by its owner's word. What it has over it stays. What it asked for is
 * asked no more.
 * @returns false when it is no step down: that takes whoever is paid for it
 */
export async function lowerPlan(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  plan: Plan,
  dearerPlans: readonly Plan[],
): Promise<boolean> {
  return await applyChange(
    database,
    write,
    scope,
    sql`UPDATE control.organisations o SET plan = ${plan}, state_version = o.state_version + 1
      WHERE o.id = ${scope.org} AND o.plan = ANY (SELECT jsonb_array_elements_text(${JSON.stringify(dearerPlans)}::text::jsonb))
        -- Whoever pays a provider ends or changes that there, else it would go on charging.
        AND NOT EXISTS (SELECT FROM control.subscriptions s WHERE s.org_id = o.id AND s.subscription IS NOT NULL)
      RETURNING o.id`,
  );
}
