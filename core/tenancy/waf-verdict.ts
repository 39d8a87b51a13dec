/** What becomes of a request by an organisation's policy. Pure: the edge judges by it, and a trial judges again by it. */
import { type WafRuleId, wafCatalogue } from "./waf-catalogue.ts";
import { askRule, patternBudget, type WafFacts } from "./waf-match.ts";
import { isFloor, sensitivities, type WafOverride, type WafPolicy } from "./waf-policy.ts";

/** What each sign weighs (docs/waf-rules.md). */
export const severityScores = { critical: 5, error: 4, warning: 3, notice: 2 } as const;

/** One of the platform's rules found its sign. */
export interface WafFinding {
  readonly rule: WafRuleId;
  /** Which of the request's texts; signs add up within one. */
  readonly input: number;
  /** Where that text stood: `path`, `query.q`, `header.referer`, `cookie.c`, `body.user.name`. */
  readonly field: string;
}

/** A request, as far as a policy is concerned. */
export interface JudgedRequest {
  /** Null: none of an organisation's. */
  readonly endpoint: string | null;
  /** Whether the organisation's own rules leave it alone (waf-endpoint.ts). */
  readonly wayBack: boolean;
  readonly facts: WafFacts;
  /** What the platform's rules found; asked for once at most. */
  readonly findings: () => readonly WafFinding[];
}

export interface WafVerdict {
  readonly outcome: "pass" | "log" | "block";
  /** The highest sum of one text; of what was only to be logged too. */
  readonly score: number;
  /** Names of the organisation's own rules that spoke, the one that decided last. */
  readonly rules: readonly string[];
  readonly findings: readonly WafFinding[];
  /** What one of the own rules looks at was not known, or was more than it may look at. */
  readonly doubtful: boolean;
}

/** Judges a request by a policy at a moment (Unix milliseconds). */
export function judgeWaf(policy: WafPolicy, request: JudgedRequest, nowMs: number): WafVerdict {
  const own = askOwn(policy, request);
  if (own.ends === "block" && policy.mode === "block")
    return { outcome: "block", score: 0, rules: own.rules, findings: [], doubtful: own.doubtful };
  const findings = request.findings();
  const ownLogs = own.ends === "block" || own.logged;
  const { rules, doubtful } = own;
  if (findings.length === 0) return { outcome: ownLogs ? "log" : "pass", score: 0, rules, findings, doubtful };
  const effects = findings.map((finding) => effectOf(policy, finding, request.endpoint, own.ends === "skip", nowMs));
  const counted = (takes: (effect: WafOverride, rule: WafRuleId) => boolean): number =>
    highestSum(findings.filter(({ rule }, index) => takes(effects[index] ?? "block", rule)));
  const score = counted((effect) => effect !== "off");
  const limit = sensitivities[policy.sensitivity];
  const blocked =
    counted((effect) => effect === "block") >= limit || counted((_, rule) => isFloor(rule)) >= sensitivities.normal;
  const outcome = blocked ? "block" : ownLogs || score >= limit ? "log" : "pass";
  return { outcome, score, rules, findings, doubtful };
}

interface OwnAnswer {
  readonly ends: "block" | "skip" | null;
  readonly logged: boolean;
  readonly rules: readonly string[];
  readonly doubtful: boolean;
}

/** Asks the organisation's own rules in their order. A doubt never lets in: it blocks and logs, and skips nothing. */
function askOwn(policy: WafPolicy, { facts, wayBack }: JudgedRequest): OwnAnswer {
  const spoke: string[] = [];
  let logged = false;
  let doubtful = false;
  if (policy.rules.length === 0 || wayBack) return { ends: null, logged, rules: spoke, doubtful };
  const budget = patternBudget();
  for (const rule of policy.rules) {
    const answer = askRule(rule, facts, budget);
    doubtful ||= answer === "unknown";
    if (answer === "no" || (answer === "unknown" && rule.action === "skip")) continue;
    spoke.push(rule.name);
    if (rule.action !== "log") return { ends: rule.action, logged, rules: spoke, doubtful };
    logged = true;
  }
  return { ends: null, logged, rules: spoke, doubtful };
}

function effectOf(
  { mode, overrides, allowances }: WafPolicy,
  { rule, field }: WafFinding,
  endpoint: string | null,
  skipped: boolean,
  nowMs: number,
): WafOverride {
  if (isFloor(rule)) return "block";
  if (skipped) return "off";
  const allowed = allowances.some(
    (one) => one.rule === rule && one.field === field && one.endpoint === endpoint && nowMs < Date.parse(one.until),
  );
  return allowed ? "off" : (overrides[rule] ?? mode);
}

/** The heaviest text's sum. */
export function highestSum(findings: readonly WafFinding[]): number {
  const sums = new Map<number, number>();
  for (const { rule, input } of findings)
    sums.set(input, (sums.get(input) ?? 0) + severityScores[wafCatalogue[rule].severity]);
  return Math.max(0, ...sums.values());
}

/** Rules and fields of the least that would have to be exempted for a request to pass. */
export type WafProposal = readonly Pick<WafFinding, "rule" | "field">[];

/**
 * The narrowest exemption for a request that was refused: of each text that weighs too much, the heaviest signs until
 * what is left weighs too little. Null where no exemption would let it pass.
 */
export function proposeAllowance(policy: WafPolicy, findings: readonly WafFinding[]): WafProposal | null {
  if (findings.some(({ rule }) => isFloor(rule))) return null;
  const weightOf = ({ rule }: WafFinding): number => severityScores[wafCatalogue[rule].severity];
  const limit = sensitivities[policy.sensitivity];
  const proposed = new Map<string, Pick<WafFinding, "rule" | "field">>();
  for (const inOne of Map.groupBy(findings, ({ input }) => input).values()) {
    let left = highestSum(inOne);
    for (const finding of inOne.toSorted((one, other) => weightOf(other) - weightOf(one))) {
      if (left < limit) break;
      left -= weightOf(finding);
      proposed.set(`${finding.rule} ${finding.field}`, { rule: finding.rule, field: finding.field });
    }
  }
  return proposed.size === 0 ? null : [...proposed.values()];
}
