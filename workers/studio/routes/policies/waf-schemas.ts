import { z } from "@hono/zod-openapi";
import {
  conditionCharactersMax,
  conditionValuesMax,
  textOperators,
  type WafCondition,
  wafFields,
} from "../../../../core/tenancy/waf-condition.ts";
import {
  allowancesMax,
  conditionsMax,
  issuesOfPolicy,
  type Sensitivity,
  sensitivities,
  type WafPolicy,
  wafActions,
  wafFieldCharactersMax,
  wafModes,
  wafOverrides,
  wafRulesMax,
} from "../../../../core/tenancy/waf-policy.ts";
import type { FieldError } from "../../http/field-errors.ts";
import { instant } from "../../http/schemas.ts";

const text = z.string().max(conditionCharactersMax);
const condition = z.strictObject({
  field: z.enum(wafFields),
  name: z.string().max(wafFieldCharactersMax).optional(),
  operator: z.enum(textOperators),
  value: text.optional(),
  values: z.array(text).max(conditionValuesMax).optional(),
  not: z.boolean().optional(),
  caseless: z.boolean().optional(),
});
const rule = z.strictObject({
  name: z.string().max(wafFieldCharactersMax),
  action: z.enum(wafActions),
  match: z.enum(["all", "any"]),
  conditions: z.array(condition).max(conditionsMax),
});
/** A rule of the platform's, by its id (docs/waf-rules.md). */
export const ruleId = z.string().max(60);
const endpoint = z.string().max(200);
const field = z.string().max(wafFieldCharactersMax);
const allowance = z.strictObject({ rule: ruleId, endpoint, field, until: z.string().max(40) });

const levels = Object.keys(sensitivities) as [Sensitivity, ...Sensitivity[]];

/** A policy that somebody wants to hold, or to try. What it means is checked by core. */
export const wafWanted = z.strictObject({
  mode: z.enum(wafModes),
  sensitivity: z.enum(levels),
  overrides: z.record(ruleId, z.enum(wafOverrides)),
  rules: z.array(rule).max(wafRulesMax + 1),
  allowances: z.array(allowance).max(allowancesMax + 1),
});
/** … decided on what `version` of the organisation's policies said. */
export const wafChange = wafWanted.extend({ version: z.string().regex(/^\d{1,18}$/) });

export const wafAnswer = z.object({
  mode: z.enum(wafModes),
  sensitivity: z.enum(levels),
  overrides: z.record(z.string(), z.enum(wafOverrides)),
  rules: z.array(rule),
  allowances: z.array(z.object({ rule: z.string(), endpoint: z.string(), field: z.string(), until: instant })),
  /** To be sent back with a change. */
  version: z.string(),
});

/** What an exemption is asked for: some rules, each for one field, of one endpoint. */
export const wafAllow = z.strictObject({
  endpoint,
  items: z
    .array(z.strictObject({ rule: ruleId, field }))
    .min(1)
    .max(8),
  until: z.string().max(40),
});

/** Longest time that an exemption lasts, in milliseconds: by then a rule that is wrong has been mended. */
const allowanceMsMax = 92 * 24 * 3600_000;
/** Errors in one answer. */
const errorsMax = 20;

/**
 * The policy that was asked for, without exemptions that are over, or what is wrong with it and where.
 * @param nowMs Unix milliseconds
 */
export function wafPolicyOf(wanted: z.output<typeof wafWanted>, nowMs: number): WafPolicy | readonly FieldError[] {
  const { mode, sensitivity, overrides, rules } = wanted;
  const conditions = (given: (typeof rules)[number]["conditions"]): WafCondition[] =>
    given.map((one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)) as never);
  const policy = {
    mode,
    sensitivity,
    overrides,
    rules: rules.map((one) => ({ ...one, conditions: conditions(one.conditions) })),
    allowances: wanted.allowances.filter(({ until }) => !(Date.parse(until) <= nowMs)),
  } as WafPolicy;
  const forms = rules.flatMap((one, index) =>
    one.conditions.flatMap((given, place) => formErrors(given, `rules.${index}.conditions.${place}`)),
  );
  const late = policy.allowances.flatMap(({ until }, index) =>
    Date.parse(until) > nowMs + allowanceMsMax
      ? [{ path: `allowances.${index}.until`, message: "must be within the next 92 days" }]
      : [],
  );
  const errors = [...forms, ...late];
  const all = errors.length > 0 ? errors : issuesOfPolicy(policy);
  return all.length > 0 ? all.slice(0, errorsMax) : policy;
}

/** Fields that are compared as what they are take a list and nothing else. */
function formErrors(given: z.output<typeof condition>, path: string): FieldError[] {
  if (!["method", "country", "asn", "ip"].includes(given.field)) return [];
  if (given.operator !== "in") return [{ path: `${path}.operator`, message: "must be in" }];
  const surplus = (["name", "value", "caseless"] as const).filter((key) => given[key] !== undefined);
  return surplus.map((key) => ({ path: `${path}.${key}`, message: `${given.field} takes none` }));
}

export function wafView(policy: WafPolicy, version: string): z.input<typeof wafAnswer> {
  const { mode, sensitivity, overrides, rules, allowances } = policy;
  return {
    mode,
    sensitivity,
    overrides: { ...overrides },
    rules: rules.map((one) => ({ ...one, conditions: one.conditions.map((each) => ({ ...each })) })) as never,
    allowances: allowances.map((one) => ({ ...one })),
    version,
  };
}
