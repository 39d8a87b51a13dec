import * as z from "zod/mini";
import { call, path } from "./client.ts";

export const wafFields = [
  "endpoint",
  "path",
  "query",
  "query_value",
  "header",
  "cookie",
  "body",
  "user_agent",
  "referer",
  "method",
  "country",
  "asn",
  "ip",
] as const;
export const wafOperators = ["equals", "contains", "starts_with", "ends_with", "matches", "in", "exists"] as const;
export const wafActions = ["block", "log", "skip"] as const;
export const wafModes = ["block", "log"] as const;
export const wafSensitivities = ["low", "normal", "high"] as const;
const overrides = ["block", "log", "off"] as const;

const conditionSchema = z.object({
  field: z.enum(wafFields),
  name: z.optional(z.string()),
  operator: z.enum(wafOperators),
  value: z.optional(z.string()),
  values: z.optional(z.array(z.string())),
  not: z.optional(z.boolean()),
  caseless: z.optional(z.boolean()),
});
export type WafCondition = z.infer<typeof conditionSchema>;
const ruleSchema = z.object({
  name: z.string(),
  action: z.enum(wafActions),
  match: z.enum(["all", "any"]),
  conditions: z.array(conditionSchema),
});
export type WafRule = z.infer<typeof ruleSchema>;
const allowanceSchema = z.object({ rule: z.string(), endpoint: z.string(), field: z.string(), until: z.string() });
export type WafAllowance = z.infer<typeof allowanceSchema>;
const policySchema = z.object({
  mode: z.enum(wafModes),
  sensitivity: z.enum(wafSensitivities),
  overrides: z.record(z.string(), z.enum(overrides)),
  rules: z.array(ruleSchema),
  allowances: z.array(allowanceSchema),
  version: z.string(),
});
export type WafPolicy = z.infer<typeof policySchema>;

const placeSchema = z.object({ rule: z.string(), field: z.string() });
const decisionSchema = z.object({
  id: z.string(),
  outcome: z.enum(["pass", "log", "block"]),
  score: z.number(),
  own_rules: z.array(z.string()),
  endpoint: z.string(),
  country: z.string(),
  network: z.nullable(z.string()),
  user_agent: z.nullable(z.string()),
  findings: z.array(z.extend(placeSchema, { severity: z.string(), why: z.string(), fragment: z.nullable(z.string()) })),
  count: z.number(),
  last_at: z.string(),
  allow: z.nullable(z.array(placeSchema)),
});
export type WafDecision = z.infer<typeof decisionSchema>;

const replaySchema = z.object({
  days: z.number(),
  requests: z.number(),
  newly_refused: z.number(),
  newly_passed: z.number(),
  undetermined: z.number(),
  changed: z.array(z.extend(decisionSchema, { change: z.enum(["newly_refused", "newly_passed", "undetermined"]) })),
});
export type WafReplay = z.infer<typeof replaySchema>;

export const wafKey = (org: string) => ["policies", org, "waf"] as const;
export const wafDecisionsKey = (org: string) => ["policies", org, "waf", "decisions"] as const;

const wafPath = (org: string, ...rest: readonly string[]): string => path("orgs", org, "policies", "waf", ...rest);

export function getWaf(org: string, signal: AbortSignal): Promise<WafPolicy> {
  return call(wafPath(org), policySchema, { signal });
}

export function putWaf(org: string, policy: WafPolicy): Promise<WafPolicy> {
  return call(wafPath(org), policySchema, { method: "PUT", body: policy });
}

/** What it would have changed of the last seven days. */
export function replayWaf(org: string, { version: _, ...body }: WafPolicy): Promise<WafReplay> {
  return call(wafPath(org, "replay"), replaySchema, { method: "POST", body });
}

export async function listWafDecisions(org: string, signal: AbortSignal): Promise<WafDecision[]> {
  return (await call(wafPath(org, "decisions"), z.object({ items: z.array(decisionSchema) }), { signal })).items;
}

export function allowWaf(
  org: string,
  wanted: { endpoint: string; items: readonly { rule: string; field: string }[]; until: string },
): Promise<WafPolicy> {
  return call(wafPath(org, "allowances"), policySchema, { method: "POST", body: wanted });
}
