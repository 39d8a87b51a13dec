/** Micro-dollars in a dollar. */
const microsOfDollar = 1_000_000;

/** `$12.50`; what is below a cent with as many digits as it has. @param micros micro-dollars */
export function formatDollars(micros: number): string {
  const isTiny = micros !== 0 && Math.abs(micros) < microsOfDollar / 100;
  return new Intl.NumberFormat("en", {
    style: "currency",
    currency: "USD",
    maximumFractionDigits: isTiny ? 6 : 2,
  }).format(micros / microsOfDollar);
}

/**
 * Micro-dollars of what somebody typed, exactly: no floating point between their figure and the server's.
 * @returns null for what is no amount, or has more than six decimals
 */
export function microsOf(text: string): number | null {
  const [, whole, decimals = ""] = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text.trim()) ?? [];
  return whole === undefined ? null : Number(whole) * microsOfDollar + Number(decimals.padEnd(6, "0"));
}

/** The same back, for a field: `0.15`. */
export function dollarsText(micros: number): string {
  const decimals = String(micros % microsOfDollar)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${Math.floor(micros / microsOfDollar)}${decimals === "" ? "" : `.${decimals}`}`;
}
