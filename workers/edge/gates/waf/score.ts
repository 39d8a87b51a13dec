import { type Finding, severityScores, type WafRule } from "./rule.ts";

/** What the signs in one text weigh together. */
export const severitySum = (rules: readonly WafRule[]): number =>
  rules.reduce((sum, { severity }) => sum + severityScores[severity], 0);

/**
 * The worst input's sum. Signs add up within one piece of text, where they are one payload, and not
 * across a request: two odd sentences in one form are two odd sentences.
 */
export function score(findings: readonly Finding[]): number {
  const sums = new Map<number, number>();
  for (const { rule, input } of findings) sums.set(input, (sums.get(input) ?? 0) + severityScores[rule.severity]);
  return Math.max(0, ...sums.values());
}
