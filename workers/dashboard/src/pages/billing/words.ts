import { placeOfSupply, serviceCode } from "../../../../../core/billing/invoice.ts";
import { formatMoney } from "../../../../../core/billing/money.ts";
import { abroad } from "../../../../../core/billing/parties.ts";
import { graceAfterDays, restrictedAfterDays } from "../../../../../core/billing/standing.ts";
import type { Plan, Quota } from "../../../../../core/tenancy/plan.ts";
import type { Billing, Invoice, OfferedPlan } from "../../api/billing.ts";
import { formatDollars } from "../../format/money.ts";
import { formatBytes, formatNumber } from "../../format/numbers.ts";
import { stateText } from "./states.ts";

export const planNames: Readonly<Record<Plan, string>> = { free: "Free", school: "School", district: "District" };

export const quotaNames: Readonly<Record<Quota, string>> = {
  devices: "Devices",
  members: "Members",
  storage_bytes: "Storage",
  messages_a_day: "Messages a day",
  llm_micros_a_month: "Language models a month",
};

/** … as short as five buttons beside each other need it on a telephone. */
export const quotaShortNames: Readonly<Record<Quota, string>> = {
  ...quotaNames,
  messages_a_day: "Messages",
  llm_micros_a_month: "Models",
};

export function formatQuota(quota: Quota, figure: number): string {
  switch (quota) {
    case "storage_bytes":
      return formatBytes(figure);
    case "llm_micros_a_month":
      return formatDollars(figure);
    case "devices":
    case "members":
    case "messages_a_day":
      return formatNumber(figure);
  }
}

/** Whoever ended what they paid Stripe for stays Stripe's customer, and is on the free plan. */
export function paysStripe({ provider, plan }: Pick<Billing, "provider" | "plan">): boolean {
  return provider === "stripe" && plan !== "free";
}

/** `₹4,999.00 a month, without tax`. */
export function priceText({ price_minor: price }: OfferedPlan, currency: Billing["currency"]): string {
  return price === 0 ? "Costs nothing" : `${formatMoney(price, currency)} a month, without tax`;
}

/** What the service is called on an invoice, with its code (CGST Rules 2017, rule 46(g)). */
export const serviceText = `Device monitoring as a service, SAC ${serviceCode}`;

/** Where the service is supplied. Where nobody said a state there is one all the same: the tax was charged by it. */
export function placeText({ seller, buyer }: Pick<Invoice, "seller" | "buyer">): string {
  return `Place of supply: ${stateText(placeOfSupply(seller, buyer))}`;
}

/**
 * What the invoice of a registered seller says of what is zero-rated (rule 46, last proviso); null where tax was charged, as it
 * is abroad for what is paid in rupees.
 */
export function exportText({ seller, buyer, igst_minor: tax }: Invoice): string | null {
  if (seller.gstin === null || tax > 0 || placeOfSupply(seller, buyer) !== abroad) return null;
  return "Supply meant for export under letter of undertaking without payment of integrated tax.";
}

const dayMs = 86_400_000;

export interface StandingWords {
  readonly title: string;
  readonly text: string;
  /** Something is owed: it is said in a colour, and to screen readers at once. */
  readonly tone: "fine" | "warning" | "danger";
}

/**
 * A day as it is printed: `23 November 2026`. In India's time, as the year of an invoice's number: what is issued there
 * on 1 April must not say 31 March. A day of use, which is one of UTC, has the same name there.
 */
export function formatDate(ms: number): string {
  const format = new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "Asia/Kolkata",
  });
  return format.format(new Date(ms));
}

/** `23 Nov`: of this year or the next, where nobody could mean another. */
export function formatShortDate(ms: number): string {
  const format = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "Asia/Kolkata" });
  return format.format(new Date(ms));
}

/** What is owed, since when, and what happens when. @param nowMs Unix milliseconds */
export function standingWords(
  { standing, owed_since: since, offers, invoices }: Billing,
  nowMs: number,
): StandingWords {
  if (standing === "active" || since === null)
    return { title: "Nothing is overdue", text: waitingText(invoices), tone: "fine" };
  const sinceMs = Date.parse(since);
  const on = (days: number): string => formatDate(sinceMs + days * dayMs);
  const owed = amountText(invoices, nowMs);
  const what = `${owed ?? (offers === "stripe" ? "The last payment failed: something" : "Something")} has been overdue since ${formatDate(sinceMs)}.`;
  const where = owed === null ? "" : " Where to pay to, each invoice says.";
  const nothingAdded = "no device is enrolled, nobody joins and no upload begins";
  switch (standing) {
    case "past_due":
      return {
        title: "Payment is past due",
        text: `${what} Everything works. From ${on(restrictedAfterDays)} on ${nothingAdded}; owners are reminded by mail before.${where}`,
        tone: "warning",
      };
    case "grace":
      return {
        title: `Payment is more than ${graceAfterDays} days late`,
        text: `${what} Everything still works. On ${on(restrictedAfterDays)} the organisation is restricted: then ${nothingAdded}. Nothing is deleted.${where}`,
        tone: "warning",
      };
    case "restricted":
      return {
        title: "The organisation is restricted",
        text: `${what} Until it is paid ${nothingAdded}. Devices go on working, and nothing is deleted.${where}`,
        tone: "danger",
      };
  }
}

/** What is due and not paid, one amount for each currency; null: none of it is an invoice of ours. */
function amountText(invoices: readonly Invoice[], nowMs: number): string | null {
  const overdue = invoices.filter(({ paid_at, due_at }) => paid_at === null && Date.parse(due_at) <= nowMs);
  return overdue.length === 0 ? null : sumText(overdue);
}

function waitingText(invoices: readonly Invoice[]): string {
  const open = invoices.filter(({ paid_at }) => paid_at === null);
  const [first] = open.map(({ due_at }) => Date.parse(due_at)).sort((one, other) => one - other);
  return first === undefined ? "No invoice is open." : `${sumText(open)} is to be paid by ${formatDate(first)}.`;
}

function sumText(invoices: readonly Invoice[]): string {
  const sums = new Map<Invoice["currency"], number>();
  for (const { currency, total_minor: total } of invoices) sums.set(currency, (sums.get(currency) ?? 0) + total);
  return [...sums].map(([currency, sum]) => formatMoney(sum, currency)).join(" and ");
}
