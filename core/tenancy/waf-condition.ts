/** Conditions of an organisation's own rules: what they may look at, and what they may ask of it. */
import { isAsn, isCountryCode } from "./geo-policy.ts";
import { parseNetwork } from "./network.ts";
import { compilePattern } from "./waf-pattern.ts";

/** Fields that hold one text. `endpoint` is a method and a route's pattern: `GET /api/v1/orgs/{org}/devices`. */
export const wholeFields = ["endpoint", "path", "query", "user_agent", "referer"] as const;
/** Fields of which there are several, by name: `body` is a text in a JSON body, by the way to it (`user.name`). */
export const namedFields = ["query_value", "header", "cookie", "body"] as const;
/** Fields that are compared as what they are. */
export const listFields = ["method", "country", "asn", "ip"] as const;
export type WholeField = (typeof wholeFields)[number];
export type NamedField = (typeof namedFields)[number];
export type ListField = (typeof listFields)[number];
export const wafFields = [...wholeFields, ...namedFields, ...listFields] as const;

/** What may be asked of a text. `matches` is a pattern (waf-pattern.ts), found anywhere in it. */
export const textOperators = ["equals", "contains", "starts_with", "ends_with", "matches", "in", "exists"] as const;
export type TextOperator = (typeof textOperators)[number];

/** One question. Of a field that holds several values, it is asked whether any of them is so. */
export type WafCondition = TextCondition | ListCondition;
export interface TextCondition {
  readonly field: WholeField | NamedField;
  /** Which of them; of named fields alone. */
  readonly name?: string;
  readonly operator: TextOperator;
  /** For every operator but `in` and `exists`. */
  readonly value?: string;
  /** For `in`. */
  readonly values?: readonly string[];
  /** True: holds where the question's answer is no, so also where there is no such value at all. */
  readonly not?: boolean;
  /** Letters are alike whatever their case. */
  readonly caseless?: boolean;
}
export interface ListCondition {
  readonly field: ListField;
  readonly operator: "in";
  /** Methods, countries (ISO 3166-1), numbers in digits, or addresses and CIDR prefixes. */
  readonly values: readonly string[];
  readonly not?: boolean;
}

/** Longest text to compare with, in characters: a User-Agent, whole. */
export const conditionCharactersMax = 256;
/** Values of one list. */
export const conditionValuesMax = 50;
/** Longest name of a header, a cookie, or way into a body. */
const nameCharactersMax = 100;
export const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;

/** Where something is wrong, from what was read on, and what, in words. */
export interface WafIssue {
  readonly path: string;
  readonly message: string;
}

/** Headers that carry credentials: a rule that compares them would be a list of secrets that many may read. */
const secretHeaders = /^(?:authorization|proxy-authorization|cookie|x-sentinel-.*)$/;

/** A cookie of Sentinel's own (core/rpc/studio.ts): a session, a device that is known, a ceremony. */
export const isOwnCookie = (name: string): boolean => /^__Host-sentinel_/i.test(name);

/** Everything that is wrong with one condition; none where it may be used. */
export function issuesOfCondition(condition: WafCondition): WafIssue[] {
  return isListCondition(condition)
    ? issuesOfList(condition)
    : [...issuesOfName(condition), ...issuesOfText(condition)];
}

export function isListCondition(condition: WafCondition): condition is ListCondition {
  return (listFields as readonly string[]).includes(condition.field);
}
export function isNamedField(field: WafCondition["field"]): field is NamedField {
  return (namedFields as readonly string[]).includes(field);
}

function issuesOfName({ field, name }: TextCondition): WafIssue[] {
  if (!isNamedField(field)) return name === undefined ? [] : [issue("name", `${field} takes no name`)];
  if (name === undefined || name === "") return [issue("name", `${field} needs a name: which of them`)];
  if (name.length > nameCharactersMax) return [issue("name", `must have at most ${nameCharactersMax} characters`)];
  if (field === "header") {
    if (!/^[a-z0-9-]+$/.test(name)) return [issue("name", "must be a header's name in small letters")];
    return secretHeaders.test(name) ? [issue("name", "no rule looks at a header that carries a credential")] : [];
  }
  if (field === "cookie" && isOwnCookie(name))
    return [issue("name", "no rule looks at a cookie that carries a credential")];
  const isClean = field === "cookie" ? /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) : isPrintable(name);
  return isClean ? [] : [issue("name", "has a character that no such name has")];
}

function issuesOfText({ operator, value, values, caseless }: TextCondition): WafIssue[] {
  const surplus = [
    ...(value !== undefined && (operator === "in" || operator === "exists")
      ? [issue("value", `not with ${operator}`)]
      : []),
    ...(values !== undefined && operator !== "in" ? [issue("values", `not with ${operator}`)] : []),
  ];
  if (surplus.length > 0 || operator === "exists") return surplus;
  if (operator === "in") return issuesOfValues(values, issueOfValue);
  const wrong = value === undefined ? "is missing" : issueOfValue(value);
  if (wrong !== null) return [issue("value", wrong)];
  if (operator !== "matches") return [];
  const compiled = compilePattern(value ?? "", caseless === true);
  return typeof compiled === "string" ? [issue("value", compiled)] : [];
}

const wrongInList: Readonly<Record<ListField, (text: string) => string | null>> = {
  method: (text) => ((methods as readonly string[]).includes(text) ? null : `must be one of ${methods.join(", ")}`),
  country: (text) => (isCountryCode(text) ? null : "must be an ISO 3166-1 alpha-2 country code"),
  asn: (text) =>
    /^[1-9]\d{0,9}$/.test(text) && isAsn(Number(text)) ? null : "must be an autonomous system number, in digits",
  ip: (text) =>
    parseNetwork(text) === null ? "must be an address or a CIDR prefix without bits beyond its length" : null,
};

function issuesOfList({ field, values }: ListCondition): WafIssue[] {
  return issuesOfValues(values, wrongInList[field]);
}

function issuesOfValues(values: readonly string[] | undefined, wrongWith: (text: string) => string | null): WafIssue[] {
  if (values === undefined || values.length === 0) return [issue("values", "must name at least one")];
  if (values.length > conditionValuesMax) return [issue("values", `must name at most ${conditionValuesMax}`)];
  if (new Set(values).size < values.length) return [issue("values", "must not name one twice")];
  return values.flatMap((value, index) => {
    const wrong = wrongWith(value);
    return wrong === null ? [] : [issue(`values.${index}`, wrong)];
  });
}

function issueOfValue(value: string): string | null {
  if (value === "") return "must not be empty";
  if (value.length > conditionCharactersMax) return `must have at most ${conditionCharactersMax} characters`;
  return isPrintable(value) ? null : "must have no control characters";
}

/** No control character, and no half of a character (a lone surrogate, which JSON can write and UTF-8 can't). */
export const isPrintable = (text: string): boolean => !/[\p{Cc}\p{Cs}]/u.test(text);

const issue = (path: string, message: string): WafIssue => ({ path, message });

/** Reads one condition as it was stored, as far as its form goes; null where it is none. */
export function parseCondition(json: unknown): WafCondition | null {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return null;
  const { field, name, operator, value, values, not, caseless, ...rest } = json as Record<string, unknown>;
  const known = wafFields.find((one) => one === field);
  const asked = textOperators.find((one) => one === operator);
  const flagsOk = [not, caseless].every((flag) => flag === undefined || typeof flag === "boolean");
  const textsOk = [name, value].every((text) => text === undefined || typeof text === "string");
  const list = values === undefined ? undefined : listOfTexts(values);
  if (known === undefined || asked === undefined || !flagsOk || !textsOk || list === null) return null;
  if (Object.keys(rest).length > 0) return null;
  const isList = (listFields as readonly string[]).includes(known);
  if (isList && (asked !== "in" || name !== undefined || value !== undefined || caseless !== undefined)) return null;
  return json as WafCondition;
}

function listOfTexts(json: unknown): readonly string[] | null {
  if (!Array.isArray(json) || json.length > conditionValuesMax) return null;
  return json.every((one) => typeof one === "string") ? json : null;
}
