/** What a chart may span, and the step its history is averaged over. */
export const ranges = [
  { id: "15m", label: "15 min", seconds: 900, stepSeconds: 5 },
  { id: "1h", label: "1 h", seconds: 3_600, stepSeconds: 15 },
  { id: "24h", label: "24 h", seconds: 86_400, stepSeconds: 120 },
] as const;
export type Range = (typeof ranges)[number];
export type RangeId = Range["id"];

/** An agent reads every few seconds; a silence of this many steps or seconds is a gap. */
export function gapSecondsOf(range: Range): number {
  return Math.max(30, range.stepSeconds * 3);
}
