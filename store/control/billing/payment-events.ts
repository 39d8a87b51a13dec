/** What payment providers say: each event once, and the newest state only. */
import type { PaymentEvent, PaymentProviderName, ProviderState } from "../../../core/billing/provider.ts";
import type { Plan } from "../../../core/tenancy/plan.ts";
import { type Database, type Row, type Statement, sql } from "../../connect.ts";
import { booleanOf, instant } from "../columns.ts";
import type { OrgScope } from "../org-scope.ts";
import { receiptIfChanged, type WriteRequest } from "../receipts.ts";
import { isHere } from "./is-here.ts";

/** A state as it is kept: whose it is, the scope says. */
export type KeptState = Omit<ProviderState, "org">;

export type AppliedState =
  | { readonly kind: "applied"; readonly plan: Plan; readonly planChanged: boolean }
  /** It was here before, changes nothing, is older than what is known, or concerns no organisation that is here. */
  | { readonly kind: "noted" };

/** To the microsecond: two questions of one millisecond are two. */
const at = (ms: number | null): Statement =>
  ms === null ? sql`NULL::timestamptz` : sql`to_timestamp(${ms}::double precision / 1000)`;

/**
 * Puts a provider's state in the place of an older one: the rows that follow `WITH`, the last one named `changed`.
 * One that was asked for before what is stored changes nothing. The end of a subscription ends only what this provider
 * gave to this customer: a plan that the operator has given since stays, however late the news come. The end of one that
 * was never stored is remembered by its time alone, so that an older answer on its way does not begin it.
 * @param from a query of one row when it may be done, of none when not
 */
function stateChange(provider: PaymentProviderName, scope: OrgScope, state: KeptState, from: Statement): Statement {
  return sql`target AS (
      SELECT o.id, ${isConcerned(provider, state)} AS concerned
      FROM control.organisations o WHERE o.id = ${scope.org} AND EXISTS (${from})),
    stored AS (
      INSERT INTO control.subscriptions AS s (org_id, provider, currency, customer, subscription, provider_owed_since,
        ends_at, state_as_of)
      SELECT id, ${provider}, ${state.currency}, ${state.customer}, ${state.subscription}::text,
        ${at(state.owedSinceMs)}, ${at(state.endsAtMs)}, ${at(state.asOfMs)}
      FROM target WHERE concerned
      ON CONFLICT (org_id) DO UPDATE SET
        -- Without a subscription nobody else is paid: what is owed then is invoiced.
        provider = CASE WHEN excluded.subscription IS NULL THEN 'invoice' ELSE excluded.provider END,
        currency = excluded.currency, customer = excluded.customer, subscription = excluded.subscription,
        provider_owed_since = excluded.provider_owed_since, ends_at = excluded.ends_at,
        state_as_of = excluded.state_as_of, requested_plan = NULL, requested_at = NULL
        WHERE s.state_as_of IS NULL OR s.state_as_of <= excluded.state_as_of
      RETURNING s.org_id),
    remembered AS (
      INSERT INTO control.subscriptions AS s (org_id, state_as_of)
      SELECT id, ${at(state.asOfMs)} FROM target WHERE NOT concerned
      ON CONFLICT (org_id) DO UPDATE SET state_as_of = excluded.state_as_of
        -- Whoever pays as another customer is not concerned by this one's end.
        WHERE s.subscription IS NULL AND (s.customer IS NULL OR s.customer = ${state.customer})
          AND (s.state_as_of IS NULL OR s.state_as_of <= excluded.state_as_of)),
    planned AS (
      UPDATE control.organisations o SET plan = ${state.plan}, state_version = o.state_version + 1
      FROM stored WHERE o.id = stored.org_id AND o.plan <> ${state.plan} RETURNING o.id),
    changed AS (SELECT org_id FROM stored)`;
}

/** A condition on a row `o` of control.organisations: the state is one to be stored. */
const isConcerned = (provider: PaymentProviderName, { subscription, customer }: KeptState): Statement =>
  sql`(${subscription !== null}::boolean OR EXISTS (SELECT FROM control.subscriptions e
    WHERE e.org_id = o.id AND e.provider = ${provider} AND e.customer = ${customer}))`;

/**
 * What {@link stateChange} comes to, in a word: `applied`; `overtaken` when what is stored was asked for later; `ignored` when it
 * concerns nobody who is here, or ends what never began. Said in the statement of the change, behind its lock, so both see the same.
 */
const outcomeOf = (provider: PaymentProviderName, { org }: OrgScope, state: KeptState): Statement =>
  sql`coalesce((SELECT CASE
      WHEN EXISTS (SELECT FROM control.subscriptions s WHERE s.org_id = o.id AND s.state_as_of > ${at(state.asOfMs)}) THEN 'overtaken'
      WHEN ${isConcerned(provider, state)} THEN 'applied' ELSE 'ignored' END
    FROM control.organisations o WHERE o.id = ${org}), 'ignored')`;

/** Before the change, in the same transaction: the change then sees what the one that it waited for has written. */
const oneAtATime = ({ org }: OrgScope): Statement =>
  sql`SELECT 1 AS here FROM control.organisations WHERE id = ${org} FOR UPDATE`;

const outcome = sql`(SELECT org_id FROM changed) AS org_id, EXISTS (SELECT FROM planned) AS plan_changed`;

function appliedOf(row: Row | undefined, plan: Plan): AppliedState {
  if (row === undefined || row["org_id"] === null) return { kind: "noted" };
  return { kind: "applied", plan, planChanged: booleanOf(row, "plan_changed") };
}

/**
 * True when what a provider tells of the organisation is to be applied: it is here, and its erasing has not begun. From
 * then on its subscription ends by our own doing, and that news would put back at the edge what was taken away there.
 */
export async function hearsProvider(database: Database, { org }: OrgScope): Promise<boolean> {
  const [row] = await database.query(sql`SELECT ${isHere(sql`${org}::text`)} AS here`, { readOnly: true });
  return row !== undefined && booleanOf(row, "here");
}

/**
 * Notes an event and applies what it says, in one transaction: killed in between, neither was done.
 * @param told whose it is and how they stand now; null: it tells of nobody who is here
 */
export async function applyPaymentEvent(
  database: Database,
  write: WriteRequest,
  { provider, id, kind, occurredAtMs }: Omit<PaymentEvent, "state">,
  told: { readonly scope: OrgScope; readonly state: KeptState } | null,
): Promise<AppliedState> {
  const noted = (came: Statement): Statement =>
    sql`INSERT INTO control.payment_events (provider, id, org_id, kind, occurred_at, outcome, applied)
      SELECT ${provider}, ${id}, (SELECT o.id FROM control.organisations o WHERE o.id = ${told?.scope.org ?? null}::text),
        ${kind}, ${instant(occurredAtMs)}::timestamptz, c.outcome, c.outcome = 'applied'
      FROM (SELECT ${came} AS outcome) c
      ON CONFLICT (provider, id) DO NOTHING RETURNING id`;
  if (told === null) {
    await database.query(noted(sql`'ignored'`));
    return { kind: "noted" };
  }
  const { scope, state } = told;
  const [, [row] = []] = await database.transaction([
    oneAtATime(scope),
    sql`WITH first AS (${noted(outcomeOf(provider, scope, state))}),
      ${stateChange(provider, scope, state, sql`SELECT FROM first`)},
      receipt AS (${receiptIfChanged(write, sql`SELECT org_id FROM changed`)})
      SELECT ${outcome}`,
  ]);
  return appliedOf(row, state.plan);
}

/** Applies a state that the provider answered an owner with, where no event says it. */
export async function applyProviderState(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  provider: PaymentProviderName,
  state: KeptState,
): Promise<AppliedState> {
  const [, [row] = []] = await database.transaction([
    oneAtATime(scope),
    sql`WITH ${stateChange(provider, scope, state, sql`SELECT 1`)},
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT ${outcome}`,
  ]);
  return appliedOf(row, state.plan);
}
