/** What is kept of requests that the firewall judged: what a policy is tried on, and what an administrator sees. */
import { isAsn } from "./geo-policy.ts";
import { parseNetwork } from "./network.ts";
import { isPrintable } from "./waf-condition.ts";
import { isOrgEndpoint } from "./waf-endpoint.ts";
import { isWafRuleId, wafFieldCharactersMax } from "./waf-policy.ts";
import type { WafFinding, WafVerdict } from "./waf-verdict.ts";

/** A finding with the text that it was found in, as far as that is kept (never a whole body, never a secret). */
export interface RecordedFinding extends WafFinding {
  /** Null: nothing is kept of such a field. */
  readonly fragment: string | null;
}

/** Requests that were alike and judged alike. Nothing names a person: a network is a /24 or /48. */
export interface WafRecord {
  readonly outcome: WafVerdict["outcome"];
  readonly score: number;
  /** The organisation's own rules that spoke. */
  readonly rules: readonly string[];
  readonly endpoint: string;
  /** `XX`: unknown. */
  readonly country: string;
  /** 0: unknown. */
  readonly asn: number;
  /** "": unknown. */
  readonly network: string;
  /** "": unknown, or none. */
  readonly userAgent: string;
  readonly findings: readonly RecordedFinding[];
  /** Findings or rules that found no room here: what another policy would say of these can't be told. */
  readonly partial: boolean;
}

/** Findings and own rules of one record. A payload has two or three signs. */
export const recordFindingsMax = 8;
export const recordRulesMax = 4;
export const userAgentCharactersMax = 160;
/** Characters of a text that an administrator is shown: enough to see what it is. */
export const fragmentKeptMax = 80;
/** Days that they are kept. */
export const wafRecordDays = 7;

/** Where it came from and what it said are left out, so that a flood of variants is few records. */
export function coarserRecord(record: WafRecord): WafRecord {
  return { ...record, asn: 0, network: "", userAgent: "", rules: [], findings: [], partial: true };
}

/** Two of one key are one record; the fragments kept are the first one's. */
export function recordKey({ findings, ...record }: WafRecord): string {
  const { outcome, score, rules, endpoint, country, asn, network, userAgent, partial } = record;
  const found = findings.map(({ rule, input, field }) => [rule, input, field]);
  return JSON.stringify([outcome, score, rules, endpoint, country, asn, network, userAgent, partial, found]);
}

const outcomes: readonly WafVerdict["outcome"][] = ["pass", "log", "block"];
/** Texts of one request that are told apart; the collector takes no more. */
const inputsMax = 4096;

/** Reads a record back, from another unit or from storage; null for anything that our edge does not make. */
export function parseWafRecord(json: unknown): WafRecord | null {
  if (typeof json !== "object" || json === null) return null;
  const value = json as Readonly<Record<string, unknown>>;
  const { score, rules, endpoint, country, asn, network, userAgent, findings, partial } = value;
  const outcome = outcomes.find((one) => one === value["outcome"]);
  const parsed = Array.isArray(findings) && findings.length <= recordFindingsMax ? findings.map(parseFinding) : [null];
  const rulesOk = Array.isArray(rules) && rules.length <= recordRulesMax && rules.every((one) => isText(one, 60));
  if (outcome === undefined || !rulesOk || parsed.includes(null) || typeof partial !== "boolean") return null;
  if (typeof score !== "number" || !Number.isInteger(score) || score < 0 || score > 1000) return null;
  if (typeof endpoint !== "string" || !isOrgEndpoint(endpoint)) return null;
  if (typeof country !== "string" || !/^[A-Z][A-Z0-9]$/.test(country) || (asn !== 0 && !isAsn(asn))) return null;
  if (network !== "" && parseNetwork(network) === null) return null;
  if (!isText(userAgent, userAgentCharactersMax)) return null;
  return {
    outcome,
    score,
    rules: rules as string[],
    endpoint,
    country,
    asn,
    network: network as string,
    userAgent,
    findings: parsed as RecordedFinding[],
    partial,
  };
}

function parseFinding(json: unknown): RecordedFinding | null {
  if (typeof json !== "object" || json === null) return null;
  const { rule, input, field, fragment } = json as Readonly<Record<string, unknown>>;
  const place = typeof input === "number" && Number.isInteger(input) && input >= 0 && input < inputsMax;
  if (!isWafRuleId(rule) || !place || !isText(field, wafFieldCharactersMax)) return null;
  if (fragment !== null && !isText(fragment, fragmentKeptMax)) return null;
  return { rule, input, field, fragment };
}

const isText = (value: unknown, charactersMax: number): value is string =>
  typeof value === "string" && value.length <= charactersMax && isPrintable(value);
