import { collect, type WafRequest } from "./collect.ts";
import { detect, indexRules } from "./detect.ts";
import { denyScoreMin, type WafRule } from "./rule.ts";
import { rules } from "./rules/index.ts";
import { score } from "./score.ts";

export interface WafDecision {
  readonly allowed: boolean;
  readonly score: number;
  /** Rules that found something, for tests and for counting; never shown to the client. */
  readonly findings: readonly WafRule["id"][];
}

const ruleIndex = indexRules(rules);

/**
 * The whole pipeline: collect → normalise → detect → score → decide. Pure.
 * @throws TooComplex when a request has more than can be judged
 */
export function decide(request: WafRequest): WafDecision {
  const findings = detect(collect(request), ruleIndex);
  const total = score(findings);
  return { allowed: total < denyScoreMin, score: total, findings: [...new Set(findings.map(({ rule }) => rule.id))] };
}
