import { wafFieldCharactersMax } from "../../../../core/tenancy/waf-policy.ts";
import type { WafFinding } from "../../../../core/tenancy/waf-verdict.ts";
import { collect, type WafInput, type WafRequest } from "./collect.ts";
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

/** What the platform's rules found in a request, and the text that each of them found it in. */
export interface Inspection {
  readonly findings: readonly WafFinding[];
  /** The texts by their numbers in `findings`. */
  readonly inputs: readonly WafInput[];
}

const ruleIndex = indexRules(rules);
const nothing: Inspection = { findings: [], inputs: [] };

/**
 * Collect → normalise → detect. Pure. What becomes of what is found, the organisation's policy says.
 * @throws TooComplex when a request has more than can be judged
 */
export function inspect(request: WafRequest): Inspection {
  const inputs = collect(request);
  const found = detect(inputs, ruleIndex);
  if (found.length === 0) return nothing;
  const findings = found.map(({ rule, input }) => ({ rule: rule.id, input, field: fieldOf(inputs[input]) }));
  return { findings, inputs };
}

/** A place as it is shown and exempted by: names in it are whatever a stranger sent. */
function fieldOf(input: WafInput | undefined): string {
  const field = (input?.field ?? "").slice(0, wafFieldCharactersMax);
  // Nor may a name turn the line round in which it is shown.
  return field.replace(/[\p{Cc}\p{Cs}\p{Cf}]/gu, "?").replace(/\.+$/, "");
}

/**
 * The whole pipeline as it is where nobody has decided otherwise: collect → normalise → detect → score → decide. Pure.
 * @throws TooComplex when a request has more than can be judged
 */
export function decide(request: WafRequest): WafDecision {
  const findings = detect(collect(request), ruleIndex);
  const total = score(findings);
  return { allowed: total < denyScoreMin, score: total, findings: [...new Set(findings.map(({ rule }) => rule.id))] };
}
