/** Amounts of money: whole minor units (paise, cents), never a fraction, always beside their currency. */
export const currencies = ["INR", "USD"] as const;
export type Currency = (typeof currencies)[number];

/** Parses a currency's ISO 4217 code; null for anything else. */
export function parseCurrency(text: unknown): Currency | null {
  return currencies.find((currency) => currency === text) ?? null;
}

/** Both currencies have hundredths (ISO 4217 exponent 2). */
const minorDigits = 2;

/**
 * `part` wholes of `of`, rounded half up. Exact up to 2^53: what is multiplied is an amount below a million of a
 * currency's whole units and a count of days or basis points.
 * @throws RangeError when a figure is no whole number, or the result could not be exact
 */
export function share(amountMinor: number, part: number, of: number): number {
  if (![amountMinor, part, of].every(Number.isSafeInteger) || amountMinor < 0 || part < 0 || of <= 0) {
    throw new RangeError("a share is made of whole numbers");
  }
  const product = BigInt(amountMinor) * BigInt(part);
  const rounded = Number((product * 2n + BigInt(of)) / (BigInt(of) * 2n));
  if (!Number.isSafeInteger(rounded)) throw new RangeError("an amount is larger than can be counted exactly");
  return rounded;
}

/** `₹4,999.00`, with the grouping of the currency's country. */
export function formatMoney(amountMinor: number, currency: Currency): string {
  const locale = currency === "INR" ? "en-IN" : "en-US";
  return new Intl.NumberFormat(locale, { style: "currency", currency, minimumFractionDigits: minorDigits }).format(
    amountMinor / 10 ** minorDigits,
  );
}
