/** What the pages of billing show, each read in one transaction. */
import type { OrgId } from "../../../core/ids.ts";
import type { Plan } from "../../../core/tenancy/plan.ts";
import { type Database, sql } from "../../connect.ts";
import { idOf, textOf } from "../columns.ts";
import type { OrgScope, PlatformScope } from "../org-scope.ts";
import { planOf } from "../org-state.ts";
import { type Invoice, invoiceOf, invoicesStatement } from "./invoices.ts";
import { isStillAsked, type Subscription, subscriptionOf, subscriptionStatement } from "./subscription.ts";
import { dayOf, daysStatement, type UsageDay } from "./usage-days.ts";

export interface BillingPage {
  readonly subscription: Subscription;
  /** The newest first. */
  readonly days: readonly UsageDay[];
  readonly invoices: readonly Invoice[];
}

/** Null: no such organisation. */
export async function readBillingPage(database: Database, scope: OrgScope, days: number): Promise<BillingPage | null> {
  const [[row] = [], used = [], invoices = []] = await database.transaction(
    [subscriptionStatement(scope), daysStatement(scope, days), invoicesStatement(scope)],
    { readOnly: true },
  );
  if (row === undefined) return null;
  return { subscription: subscriptionOf(row), days: used.map(dayOf), invoices: invoices.map(invoiceOf) };
}

/** Requests that are shown at once. */
const requestsMax = 200;

/** Plans that owners ask for, the oldest first. One that was asked for before the plan last changed is none. */
export async function listRequestedPlans(
  database: Database,
  _by: PlatformScope,
): Promise<readonly { readonly org: OrgId; readonly slug: string; readonly plan: Plan; readonly at: string }[]> {
  const rows = await database.query(
    sql`SELECT o.id, o.slug, s.requested_plan AS plan, control.rfc3339(s.requested_at) AS at
      FROM control.subscriptions s JOIN control.organisations o ON o.id = s.org_id
      WHERE s.requested_plan IS NOT NULL AND s.requested_plan <> o.plan AND ${isStillAsked}
      ORDER BY s.requested_at LIMIT ${requestsMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    org: idOf("org", row, "id"),
    slug: textOf(row, "slug"),
    plan: planOf(row, "plan"),
    at: textOf(row, "at"),
  }));
}
