/** What language models cost an organisation: reserved before, settled after, so that a budget is never passed. */
import type { LlmProviderId, UserId } from "../../core/ids.ts";
import type { Tokens } from "../../core/llm/upstream.ts";
import type { LlmUsage } from "../../core/rpc/llm.ts";
import { type Row, type Statement, sql } from "../connect.ts";
import { idColumn, integerColumn, textColumn } from "./columns.ts";
import { thisMonth } from "./llm-providers.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** Part of a month's budget that a request under way may spend. Who has one settles it, once. */
export interface Reservation {
  readonly provider: LlmProviderId;
  /** The first day of the month that it counts for, however late it ends. */
  readonly month: string;
  readonly micros: number;
}

/** Whoever reserves waits for who reserves: the plan's figure counts all providers together. */
const lock = sql`SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' llm_months', 0))`;

/** What a month may cost by the plan, in micro-dollars. */
export interface MonthLimits {
  /** All providers together. */
  readonly all: number;
  /** Of these, what the operator pays for; null: this provider is the organisation's own to pay. */
  readonly operator: number | null;
}

/**
 * Takes from the month's budget, and from what the plan allows all providers together, what a request can cost at most.
 * One statement behind a lock: of requests that come at once each sees what those before it took, so together they take no
 * more than there is. A reservation that nobody settles stays taken: what may have been spent counts as spent. Providers that are
 * gone count too, so that taking one away gives nothing back.
 * @returns which of them has less left than that
 */
export async function reserve(
  database: TenantDatabase,
  provider: LlmProviderId,
  micros: number,
  limits: MonthLimits,
): Promise<Reservation | "budget_spent" | "plan_spent" | "operator_spent"> {
  const fits = (most: number, counted: Statement): Statement =>
    sql`(SELECT coalesce(sum(a.committed), 0) + ${micros}::bigint <= ${most}::bigint
    FROM llm_months a WHERE a.month = ${thisMonth} AND ${counted})`;
  const fitsPlan = fits(limits.all, sql`true`);
  const fitsOperator = limits.operator === null ? sql`true` : fits(limits.operator, sql`a.operator_pays`);
  const [rows] = await database.writeBehind(
    lock,
    sql`work AS (
    INSERT INTO llm_months AS m (provider_id, month, committed, operator_pays)
    SELECT p.id, ${thisMonth}, ${micros}::bigint, ${limits.operator !== null}::boolean FROM llm_providers p
    WHERE p.id = ${provider} AND ${micros}::bigint <= p.monthly_budget AND ${fitsPlan} AND ${fitsOperator}
    ON CONFLICT (provider_id, month) DO UPDATE SET committed = m.committed + excluded.committed
      WHERE m.committed + excluded.committed <= (SELECT p.monthly_budget FROM llm_providers p WHERE p.id = m.provider_id)
    RETURNING m.month::text AS month)`,
  );
  const row = rows?.[0];
  if (row !== undefined) return { provider, month: textColumn(row, "month"), micros };
  // Which of them it was is a word to whoever asked: nothing rests on it, so only then is it read.
  const [said] = await database.read(sql`SELECT ${fitsPlan} AS fits_plan, ${fitsOperator} AS fits_operator`);
  if (said?.[0]?.["fits_plan"] !== true) return "plan_spent";
  return said[0]["fits_operator"] === true ? "budget_spent" : "operator_spent";
}

/** Puts what a request did cost in the place of what it could, and on its user's account. */
export async function settle(
  database: TenantDatabase,
  { provider, month, micros }: Reservation,
  used: { readonly user: UserId; readonly model: string; readonly tokens: Tokens; readonly micros: number },
): Promise<void> {
  await database.write(sql`
    given_back AS (
      UPDATE llm_months SET committed = committed - ${micros}::bigint + ${used.micros}::bigint
      WHERE provider_id = ${provider} AND month = ${month}::date
    ),
    work AS (
      INSERT INTO llm_usage AS u (month, user_id, provider_id, model, requests, input_tokens, output_tokens, cost)
      VALUES (${month}::date, ${used.user}, ${provider}, ${used.model}, 1, ${used.tokens.input}, ${used.tokens.output}, ${used.micros})
      ON CONFLICT (month, user_id, provider_id, model) DO UPDATE SET requests = u.requests + 1,
        input_tokens = u.input_tokens + excluded.input_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
        cost = u.cost + excluded.cost
      RETURNING u.month
    )`);
}

/** Gives a reservation back whole: the provider took nothing on. */
export async function release(database: TenantDatabase, { provider, month, micros }: Reservation): Promise<void> {
  await database.write(sql`work AS (
    UPDATE llm_months SET committed = committed - ${micros}::bigint
    WHERE provider_id = ${provider} AND month = ${month}::date RETURNING month)`);
}

/** Rows of a month's use that are shown: a school's staff times its models is far below. */
const usageRowsMax = 5_000;

/** What the actor may see of a month, by user. @param month its first day */
export async function listUsage(database: TenantDatabase, month: string): Promise<LlmUsage[]> {
  const [rows] = await database.read(sql`
    SELECT user_id, provider_id, model, requests::double precision AS requests,
      input_tokens::double precision AS input_tokens, output_tokens::double precision AS output_tokens,
      cost::double precision AS cost
    FROM llm_usage WHERE month = ${month}::date ORDER BY user_id, provider_id, model LIMIT ${usageRowsMax}`);
  return (rows ?? []).map(usageOf);
}

function usageOf(row: Row): LlmUsage {
  return {
    user: idColumn("user", row, "user_id"),
    provider: idColumn("llmProvider", row, "provider_id"),
    model: textColumn(row, "model"),
    requests: integerColumn(row, "requests"),
    inputTokens: integerColumn(row, "input_tokens"),
    outputTokens: integerColumn(row, "output_tokens"),
    costMicros: integerColumn(row, "cost"),
  };
}
