import { describe, expect, it } from "vitest";
import { invoiceAmounts } from "../../../core/billing/invoice.ts";
import { statePattern } from "../../../core/billing/parties.ts";
import { restrictedAfterDays } from "../../../core/billing/standing.ts";
import { limitsOf, plans } from "../../../core/tenancy/plan.ts";
import type { Billing, Invoice } from "../../../workers/dashboard/src/api/billing.ts";
import { goAndPay } from "../../../workers/dashboard/src/pages/billing/go-and-pay.ts";
import { overQuotas } from "../../../workers/dashboard/src/pages/billing/over-quota.ts";
import { stateNames, stateText } from "../../../workers/dashboard/src/pages/billing/states.ts";
import {
  exportText,
  formatDate,
  formatShortDate,
  placeText,
  standingWords,
} from "../../../workers/dashboard/src/pages/billing/words.ts";

const day = 86_400_000;
const nowMs = Date.UTC(2026, 10, 23, 12);
const at = (days: number): string => new Date(nowMs + days * day).toISOString();

const party = { name: "Demo", address: "Pune", gstin: null, state: "27" };
const seller = { ...party, bank: "Bank" };
const amounts = invoiceAmounts(
  [{ fromMs: Date.UTC(2026, 9, 1), plan: "school", provider: "invoice" }],
  "2026-10",
  "INR",
  seller,
  party,
);
const invoice: Invoice = {
  id: "bil_1",
  number: "S2627/000001",
  month: "2026-10",
  issued_at: at(-40),
  due_at: at(-20),
  paid_at: null,
  currency: "INR",
  seller,
  buyer: party,
  lines: [],
  net_minor: amounts?.netMinor ?? 0,
  cgst_minor: 0,
  sgst_minor: 0,
  igst_minor: 0,
  total_minor: amounts?.totalMinor ?? 0,
};
const billing: Billing = {
  plan: "school",
  provider: "invoice",
  offers: "invoice",
  standing: "active",
  owed_since: null,
  ends_at: null,
  requested: null,
  currency: "INR",
  details: null,
  plans: plans.map((plan) => ({ plan, price_minor: 0, ...limitsOf(plan) })),
  days: [],
  invoices: [],
};

describe("how an organisation stands, in words", () => {
  it("says that nothing is open", () =>
    expect(standingWords(billing, nowMs)).toMatchObject({ tone: "fine", text: "No invoice is open." }));

  it("says what is to be paid by when before it is overdue", () => {
    const { text, tone } = standingWords({ ...billing, invoices: [{ ...invoice, due_at: at(3) }] }, nowMs);
    expect([text, tone]).toEqual(["₹4,999.00 is to be paid by 26 November 2026.", "fine"]);
  });

  it.each([
    ["past_due", -20, "warning"],
    ["grace", -20, "warning"],
    ["restricted", -40, "danger"],
  ] as const)(
    "says of %s what is owed, since when, and that nothing is deleted or what comes",
    (standing, days, tone) => {
      const due = at(days);
      const invoices = [
        { ...invoice, due_at: due },
        { ...invoice, id: "bil_2", due_at: at(2) },
      ];
      const words = standingWords({ ...billing, standing, owed_since: due, invoices }, nowMs);
      expect(words.tone).toBe(tone);
      // What is not due yet is not overdue.
      expect(words.text).toContain("₹4,999.00 has been overdue since");
      const restrictedOn = new Date(Date.parse(due) + restrictedAfterDays * day);
      if (standing !== "restricted") expect(words.text).toContain(`${restrictedOn.getUTCDate()} `);
      expect(words.text).toContain("no device is enrolled, nobody joins and no upload begins");
      expect(words.text).toContain("Where to pay to, each invoice says.");
    },
  );

  it("says of a card that failed no sum, because Stripe knows it", () => {
    const words = standingWords({ ...billing, offers: "stripe", standing: "past_due", owed_since: at(-1) }, nowMs);
    expect(words.text).toContain("The last payment failed");
    expect(words.text).not.toMatch(/[₹$]|invoice/);
  });
});

describe("an invoice, in words", () => {
  it("has the day that it is in India, as its number has the year", () => {
    expect(formatDate(Date.parse("2027-03-31T18:29:59Z"))).toBe("31 March 2027");
    expect(formatDate(Date.parse("2027-03-31T18:30:00Z"))).toBe("1 April 2027");
    expect(formatShortDate(Date.parse("2027-03-31T18:30:00Z"))).toBe("1 Apr");
    // A day of use.
    expect(formatDate(Date.parse("2027-03-31"))).toBe("31 March 2027");
  });

  const to = (state: string | null, more: Partial<Invoice> = {}): Invoice => ({
    ...invoice,
    seller: { ...seller, gstin: "27AAPFU0939F1ZV" },
    buyer: { ...party, state },
    ...more,
  });

  it("names the place of supply, also where nobody said one", () => {
    expect(placeText(to("29"))).toBe("Place of supply: Karnataka (29)");
    expect(placeText(to(null))).toBe("Place of supply: Maharashtra (27)");
    const registered = to("27", { buyer: { ...party, gstin: "29AAPFU0939F1ZR", state: null } });
    expect(placeText(registered)).toBe("Place of supply: Karnataka (29)");
  });

  it("says that it is an export where no tax was charged for being one, and nowhere else", () => {
    expect(exportText(to("96"))).toContain("without payment of integrated tax");
    for (const none of [to("96", { igst_minor: 89_982 }), to("27"), to(null), { ...to("96"), seller }])
      expect(exportText(none)).toBeNull();
  });
});

describe("a smaller plan", () => {
  const used = (devices: number) => ({
    plan: "school",
    devices: { used: devices, limit: 2000 },
    members: { used: 25, limit: 500 },
    storage_bytes: { used: 0, limit: 1 },
    llm_micros_a_month: { used: 10_000_000, limit: 1 },
    messages_a_day: { used: 0, limit: 1, resets_at: at(1) },
  });
  const free = { plan: "free" as const, price_minor: 0, ...limitsOf("free") };

  it("is told what is over it, and what just fits is not", () => {
    expect(overQuotas(used(51), free)).toEqual([{ quota: "devices", used: 51, limit: 50 }]);
    expect(overQuotas(used(50), free)).toEqual([]);
  });
});

describe("a page to pay at", () => {
  it.each(["javascript:alert(1)", "data:text/html,hello", "//evil.test", "/o/demo"])("is not %j", (address) =>
    expect(() => goAndPay(address)).toThrow("no page to pay at"),
  );
});

describe("states", () => {
  it("are all such as the server takes, and have their code beside them", () => {
    for (const code of Object.keys(stateNames)) expect(code).toMatch(statePattern);
    expect([stateText("27"), stateText("28")]).toEqual(["Maharashtra (27)", "28"]);
  });
});
