const byteUnits = ["B", "KB", "MB", "GB", "TB", "PB"] as const;

/** A dash for what is not known, so that a column stays a column. */
export const unknown = "—";

/** Bytes in units of 1,000, three significant digits: `6.42 GB`. */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const sign = bytes < 0 ? "−" : "";
  return `${sign}${significant(value, unit === 0)} ${byteUnits[unit] ?? "B"}`;
}

function significant(value: number, whole: boolean): string {
  if (whole || value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** `12.3%`, without a decimal from 100 on. */
export function formatPercent(value: number): string {
  return `${value >= 99.95 ? value.toFixed(0) : value.toFixed(1)}%`;
}

/** The two largest units: `3 d 4 h`, `5 min 12 s`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first === -1) return "0 s";
  const shown = parts.slice(first, first + 2).filter(([amount]) => amount > 0);
  return shown.map(([amount, unit]) => `${amount} ${unit}`).join(" ");
}

/** A round trip: whole milliseconds below a second, else seconds. */
export function formatMilliseconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** At most three decimals, grouped by thousands. */
export function formatNumber(value: number): string {
  return new Intl.NumberFormat("en", { maximumFractionDigits: value !== 0 && Math.abs(value) < 10 ? 3 : 1 }).format(
    value,
  );
}
