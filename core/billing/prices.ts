import type { Plan } from "../tenancy/plan.ts";
import type { Currency } from "./money.ts";

/**
 * What a month of a plan costs, in minor units and without tax. A price changes with a release and for months that
 * have not begun: an invoice that was issued keeps what it says.
 */
export const planPrices: Readonly<Record<Plan, Readonly<Record<Currency, number>>>> = {
  free: { INR: 0, USD: 0 },
  school: { INR: 499_900, USD: 6_900 },
  district: { INR: 2_499_900, USD: 34_900 },
};

/** Of two plans, the one that allows more; they are in that order by price too. */
export function dearer(one: Plan, other: Plan): Plan {
  return planPrices[one].INR >= planPrices[other].INR ? one : other;
}
