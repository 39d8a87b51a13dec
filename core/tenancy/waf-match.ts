/** Asks an organisation's own rules of one request. Pure: the edge judges by it, and a trial of rules does too. */
import { contains, type Network, parseNetwork } from "./network.ts";
import {
  isListCondition,
  isNamedField,
  type ListCondition,
  type NamedField,
  type TextCondition,
  type WafCondition,
  type WholeField,
} from "./waf-condition.ts";
import { compilePattern, type Pattern } from "./waf-pattern.ts";
import type { WafRule } from "./waf-policy.ts";

/** What a request is to a rule. A text of several values is a list; null: it is not known, so nothing is told of it. */
export interface WafFacts {
  readonly method: string | null;
  readonly country: string | null;
  readonly asn: number | null;
  /** An address; a wider network where no more was kept. */
  readonly network: Network | null;
  readonly whole: (field: WholeField) => readonly string[] | null;
  readonly named: (field: NamedField, name: string) => readonly string[] | null;
}

/** `unknown` where what is asked for is not there to be looked at, or is more than may be looked at. */
export type Answer = "yes" | "no" | "unknown";

/**
 * Characters that patterns may read of one request, all of them together: 80 ms at the very worst (waf-pattern.ts),
 * less than the platform's rules take of the worst body; and twice what 20 patterns read of a User-Agent. What is beyond it is not known, and what is not known never lets in.
 */
export const patternReadMax = 4096;

/** What one request has left to spend on patterns. Written by {@link askRule} alone. */
export interface PatternBudget {
  left: number;
}
export const patternBudget = (): PatternBudget => ({ left: patternReadMax });

/** Whether a request is what the rule is about. */
export function askRule(rule: WafRule, facts: WafFacts, budget: PatternBudget): Answer {
  const decisive = rule.match === "all" ? "no" : "yes";
  let unknown = false;
  for (const condition of rule.conditions) {
    const answer = ask(condition, facts, budget);
    if (answer === decisive) return answer;
    unknown ||= answer === "unknown";
  }
  if (unknown) return "unknown";
  return decisive === "no" ? "yes" : "no";
}

function ask(condition: WafCondition, facts: WafFacts, budget: PatternBudget): Answer {
  const answer = isListCondition(condition) ? askList(condition, facts) : askText(condition, facts, budget);
  if (answer === "unknown" || condition.not !== true) return answer;
  return answer === "yes" ? "no" : "yes";
}

function askList(condition: ListCondition, { method, country, asn, network }: WafFacts): Answer {
  const { field, values } = condition;
  if (field === "ip") {
    if (network === null) return "unknown";
    const listed = networksOf(condition);
    if (listed.some((one) => contains(one, network))) return "yes";
    // A network that is known only as a whole may hold an address that is listed.
    return listed.some((one) => contains(network, one)) ? "unknown" : "no";
  }
  const known = field === "method" ? method : field === "country" ? country : asn === null ? null : String(asn);
  if (known === null) return "unknown";
  return values.includes(known) ? "yes" : "no";
}

function askText(condition: TextCondition, facts: WafFacts, budget: PatternBudget): Answer {
  const { field, name = "" } = condition;
  const values = isNamedField(field) ? facts.named(field, name) : facts.whole(field);
  if (values === null) return "unknown";
  let unknown = false;
  for (const value of values) {
    const answer = askValue(condition, value, budget);
    if (answer === "yes") return "yes";
    unknown ||= answer === "unknown";
  }
  return unknown ? "unknown" : "no";
}

function askValue(condition: TextCondition, value: string, budget: PatternBudget): Answer {
  const { operator, caseless } = condition;
  if (operator === "exists") return "yes";
  if (operator === "matches") {
    if (value.length > budget.left) return "unknown";
    budget.left -= value.length;
    return patternOf(condition)(value) ? "yes" : "no";
  }
  const text = caseless === true ? value.toLowerCase() : value;
  const wanted = (condition.values ?? [condition.value ?? ""]).map((one) =>
    caseless === true ? one.toLowerCase() : one,
  );
  return wanted.some((one) => compare(operator, text, one)) ? "yes" : "no";
}

function compare(
  operator: Exclude<TextCondition["operator"], "exists" | "matches">,
  text: string,
  one: string,
): boolean {
  switch (operator) {
    case "equals":
    case "in":
      return text === one;
    case "contains":
      return text.includes(one);
    case "starts_with":
      return text.startsWith(one);
    case "ends_with":
      return text.endsWith(one);
  }
}

/** Compiled once for as long as the policy is kept: a minute at the edge. */
const patterns = new WeakMap<TextCondition, Pattern>();

/** @throws TypeError: rules are parsed before they are asked, so this is a bug, and a gate that throws refuses */
function patternOf(condition: TextCondition): Pattern {
  const known = patterns.get(condition);
  if (known !== undefined) return known;
  const made = compilePattern(condition.value ?? "", condition.caseless === true);
  if (typeof made === "string") throw new TypeError("a pattern was not parsed");
  patterns.set(condition, made);
  return made;
}

/** Likewise parsed once. */
const networks = new WeakMap<ListCondition, readonly Network[]>();

/** @throws TypeError, likewise */
function networksOf(condition: ListCondition): readonly Network[] {
  const known = networks.get(condition);
  if (known !== undefined) return known;
  const made = condition.values.map((text) => {
    const network = parseNetwork(text);
    if (network === null) throw new TypeError("a network was not parsed");
    return network;
  });
  networks.set(condition, made);
  return made;
}
