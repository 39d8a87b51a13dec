import { z } from "@hono/zod-openapi";
import { type Currency, currencies } from "../../../../core/billing/money.ts";
import { isGstin, partyCharactersMax, statePattern } from "../../../../core/billing/parties.ts";
import { planPrices } from "../../../../core/billing/prices.ts";
import { paymentProviderNames } from "../../../../core/billing/provider.ts";
import { billingStandings, standingAt } from "../../../../core/billing/standing.ts";
import { limitsOf, plans } from "../../../../core/tenancy/plan.ts";
import type { Invoice } from "../../../../store/control/billing/invoices.ts";
import type { Subscription } from "../../../../store/control/billing/subscription.ts";
import type { UsageDay } from "../../../../store/control/billing/usage-days.ts";
import { idText, instant, nameOf } from "../../http/schemas.ts";

const count = z.int().nonnegative();

/** Lines of an address; no other control character. */
const address = z
  .string()
  .min(1)
  .max(partyCharactersMax)
  .refine((text) => text.trim() === text, "must not begin or end with blanks")
  .refine((text) => !/[^\P{Cc}\n]/u.test(text), "must not hold control characters but line ends");

export const details = z
  .strictObject({
    name: nameOf(100),
    address,
    gstin: z.string().max(15).refine(isGstin, "must be a GSTIN; its last character checks the others").nullable(),
    state: z.string().regex(statePattern, "must be the code of an Indian state, or 96 for another country").nullable(),
    currency: z.enum(currencies),
  })
  .refine(({ gstin, state }) => gstin === null || state === null || gstin.slice(0, 2) === state, {
    path: ["state"],
    message: "must be the state of the GSTIN",
  });

const party = z.object({
  name: z.string(),
  address: z.string(),
  gstin: z.string().nullable(),
  state: z.string().nullable(),
});

export const invoiceAnswer = z.object({
  id: idText,
  number: z.string(),
  month: z.string(),
  issued_at: instant,
  due_at: instant,
  paid_at: instant.nullable(),
  currency: z.enum(currencies),
  seller: party.extend({ bank: z.string() }),
  buyer: party,
  lines: z.array(
    z.object({
      plan: z.enum(plans),
      days: count,
      of_days: count,
      month_minor: count,
      amount_minor: count,
    }),
  ),
  net_minor: count,
  cgst_minor: count,
  sgst_minor: count,
  igst_minor: count,
  total_minor: count,
});

export function invoiceView(invoice: Invoice): z.input<typeof invoiceAnswer> {
  const { id, number, month, currency, seller, buyer } = invoice;
  return {
    id,
    number,
    month,
    issued_at: invoice.issuedAt,
    due_at: invoice.dueAt,
    paid_at: invoice.paidAt,
    currency,
    seller,
    buyer,
    lines: invoice.lines.map(({ plan, days, ofDays, monthMinor, amountMinor }) => ({
      plan,
      days,
      of_days: ofDays,
      month_minor: monthMinor,
      amount_minor: amountMinor,
    })),
    net_minor: invoice.netMinor,
    cgst_minor: invoice.cgstMinor,
    sgst_minor: invoice.sgstMinor,
    igst_minor: invoice.igstMinor,
    total_minor: invoice.totalMinor,
  };
}

export const billingAnswer = z.object({
  plan: z.enum(plans),
  /** Who is paid for it. */
  provider: z.enum(paymentProviderNames),
  /** Who takes payments here. */
  offers: z.enum(paymentProviderNames),
  standing: z.enum(billingStandings),
  owed_since: instant.nullable(),
  ends_at: instant.nullable(),
  requested: z.object({ plan: z.enum(plans), at: instant }).nullable(),
  currency: z.enum(currencies),
  details: party.nullable(),
  plans: z.array(
    z.object({
      plan: z.enum(plans),
      /** A month's, in minor units and without tax. */
      price_minor: count,
      devices: count,
      members: count,
      storage_bytes: count,
      messages_a_day: count,
      llm_micros_a_month: count,
    }),
  ),
  days: z.array(
    z.object({
      day: z.string(),
      plan: z.enum(plans),
      devices: count,
      members: count,
      storage_bytes: count,
      messages: count.nullable(),
      llm_micros: count.nullable(),
      /** False: the clock was away on that day, and the figures are those of the day before it. */
      measured: z.boolean(),
    }),
  ),
  invoices: z.array(invoiceAnswer),
});

export function plansView(currency: Currency, scale: number): z.input<typeof billingAnswer>["plans"] {
  return plans.map((plan) => ({ plan, price_minor: planPrices[plan][currency], ...limitsOf(plan, scale) }));
}

export function dayView({ day, plan, devices, members, storageBytes, messages, llmMicros, measuredAt }: UsageDay) {
  return {
    day,
    plan,
    devices,
    members,
    storage_bytes: storageBytes,
    messages,
    llm_micros: llmMicros,
    measured: measuredAt !== null,
  };
}

export function subscriptionView(found: Subscription, nowMs: number) {
  return {
    plan: found.plan,
    provider: found.provider,
    standing: standingAt(found.owedSinceMs, nowMs),
    owed_since:
      found.owedSinceMs === null || found.owedSinceMs > nowMs ? null : new Date(found.owedSinceMs).toISOString(),
    ends_at: found.endsAt,
    requested: found.requested,
    currency: found.currency,
    details: found.buyer,
  };
}
