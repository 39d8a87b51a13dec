/** What an invoice comes to. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  daysOfPlans,
  financialYear,
  invoiceAmounts,
  monthBounds,
  type PlanPeriod,
} from "../../../core/billing/invoice.ts";
import { formatMoney, share } from "../../../core/billing/money.ts";
import { type Buyer, isGstin, parseSeller, type Seller } from "../../../core/billing/parties.ts";
import { planPrices } from "../../../core/billing/prices.ts";
import { paymentProviderNames } from "../../../core/billing/provider.ts";
import { plans } from "../../../core/tenancy/plan.ts";

const seller: Seller = {
  name: "Sentinel Services",
  address: "1 Road\nPune",
  gstin: "27AAPFU0939F1ZV",
  state: "27",
  bank: "Bank, account 1",
};
const buyer: Buyer = { name: "A school", address: "2 Lane", gstin: null, state: "27" };
const at = (text: string): number => Date.parse(text);
const since = (from: string, plan: PlanPeriod["plan"], provider: PlanPeriod["provider"] = "invoice"): PlanPeriod => ({
  fromMs: at(from),
  plan,
  provider,
});

describe("a month", () => {
  it("on one plan costs its price", () => {
    const found = invoiceAmounts([since("2026-01-05T10:00:00Z", "school")], "2026-02", "INR", seller, buyer);
    expect(found?.lines).toEqual([
      { plan: "school", days: 28, ofDays: 28, monthMinor: planPrices.school.INR, amountMinor: planPrices.school.INR },
    ]);
  });

  it("without a plan that costs something has no invoice", () => {
    expect(invoiceAmounts([], "2026-02", "INR", seller, buyer)).toBeNull();
    expect(invoiceAmounts([since("2026-01-05T10:00:00Z", "free")], "2026-02", "INR", seller, buyer)).toBeNull();
  });

  it("in which the plan changed is paid by the day, each at its dearest plan", () => {
    const periods = [
      since("2026-01-01T00:00:00Z", "school"),
      // Up in the morning and down in the evening: that day was used.
      since("2026-04-10T06:00:00Z", "district"),
      since("2026-04-10T18:00:00Z", "school"),
      since("2026-04-21T00:00:00Z", "free"),
    ];
    expect(Object.fromEntries(daysOfPlans(periods, "2026-04"))).toEqual({ school: 19, district: 1, free: 10 });
  });

  it("does not charge for days that another provider was paid for", () => {
    const periods = [since("2026-01-01T00:00:00Z", "school"), since("2026-04-16T00:00:00Z", "school", "stripe")];
    expect(daysOfPlans(periods, "2026-04").get("school")).toBe(15);
  });

  it("has each of its days once, whatever happened", () => {
    const period = fc.record({
      fromMs: fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2026-06-01T00:00:00Z") }),
      plan: fc.constantFrom(...plans),
      provider: fc.constantFrom(...paymentProviderNames),
    });
    fc.assert(
      fc.property(fc.array(period, { maxLength: 20 }), (made) => {
        const periods = made.toSorted((one, other) => one.fromMs - other.fromMs);
        const counted = [...daysOfPlans(periods, "2026-03").values()].reduce((sum, days) => sum + days, 0);
        expect(counted).toBe(monthBounds("2026-03").days);
        const found = invoiceAmounts(periods, "2026-03", "INR", seller, buyer);
        if (found === null) return;
        expect(found.totalMinor).toBe(found.netMinor + found.cgstMinor + found.sgstMinor + found.igstMinor);
        expect(found.netMinor).toBeLessThanOrEqual(planPrices.district.INR + plans.length);
      }),
    );
  });
});

describe("the tax", () => {
  const periods = [since("2026-01-01T00:00:00Z", "school")];
  const taxes = (to: Buyer, currency: "INR" | "USD" = "INR", from: Seller = seller) => {
    const { cgstMinor, sgstMinor, igstMinor, netMinor } = invoiceAmounts(periods, "2026-03", currency, from, to) ?? {
      cgstMinor: -1,
      sgstMinor: -1,
      igstMinor: -1,
      netMinor: 0,
    };
    return [cgstMinor, sgstMinor, igstMinor].map((tax) => (tax * 100) / netMinor).map(Math.round);
  };
  it("is half and half within the seller's state, and where nobody said a place", () => {
    expect(taxes(buyer)).toEqual([9, 9, 0]);
    expect(taxes({ ...buyer, state: null })).toEqual([9, 9, 0]);
  });
  it("is integrated to another state, by the registration before anything that was said", () => {
    expect(taxes({ ...buyer, state: "29" })).toEqual([0, 0, 18]);
    expect(taxes({ ...buyer, gstin: "29AAGCB7383J1Z4", state: null })).toEqual([0, 0, 18]);
  });
  it("is none for an export that is paid in its currency, nor of a seller who is not registered", () => {
    expect(taxes({ ...buyer, state: "96" }, "USD")).toEqual([0, 0, 0]);
    expect(taxes({ ...buyer, state: "96" }, "INR")).toEqual([0, 0, 18]);
    expect(taxes(buyer, "INR", { ...seller, gstin: null })).toEqual([0, 0, 0]);
  });
});

describe("figures and parties", () => {
  it("are counted in whole minor units, rounded half up", () => {
    expect(share(499_900, 1, 31)).toBe(16_126);
    expect(share(5, 1, 10)).toBe(1);
    expect(() => share(0.5, 1, 2)).toThrow(RangeError);
    expect(formatMoney(249_990_000, "INR")).toBe("₹24,99,900.00");
  });
  it("know a GSTIN by its check character", () => {
    expect(isGstin("27AAPFU0939F1ZV")).toBe(true);
    for (const wrong of ["27AAPFU0939F1ZX", "28AAPFU0939F1ZV", "27aapfu0939f1zv", "27AAPFU0939F1Z", ""])
      expect([wrong, isGstin(wrong)]).toEqual([wrong, false]);
  });
  it("have no seller without a name, or with a registration of another state", () => {
    expect(parseSeller(seller)).toEqual(seller);
    for (const wrong of [null, {}, { ...seller, name: "" }, { ...seller, state: "29" }, { ...seller, bank: undefined }])
      expect(parseSeller(wrong)).toBeNull();
  });
  it("begin a year of numbers in April, by India's time", () => {
    expect(financialYear(at("2027-03-31T18:29:59Z"))).toBe("2627");
    expect(financialYear(at("2027-03-31T18:30:00Z"))).toBe("2728");
  });
});
