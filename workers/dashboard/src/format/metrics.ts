import { formatBytes, formatDuration, formatNumber, formatPercent } from "./numbers.ts";

/** A metric's name ends in its unit, so that a metric this page has never heard of reads well too. */
const suffixes: readonly (readonly [suffix: string, format: (value: number) => string])[] = [
  ["_bytes_per_second", (value) => `${formatBytes(value)}/s`],
  ["_bytes", formatBytes],
  ["_percent", formatPercent],
  ["_seconds", formatDuration],
  ["_celsius", (value) => `${formatNumber(value)} °C`],
];

/** @returns the value in the unit its name says, as a person reads it */
export function formatMetric(name: string, value: number): string {
  const known = suffixes.find(([suffix]) => name.endsWith(suffix));
  return known === undefined ? formatNumber(value) : known[1](value);
}

const abbreviations: Readonly<Record<string, string>> = {
  cpu: "CPU",
  rx: "received",
  tx: "sent",
  "1m": "1 min",
  "5m": "5 min",
  "15m": "15 min",
};

/** `memory_used_bytes` → `Memory used`. */
export function metricLabel(name: string): string {
  const suffix = suffixes.find(([known]) => name.endsWith(known))?.[0] ?? "";
  const bare = name.slice(0, name.length - suffix.length);
  const words = (bare === "" ? name : bare).split("_").map((word) => abbreviations[word] ?? word);
  const text = words.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
