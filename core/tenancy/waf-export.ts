/**
 * Writes an organisation's own rules as expressions of Cloudflare's Rules language, so that a zone's own WAF can carry
 * them. Pure. Fields and operators: developers.cloudflare.com/ruleset-engine/rules-language.
 */
import type { OrgId, OrgSlug } from "../ids.ts";
import { orgPath } from "../routes/route.ts";
import { isListCondition, type ListCondition, type TextCondition, type WafCondition } from "./waf-condition.ts";
import type { WafPolicy, WafRule } from "./waf-policy.ts";

export interface ExportedOrg {
  readonly id: OrgId;
  readonly slug: OrgSlug;
}

/** Longest expression that a zone takes, in characters. */
const expressionCharactersMax = 4096;

/** What a rule can't be written as, in words. */
class Inexpressible extends Error {}

/** One line each: an expression, or a comment that begins with `#`. */
export function exportWaf(org: ExportedOrg, policy: WafPolicy): string[] {
  const { mode, rules, sensitivity, overrides, allowances } = policy;
  const changed = Object.keys(overrides).length + allowances.length;
  return [
    `# ${org.slug} (${org.id}): ${rules.length} rules, for a zone's WAF custom rules, in this order`,
    ...(mode === "log" ? ["# the organisation's mode is log: nothing is refused, whatever a rule says"] : []),
    ...(mode === "log" || sensitivity !== "normal" || changed > 0
      ? ["# can't be expressed: mode, sensitivity, overrides and exemptions of Sentinel's own rules; a zone has others"]
      : []),
    ...rules.flatMap((rule, index) => exportRule(org, rule, { number: index + 1, logs: mode === "log" })),
  ];
}

/** What each action is in a zone. */
const actions: Readonly<Record<WafRule["action"], string>> = {
  block: "block",
  log: "log",
  skip: "skip (all remaining custom rules, all managed rules)",
};

function exportRule(org: ExportedOrg, rule: WafRule, { number, logs }: { number: number; logs: boolean }): string[] {
  const action = logs && rule.action === "block" ? "log" : rule.action;
  const head = ["", `# ${number}. ${rule.name}`, `# action: ${actions[action]}`];
  try {
    const joined = rule.conditions.map((one) => expressionOf(org, one)).join(rule.match === "all" ? " and " : " or ");
    const expression = `${scopeOf(org)} and (${joined})`;
    if (expression.length > expressionCharactersMax)
      throw new Inexpressible(`it has ${expression.length} characters, and a zone takes ${expressionCharactersMax}`);
    return [...head, ...notesOn(rule), expression];
  } catch (error) {
    if (!(error instanceof Inexpressible)) throw error;
    return [...head, `# can't be expressed: ${error.message}`];
  }
}

/** What would be another thing in a zone, or needs more than every plan has. */
function notesOn({ conditions }: WafRule): string[] {
  const of = (test: (one: WafCondition) => boolean): boolean => conditions.some(test);
  return [
    ...(of(({ field }) => field === "body")
      ? ["# needs a plan that looks into bodies; lists in a body are not gone through"]
      : []),
    ...(of(({ field }) => field === "cookie") ? ["# needs a plan that has http.request.cookies"] : []),
    ...(of(({ operator }) => operator === "matches") ? ["# needs a plan that has regular expressions"] : []),
  ];
}

/**
 * Requests to this organisation, however it is named, but for those that its own rules are not asked about: its pages,
 * signing in, its policies (waf-endpoint.ts). A zone has the requests of every organisation.
 */
function scopeOf({ id, slug }: ExportedOrg): string {
  const named = (pattern: string): string[] => [id, slug].map((name) => quote(pattern.replace("{org}", name)));
  const begins = (pattern: string): string =>
    named(pattern)
      .map((text) => `starts_with(http.request.uri.path, ${text})`)
      .join(" or ");
  const itself = `(http.request.uri.path in {${named(orgPath).join(" ")}} and not http.request.method in {"GET" "HEAD"})`;
  const others = [...named("/mqtt/{org}"), ...named("/content/{org}"), ...named("/content/{org}/exports")];
  const wayBack = [`${orgPath}/policies/`, `${orgPath}/auth/`].map(begins).join(" or ");
  return `(((${begins(`${orgPath}/`)}) and not (${wayBack})) or ${itself} or http.request.uri.path in {${others.join(" ")}})`;
}

function expressionOf(org: ExportedOrg, condition: WafCondition): string {
  const expression = isListCondition(condition) ? listExpression(condition) : textExpression(org, condition);
  return condition.not === true ? `not (${expression})` : `(${expression})`;
}

function listExpression({ field, values }: ListCondition): string {
  switch (field) {
    case "method":
      return `http.request.method in {${values.map(quote).join(" ")}}`;
    case "country":
      return `ip.src.country in {${values.map(quote).join(" ")}}`;
    case "asn":
      return `ip.src.asnum in {${values.join(" ")}}`;
    case "ip":
      return `ip.src in {${values.join(" ")}}`;
  }
}

function textExpression(org: ExportedOrg, condition: TextCondition): string {
  if (condition.field === "endpoint")
    return (condition.values ?? [condition.value ?? ""]).map((one) => endpointExpression(org, one)).join(" or ");
  const place = placeOf(condition);
  const asked = questionOf(condition);
  return asked
    .map((question) => (place.several ? `any(${place.text} ${question})` : `${place.text} ${question}`))
    .join(" or ");
}

/** Where the texts are, and whether they are several. */
function placeOf({ field, name = "", operator }: TextCondition): { readonly text: string; readonly several: boolean } {
  const header = (its: string) => ({ text: `http.request.headers[${quote(its)}][*]`, several: true });
  switch (field) {
    case "path":
      return { text: "http.request.uri.path", several: false };
    case "query":
      return { text: "http.request.uri.query", several: false };
    case "user_agent":
      return operator === "exists" ? header("user-agent") : { text: "http.user_agent", several: false };
    case "referer":
      return operator === "exists" ? header("referer") : { text: "http.referer", several: false };
    case "query_value":
      return { text: `url_decode(http.request.uri.args[${quote(name)}][*])[*]`, several: true };
    case "header":
      return header(name);
    case "cookie":
      return { text: `http.request.cookies[${quote(name)}][*]`, several: true };
    case "body":
      return {
        text: `lookup_json_string(http.request.body.raw, ${name.split(".").map(quote).join(", ")})`,
        several: false,
      };
    case "endpoint":
      throw new TypeError("an endpoint is a method and a path");
  }
}

/** The question behind a place; several: any of them. `wildcard` ignores case, `strict wildcard` does not. */
function questionOf({ field, operator, value = "", values = [], caseless = false }: TextCondition): string[] {
  const wildcard = (before: string, text: string, after: string): string =>
    `${caseless ? "" : "strict "}wildcard ${quote(`${before}${escapeWildcard(text)}${after}`)}`;
  switch (operator) {
    case "exists":
      return [field === "query" || field === "body" ? 'ne ""' : 'strict wildcard "*"'];
    case "equals":
      return [caseless ? wildcard("", value, "") : `eq ${quote(value)}`];
    case "in":
      return caseless ? values.map((one) => wildcard("", one, "")) : [`in {${values.map(quote).join(" ")}}`];
    case "contains":
      return [caseless ? wildcard("*", value, "*") : `contains ${quote(value)}`];
    case "starts_with":
      return [wildcard("", value, "*")];
    case "ends_with":
      return [wildcard("*", value, "")];
    case "matches":
      return [`matches ${patternText(value, caseless)}`];
  }
}

/** A method and the paths of a route of this organisation. */
function endpointExpression({ id, slug }: ExportedOrg, endpoint: string): string {
  const [method = "", path = ""] = endpoint.split(" ", 2);
  const methods = method === "GET" ? '{"GET" "HEAD"}' : `{${quote(method)}}`;
  const others = path.replace("{org}", "");
  const where = others.includes("{")
    ? `matches ${patternText(`^${pathPattern(path, [id, slug])}$`, false)}`
    : `in {${[id, slug].map((name) => quote(path.replace("{org}", name))).join(" ")}}`;
  return `(http.request.method in ${methods} and http.request.uri.path ${where})`;
}

/** No route, identifier or slug has a character that means something in a pattern but for the dot. */
function pathPattern(path: string, names: readonly string[]): string {
  return path
    .replaceAll(".", "\\.")
    .replace("{org}", `(?:${names.join("|")})`)
    .replace(/\{\w+\*\}/g, ".+")
    .replace(/\{\w+\}/g, "[^/]+");
}

/** A pattern as a raw string, in which nothing is escaped. */
function patternText(source: string, caseless: boolean): string {
  // RE2 alone has these; a zone's patterns are of Rust's syntax.
  if (/(?<!\\)(?:\\\\)*\\(?:[QC]|[0-7])/.test(source))
    throw new Inexpressible("its pattern has \\Q, \\C or an octal escape, which a zone's patterns have not");
  const pattern = caseless ? `(?i)${source}` : source;
  const longest = Math.max(0, ...[...pattern.matchAll(/"#*/g)].map(([run]) => run.length));
  const hashes = "#".repeat(longest);
  return `r${hashes}"${pattern}"${hashes}`;
}

const quote = (text: string): string => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
/** Within a wildcard an asterisk and a backslash are themselves behind a backslash. */
const escapeWildcard = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("*", "\\*");
