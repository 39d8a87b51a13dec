import * as z from "zod/mini";
import { currencies } from "../../../../core/billing/money.ts";
import { paymentProviderNames } from "../../../../core/billing/provider.ts";
import { billingStandings } from "../../../../core/billing/standing.ts";
import { type Plan, plans } from "../../../../core/tenancy/plan.ts";
import { call, callVoid, path } from "./client.ts";

const partySchema = z.object({
  name: z.string(),
  address: z.string(),
  gstin: z.nullable(z.string()),
  state: z.nullable(z.string()),
});
export type Party = z.infer<typeof partySchema>;

const invoiceSchema = z.object({
  id: z.string(),
  number: z.string(),
  /** `2026-10` */
  month: z.string(),
  issued_at: z.string(),
  due_at: z.string(),
  paid_at: z.nullable(z.string()),
  currency: z.enum(currencies),
  seller: z.extend(partySchema, { bank: z.string(), state: z.string() }),
  buyer: partySchema,
  lines: z.array(
    z.object({
      plan: z.enum(plans),
      days: z.number(),
      of_days: z.number(),
      month_minor: z.number(),
      amount_minor: z.number(),
    }),
  ),
  net_minor: z.number(),
  cgst_minor: z.number(),
  sgst_minor: z.number(),
  igst_minor: z.number(),
  total_minor: z.number(),
});
export type Invoice = z.infer<typeof invoiceSchema>;

const billingSchema = z.object({
  plan: z.enum(plans),
  /** Who is paid for the plan. */
  provider: z.enum(paymentProviderNames),
  /** Who takes payments here. */
  offers: z.enum(paymentProviderNames),
  standing: z.enum(billingStandings),
  owed_since: z.nullable(z.string()),
  ends_at: z.nullable(z.string()),
  requested: z.nullable(z.object({ plan: z.enum(plans), at: z.string() })),
  currency: z.enum(currencies),
  details: z.nullable(partySchema),
  plans: z.array(
    z.object({
      plan: z.enum(plans),
      /** A month's, in minor units and without tax. */
      price_minor: z.number(),
      devices: z.number(),
      members: z.number(),
      storage_bytes: z.number(),
      messages_a_day: z.number(),
      llm_micros_a_month: z.number(),
    }),
  ),
  /** The newest first. */
  days: z.array(
    z.object({
      /** `2026-11-23`, UTC. */
      day: z.string(),
      devices: z.number(),
      members: z.number(),
      storage_bytes: z.number(),
      messages: z.nullable(z.number()),
      /** Of its month so far, in micro-dollars. */
      llm_micros: z.nullable(z.number()),
      /** False: nobody measured on that day; the figures are those of the day before. */
      measured: z.boolean(),
    }),
  ),
  /** The newest first. */
  invoices: z.array(invoiceSchema),
});
export type Billing = z.infer<typeof billingSchema>;
export type OfferedPlan = Billing["plans"][number];
export type UsedDay = Billing["days"][number];
export type BillingDetails = Party & { readonly currency: Billing["currency"] };

const outcomeSchema = z.object({
  kind: z.enum(["unchanged", "changed", "requested", "redirect"]),
  url: z.nullable(z.string()),
});
export type PlanOutcome = z.infer<typeof outcomeSchema>;

export const billingKey = (org: string) => ["billing", org] as const;

export function getBilling(org: string, signal: AbortSignal): Promise<Billing> {
  return call(path("orgs", org, "billing"), billingSchema, { signal });
}

/** Invoices that were issued keep what they say. */
export function putBillingDetails(org: string, details: BillingDetails): Promise<void> {
  return callVoid(path("orgs", org, "billing", "details"), { method: "PUT", body: details });
}

/** @returns `redirect` with the address at which it is paid; the plan changes when that is done */
export function changePlan(org: string, plan: Plan, idempotencyKey: string): Promise<PlanOutcome> {
  return call(path("orgs", org, "billing", "plan"), outcomeSchema, { method: "POST", body: { plan }, idempotencyKey });
}

/** The address of the payment provider's own page of what was paid. */
export async function openBillingPortal(org: string, idempotencyKey: string): Promise<string> {
  const answer = z.object({ url: z.string() });
  const options = { method: "POST", idempotencyKey } as const;
  return (await call(path("orgs", org, "billing", "portal"), answer, options)).url;
}
