/** What an organisation decides about the firewall at its door. Pure: studio checks it, the edge judges by it. */
import { type WafRuleId, wafCatalogue } from "./waf-catalogue.ts";
import { isPrintable, issuesOfCondition, parseCondition, type WafCondition, type WafIssue } from "./waf-condition.ts";
import { isOrgEndpoint } from "./waf-endpoint.ts";

/** `log`: nothing is refused, and what would have been is kept for the administrator. */
export const wafModes = ["block", "log"] as const;
export type WafMode = (typeof wafModes)[number];
/** What becomes of one of the platform's rules; without a word of its own it does what the mode says. */
export const wafOverrides = ["block", "log", "off"] as const;
export type WafOverride = (typeof wafOverrides)[number];
/**
 * From which sum of signs in one text a request is refused. A critical sign is 5, an error 4, a warning 3, a notice
 * 2: with `high` one error is enough, with `low` a critical sign needs another beside it.
 */
export const sensitivities = { low: 7, normal: 5, high: 4 } as const;
export type Sensitivity = keyof typeof sensitivities;
export const wafActions = ["block", "log", "skip"] as const;

/** One rule of the organisation's own. They are asked in their order, before the platform's. */
export interface WafRule {
  /** What people call it; no two are called the same. */
  readonly name: string;
  /** `skip`: neither the rules below it nor the platform's are asked, but for those of {@link isFloor}. */
  readonly action: (typeof wafActions)[number];
  /** Whether all conditions must hold or any. */
  readonly match: "all" | "any";
  readonly conditions: readonly WafCondition[];
}

/** "Allow this": one rule of the platform's says nothing of one field of one endpoint until a day. */
export interface WafAllowance {
  readonly rule: WafRuleId;
  readonly endpoint: string;
  /** As findings name it: `body.title`, `query.q`, `header.referer`. */
  readonly field: string;
  /** RFC 3339. */
  readonly until: string;
}

export interface WafPolicy {
  readonly mode: WafMode;
  readonly sensitivity: Sensitivity;
  readonly overrides: Readonly<Partial<Record<WafRuleId, WafOverride>>>;
  readonly rules: readonly WafRule[];
  readonly allowances: readonly WafAllowance[];
}

/** What holds where nothing was decided, and for requests that address no organisation. */
export const defaultWafPolicy: WafPolicy = {
  mode: "block",
  sensitivity: "normal",
  overrides: {},
  rules: [],
  allowances: [],
};

/** Rules of one organisation. Each is asked of every request to it. */
export const wafRulesMax = 50;
/** Conditions of one rule, and of all rules: a request meets 200 comparisons at most, some 20 µs. */
export const ruleConditionsMax = 10;
export const conditionsMax = 200;
/** Patterns of all rules. They are compiled once a minute in each isolate, at 0.3 ms each. */
export const patternsMax = 20;
/** Exemptions at a time; whoever needs more wants a rule turned off. */
export const allowancesMax = 100;
/**
 * The whole of it as JSON, in characters: the edge reads it with every other policy, keeps it for a minute, and has
 * 128 MiB. Two hundred ordinary conditions are half of it.
 */
export const wafPolicyCharactersMax = 32 * 1024;
const ruleNameCharactersMax = 60;
export const wafFieldCharactersMax = 120;

/**
 * A rule that no organisation can turn off, skip or exempt: what it stops is aimed at the protocols between the units
 * that all organisations share, and no honest text has it.
 */
export const isFloor = (rule: WafRuleId): boolean => wafCatalogue[rule].class === "protocol";

export const isWafRuleId = (text: unknown): text is WafRuleId =>
  typeof text === "string" && Object.hasOwn(wafCatalogue, text);

/** Everything that is wrong with a policy that somebody wants; none where it may hold. */
export function issuesOfPolicy(policy: WafPolicy): WafIssue[] {
  const form = issuesOfForm(policy);
  return form.length > 0 ? form : issuesOfNames(policy);
}

/** What no policy may be, whoever wrote it. */
function issuesOfForm(policy: WafPolicy): WafIssue[] {
  const { rules, allowances } = policy;
  const conditions = rules.flatMap((rule) => rule.conditions);
  const patterns = conditions.filter(({ operator }) => operator === "matches").length;
  const tooMany = (path: string, count: number, max: number): WafIssue[] =>
    count > max ? [{ path, message: `must be at most ${max}; there are ${count}` }] : [];
  const bounds = [
    ...tooMany("rules", rules.length, wafRulesMax),
    ...tooMany("rules.conditions", conditions.length, conditionsMax),
    ...tooMany("rules.conditions.matches", patterns, patternsMax),
    ...tooMany("allowances", allowances.length, allowancesMax),
  ];
  // What is too many is not compiled.
  if (bounds.length > 0) return bounds;
  const characters = JSON.stringify(policy).length;
  return [
    ...tooMany("characters", characters, wafPolicyCharactersMax),
    ...rules.flatMap((rule, index) => at(`rules.${index}`, issuesOfRule(rule, rules.slice(0, index)))),
  ];
}

/**
 * Names that mean nothing here, or that no policy may name. One that is stored may have them: a release renames
 * rules, and an edge of the release before knows fewer.
 */
function issuesOfNames({ rules, overrides, allowances }: WafPolicy): WafIssue[] {
  const conditions = rules.flatMap((rule, index) =>
    rule.conditions.map((one, place) => ({ one, path: `rules.${index}.conditions.${place}` })),
  );
  return [
    ...conditions.flatMap(({ one, path }) => at(path, issuesOfEndpoint(one))),
    ...Object.keys(overrides).flatMap((rule) => at(`overrides.${rule}`, issuesOfRuleId(rule))),
    ...allowances.flatMap((one, index) => at(`allowances.${index}`, issuesOfAllowance(one))),
  ];
}

function issuesOfRule({ name, conditions }: WafRule, before: readonly WafRule[]): WafIssue[] {
  const issues: WafIssue[] = [];
  if (name.trim() !== name || name === "" || name.length > ruleNameCharactersMax || !isPrintable(name))
    issues.push({ path: "name", message: `must be 1 to ${ruleNameCharactersMax} characters, no space around them` });
  if (before.some((other) => other.name === name)) issues.push({ path: "name", message: "another rule is called so" });
  if (conditions.length === 0) issues.push({ path: "conditions", message: "must be at least one" });
  if (conditions.length > ruleConditionsMax)
    issues.push({ path: "conditions", message: `must be at most ${ruleConditionsMax}` });
  const inside = conditions.flatMap((one, index) => at(`conditions.${index}`, issuesOfCondition(one)));
  return [...issues, ...inside];
}

/** An endpoint that is none would be a rule that never holds, which is somebody's mistake. */
function issuesOfEndpoint(condition: WafCondition): WafIssue[] {
  if (condition.field !== "endpoint") return [];
  const { operator, value = "", values = [value] } = condition;
  if (operator !== "equals" && operator !== "in") return [{ path: "operator", message: "must be equals or in" }];
  return values.every(isOrgEndpoint) ? [] : [{ path: "value", message: "names no endpoint of an organisation" }];
}

function issuesOfRuleId(rule: string): WafIssue[] {
  if (!isWafRuleId(rule)) return [{ path: "", message: "is no rule of the platform's" }];
  return isFloor(rule) ? [{ path: "", message: "can't be turned off or exempted" }] : [];
}

function issuesOfAllowance({ rule, endpoint, field, until }: WafAllowance): WafIssue[] {
  return [
    ...at("rule", issuesOfRuleId(rule)),
    ...(isOrgEndpoint(endpoint) ? [] : [{ path: "endpoint", message: "names no endpoint of an organisation" }]),
    ...(isFieldName(field) ? [] : [{ path: "field", message: "is no field that a rule looks at" }]),
    ...(Number.isFinite(Date.parse(until)) ? [] : [{ path: "until", message: "must be a time" }]),
  ];
}

/** `path`, or a place and a name in it. */
function isFieldName(field: string): boolean {
  if (field.length > wafFieldCharactersMax || !isPrintable(field)) return false;
  return field === "path" || /^(?:query|header|cookie|body)(?:\..+)?$/.test(field);
}

function at(path: string, issues: readonly WafIssue[]): WafIssue[] {
  return issues.map((one) => ({ path: one.path === "" ? path : `${path}.${one.path}`, message: one.message }));
}

/**
 * Parses what is stored or published. Anything not exactly right is null, and a null policy refuses; only a word about
 * a rule that does not exist here is passed over, as there is nothing for it to be about.
 */
export function parseWafPolicy(json: unknown): WafPolicy | null {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return null;
  const { mode, sensitivity, overrides, rules, allowances, ...rest } = json as Record<string, unknown>;
  const known = wafModes.find((one) => one === mode);
  const level = (Object.keys(sensitivities) as Sensitivity[]).find((one) => one === sensitivity);
  const parsedRules = listOf(rules, parseRule);
  const parsedAllowances = parseAllowances(allowances);
  const parsedOverrides = parseOverrides(overrides);
  if (known === undefined || level === undefined || Object.keys(rest).length > 0) return null;
  if (parsedRules === null || parsedAllowances === null || parsedOverrides === null) return null;
  const policy: WafPolicy = {
    mode: known,
    sensitivity: level,
    overrides: parsedOverrides,
    rules: parsedRules,
    allowances: parsedAllowances,
  };
  return issuesOfForm(policy).length === 0 ? policy : null;
}

function parseRule(json: unknown): WafRule | null {
  if (typeof json !== "object" || json === null) return null;
  const { name, action, match, conditions } = json as Record<string, unknown>;
  const does = wafActions.find((one) => one === action);
  const parsed = listOf(conditions, parseCondition);
  if (typeof name !== "string" || does === undefined || (match !== "all" && match !== "any") || parsed === null)
    return null;
  return { name, action: does, match, conditions: parsed };
}

function parseAllowances(json: unknown): WafAllowance[] | null {
  if (!Array.isArray(json) || json.length > allowancesMax) return null;
  const parsed = json.map(parseAllowance);
  return parsed.includes(null) ? null : parsed.flatMap((one) => (one === null || one === "unknown" ? [] : [one]));
}

function parseAllowance(json: unknown): WafAllowance | "unknown" | null {
  if (typeof json !== "object" || json === null) return null;
  const { rule, endpoint, field, until } = json as Record<string, unknown>;
  const texts = [rule, endpoint, field, until].every((text) => typeof text === "string");
  if (!texts || Number.isNaN(Date.parse(String(until)))) return null;
  if (!isWafRuleId(rule) || isFloor(rule)) return "unknown";
  return { rule, endpoint: String(endpoint), field: String(field), until: String(until) };
}

function parseOverrides(json: unknown): WafPolicy["overrides"] | null {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return null;
  const entries = Object.entries(json);
  if (!entries.every(([, one]) => wafOverrides.some((known) => known === one))) return null;
  return Object.fromEntries(entries.filter(([rule]) => isWafRuleId(rule) && !isFloor(rule)));
}

function listOf<T>(json: unknown, parse: (one: unknown) => T | null): T[] | null {
  if (!Array.isArray(json) || json.length > conditionsMax) return null;
  const parsed = json.map(parse);
  return parsed.every((one) => one !== null) ? (parsed as T[]) : null;
}
