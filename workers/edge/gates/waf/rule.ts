/** Where a piece of text came from. A rule names the places in which its sign means something. */
export type WafTarget =
  | "path"
  | "query_name"
  | "query_value"
  | "body_key"
  | "body_value"
  | "user_agent"
  | "referer"
  | "cookie";

export type AttackClass =
  | "sql_injection"
  | "cross_site_scripting"
  | "path_traversal"
  | "command_injection"
  | "code_injection"
  | "protocol"
  | "scanner"
  | "restricted_path";

/**
 * What one sign weighs. A request is refused at {@link denyScoreMin} in one piece of text: a critical sign
 * alone, or two weaker ones together. One weak sign never blocks: people write odd things.
 */
export const severityScores = { critical: 5, error: 4, warning: 3 } as const;
export type Severity = keyof typeof severityScores;
export const denyScoreMin = 5;

/** A piece of text that is tried as an example, in one of the rule's targets. */
export interface RuleExamples {
  /** The whole pipeline refuses it, and this rule is among the reasons. */
  readonly blocks: readonly [string, ...string[]];
  /** Honest text that looks similar: the whole pipeline lets it through. */
  readonly passes: readonly [string, ...string[]];
}

/**
 * One rule as data. `pattern` is matched against lower-case text with single spaces (normalise.ts), and
 * holds bounded repetitions only ({m,n}; a test forbids `*`, `+` and `{n,}`), so that no input can make it slow.
 */
export interface WafRule {
  readonly id: string;
  readonly class: AttackClass;
  readonly severity: Severity;
  readonly why: string;
  readonly targets: readonly [WafTarget, ...WafTarget[]];
  readonly pattern: RegExp;
  readonly examples: RuleExamples;
}

/** Text that a client composes freely and something behind us may interpret. */
export const freeText = ["query_value", "body_value", "cookie", "referer", "user_agent", "path"] as const;
/** Free text and the names it stands under. */
export const everywhere = [...freeText, "query_name", "body_key"] as const;
