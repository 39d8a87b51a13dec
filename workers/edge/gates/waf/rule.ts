import type { WafRuleId } from "../../../../core/tenancy/waf-catalogue.ts";
import { sensitivities } from "../../../../core/tenancy/waf-policy.ts";
import { severityScores } from "../../../../core/tenancy/waf-verdict.ts";
import type { Reading } from "./reading.ts";

export { severityScores };

/** Where a piece of text came from. A rule names the places in which its sign means something. */
export type WafTarget =
  | "path"
  | "query_name"
  | "query_value"
  /** The whole way to a key of a body, form fields included: `body.user.name`. */
  | "body_key"
  | "body_value"
  | "file_name"
  | "file_content"
  | "user_agent"
  | "referer"
  | "cookie"
  /** Any other header's value. */
  | "header";

export type AttackClass =
  | "sql_injection"
  | "nosql_injection"
  | "cross_site_scripting"
  | "path_traversal"
  | "command_injection"
  | "code_injection"
  | "template_injection"
  | "directory_injection"
  | "request_forgery"
  | "upload"
  | "protocol"
  | "scanner"
  | "restricted_path";

export type Severity = keyof typeof severityScores;
/**
 * A request is refused at this sum in one piece of text: a critical sign alone, or two weaker ones together. One weak
 * sign never blocks: people write odd things. An organisation may choose another (core/tenancy/waf-policy.ts).
 */
export const denyScoreMin = sensitivities.normal;

/** A piece of text that is tried as an example, in one of the rule's targets. */
export interface RuleExamples {
  /** The whole pipeline refuses it, and this rule is among the reasons. */
  readonly blocks: readonly [string, ...string[]];
  /** Honest text that looks similar: the whole pipeline lets it through. */
  readonly passes: readonly [string, ...string[]];
}

/**
 * One rule as data. A pattern is matched against lower-case text with single spaces (normalise.ts), and
 * holds bounded repetitions only ({m,n}; a test forbids `*`, `+` and `{n,}`), so that no input can make it
 * slow. A structure is a question to a scanner (detectors/), which reads the text once for all its rules.
 */
export interface WafRule {
  /** Also a line of core/tenancy/waf-catalogue.ts, which a test writes. */
  readonly id: WafRuleId;
  readonly class: AttackClass;
  readonly severity: Severity;
  readonly why: string;
  readonly targets: readonly [WafTarget, ...WafTarget[]];
  readonly sign: RegExp | ((reading: Reading) => boolean);
  /**
   * Characters without which there is no sign: of each string at least one must be there. Saves most rules
   * from looking at most texts.
   */
  readonly needs: readonly string[];
  /** Not a sign in a document (several lines of words in a body): code belongs there. */
  readonly ignoresDocuments?: true;
  /** In a document, not a sign inside what Markdown marks as code. */
  readonly ignoresCode?: true;
  readonly examples: RuleExamples;
}

/** Text that a client composes freely and something behind us may interpret. */
export const freeText = [
  "query_value",
  "body_value",
  "cookie",
  "referer",
  "user_agent",
  "path",
  "header",
  "file_name",
] as const;
/** Free text and the names it stands under. */
export const everywhere = [...freeText, "query_name", "body_key"] as const;

/** A rule found its sign in one input. */
export interface Finding {
  readonly rule: WafRule;
  /** Position of the input in the collected list. */
  readonly input: number;
}
