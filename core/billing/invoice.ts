/** What an invoice says: a month's days of each plan, and the tax on them. Pure, so that it can be computed again. */
import { type Plan, plans } from "../tenancy/plan.ts";
import { type Currency, share } from "./money.ts";
import { abroad, type Buyer, type Seller } from "./parties.ts";
import { dearer, planPrices } from "./prices.ts";
import type { PaymentProviderName } from "./provider.ts";

const dayMs = 86_400_000;

/** From when on an organisation was on a plan, and who is paid for it. */
export interface PlanPeriod {
  readonly fromMs: number;
  readonly plan: Plan;
  readonly provider: PaymentProviderName;
}

export interface InvoiceLine {
  readonly plan: Plan;
  readonly days: number;
  /** Days of the month, of which `days` are paid for. */
  readonly ofDays: number;
  /** A month's price, and what of it is due; minor units. */
  readonly monthMinor: number;
  readonly amountMinor: number;
}

export interface InvoiceAmounts {
  readonly lines: readonly InvoiceLine[];
  readonly netMinor: number;
  readonly cgstMinor: number;
  readonly sgstMinor: number;
  readonly igstMinor: number;
  readonly totalMinor: number;
}

/** Services of information technology: 18 % (SAC 9983, notification 11/2017-CT(R)), in basis points. */
const gstBasisPoints = 1_800;
/** The code of what is sold, which a tax invoice names (rule 46(g)). */
export const serviceCode = "998315";

/** First and last instant of a month, Unix milliseconds. @param month `2026-11` */
export function monthBounds(month: string): { readonly fromMs: number; readonly toMs: number; readonly days: number } {
  const [year = 0, number = 0] = month.split("-").map(Number);
  const fromMs = Date.UTC(year, number - 1, 1);
  const toMs = Date.UTC(year, number, 1);
  return { fromMs, toMs, days: Math.round((toMs - fromMs) / dayMs) };
}

/**
 * Days of a month that are paid for by invoice, by plan. A day costs what the dearest plan costs that was in force at
 * any time of it (UTC): whoever goes up in the morning and down in the evening has used it.
 * @param periods in order of time, the one that was in force when the month began included; before the first, nothing
 */
export function daysOfPlans(periods: readonly PlanPeriod[], month: string): ReadonlyMap<Plan, number> {
  const { fromMs, days } = monthBounds(month);
  const counted = new Map<Plan, number>();
  for (let day = 0; day < days; day += 1) {
    const begin = fromMs + day * dayMs;
    const end = begin + dayMs;
    let plan: Plan = "free";
    for (const [index, period] of periods.entries()) {
      const until = periods[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
      if (period.provider === "invoice" && period.fromMs < end && until > begin) plan = dearer(plan, period.plan);
    }
    counted.set(plan, (counted.get(plan) ?? 0) + 1);
  }
  return counted;
}

/** What is due for a month; null when that is nothing, and no invoice is issued. */
export function invoiceAmounts(
  periods: readonly PlanPeriod[],
  month: string,
  currency: Currency,
  seller: Seller,
  buyer: Buyer,
): InvoiceAmounts | null {
  const ofDays = monthBounds(month).days;
  const counted = daysOfPlans(periods, month);
  const lines = plans.flatMap((plan): InvoiceLine[] => {
    const days = counted.get(plan) ?? 0;
    const monthMinor = planPrices[plan][currency];
    const amountMinor = share(monthMinor, days, ofDays);
    return amountMinor === 0 ? [] : [{ plan, days, ofDays, monthMinor, amountMinor }];
  });
  const netMinor = lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  if (netMinor === 0) return null;
  const tax = taxOf(netMinor, currency, seller, buyer);
  return { lines, netMinor, ...tax, totalMinor: netMinor + tax.cgstMinor + tax.sgstMinor + tax.igstMinor };
}

/**
 * Within the seller's state half to the union and half to the state (CGST and SGST), to another state all of it
 * integrated (IGST Act 2017, sections 7 and 8). Who is not registered and said no place is supplied where the seller
 * is (section 12(2)(b)(ii)). Abroad and paid in its currency it is an export, zero-rated (sections 2(6) and 16). A seller
 * who is not registered charges none.
 */
function taxOf(
  netMinor: number,
  currency: Currency,
  seller: Seller,
  buyer: Buyer,
): Pick<InvoiceAmounts, "cgstMinor" | "sgstMinor" | "igstMinor"> {
  const none = { cgstMinor: 0, sgstMinor: 0, igstMinor: 0 };
  if (seller.gstin === null) return none;
  const place = placeOfSupply(seller, buyer);
  if (place === abroad && currency !== "INR") return none;
  if (place !== seller.state) return { ...none, igstMinor: share(netMinor, gstBasisPoints, 10_000) };
  const half = share(netMinor, gstBasisPoints / 2, 10_000);
  return { ...none, cgstMinor: half, sgstMinor: half };
}

/** A registration is of one state, whatever else is said. */
export function placeOfSupply(seller: Pick<Seller, "state">, buyer: Pick<Buyer, "gstin" | "state">): string {
  return buyer.gstin?.slice(0, 2) ?? buyer.state ?? seller.state;
}

/** Days between an invoice and its due date: what schools in India commonly agree to. */
export const paymentDays = 15;

/** India's time is this far ahead of UTC all year, in milliseconds. */
const indiaAheadMs = 5.5 * 3_600_000;

/** The day that an invoice names, in India's time as the year of its number: `2026-11-23`. @param atMs Unix milliseconds */
export const indiaDay = (atMs: number): string => new Date(atMs + indiaAheadMs).toISOString().slice(0, 10);

/**
 * The year of an invoice's number, which begins anew each financial year (April to March, India's time): `2627` for
 * 2026-27. @param atMs Unix milliseconds
 */
export function financialYear(atMs: number): string {
  const india = new Date(atMs + indiaAheadMs);
  const first = india.getUTCMonth() >= 3 ? india.getUTCFullYear() : india.getUTCFullYear() - 1;
  return `${String(first % 100).padStart(2, "0")}${String((first + 1) % 100).padStart(2, "0")}`;
}
