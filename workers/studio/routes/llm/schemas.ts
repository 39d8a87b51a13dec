import { z } from "@hono/zod-openapi";
import * as provider from "../../../../core/llm/provider.ts";
import { addressCharactersMax } from "../../../../core/outside-address.ts";
import type { LlmProvider, LlmUsage, PlatformModel } from "../../../../core/rpc/llm.ts";
import { idOf, idText, instant, nameOf } from "../../http/schemas.ts";

export const providerParams = z.strictObject({ llm_provider: idOf("llmProvider") });

const modelName = z
  .string()
  .min(1)
  .max(provider.modelCharactersMax)
  // Workers AI's begin with an at sign.
  .regex(/^@?[A-Za-z0-9][A-Za-z0-9._:/@-]*$/, "must be the name of a model");
const price = z.int().min(0).max(provider.priceMicrosMax);
const models = z
  .array(
    z.strictObject({
      name: modelName,
      /** What the provider calls it; the same, unless it says otherwise. */
      upstream: modelName.optional(),
      /** Micro-dollars for a million tokens: 150000 is 0.15 dollars. With `workers_ai` the operator says it, and nobody here. */
      input_micros_per_million: price.optional(),
      output_micros_per_million: price.optional(),
    }),
  )
  .min(1)
  .max(provider.modelsMax)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "must not name a model twice");

export const keyField = z
  .string()
  .min(8)
  .max(provider.keyCharactersMax)
  .regex(/^[\x21-\x7e]+$/, "must be visible ASCII characters");

const settings = {
  name: nameOf(provider.nameCharactersMax),
  /** How it is spoken to. */
  kind: z.enum(provider.providerKinds).default("openai"),
  /** Whether it may be called, capabilities decide, who call it. None with `workers_ai`. */
  base_url: z
    .string()
    .max(addressCharactersMax)
    .refine((text) => URL.canParse(text), "must be an address")
    .optional(),
  models,
  roles: z
    .array(z.enum(provider.askingRoles))
    .max(provider.askingRoles.length)
    .transform((roles) => [...new Set(roles)]),
  /** Micro-dollars a month in UTC; nothing is asked past it. */
  monthly_budget_micros: z.int().min(0).max(provider.budgetMicrosMax),
  /** Of two that offer a model the lower is asked first. */
  place: z.int().min(0).max(provider.placeMax).default(0),
  /** E-mail addresses, telephone and other numbers, and names leave as placeholders. */
  mask_personal_data: z.boolean().default(true),
  /** Days past its month for which a key goes on being used; 7 unless given. None with `workers_ai`. */
  grace_days: z.int().min(0).max(provider.graceDaysMax).optional(),
};
export const newProvider = z
  .strictObject({ ...settings, key: keyField.optional() })
  .superRefine((given, context) => isOneKind({ needsKey: true }, given, context));
export const changedProvider = z
  .strictObject({
    ...settings,
    key: keyField.optional(),
    /** False where the key before leaked: it ends at once. */
    keep_previous_key: z.boolean().default(true),
  })
  .superRefine((given, context) => isOneKind({ needsKey: false }, given, context));

type Given = Omit<z.output<typeof newProvider>, "key">;

/** An address and a key are given with every kind but the platform's own models, and never with those. */
function isOneKind(
  { needsKey }: { readonly needsKey: boolean },
  given: z.output<typeof newProvider>,
  context: z.RefinementCtx,
): void {
  const say = (path: (string | number)[], message: string): void => context.addIssue({ code: "custom", path, message });
  const isPlatform = given.kind === "workers_ai";
  const wanted = { base_url: true, key: needsKey, grace_days: false };
  for (const field of ["base_url", "key", "grace_days"] as const) {
    if (isPlatform && given[field] !== undefined)
      say([field], "is none of workers_ai: the operator's binding is asked");
    if (!isPlatform && wanted[field] && given[field] === undefined) say([field], "is required");
  }
  for (const [index, model] of given.models.entries())
    for (const field of ["input_micros_per_million", "output_micros_per_million"] as const) {
      const [path, isGiven] = [["models", index, field], model[field] !== undefined];
      if (isPlatform && isGiven) say(path, "is the operator's to say with workers_ai");
      if (!isPlatform && !isGiven) say(path, "is required: what the provider bills");
    }
}

/** @param given what {@link isOneKind} let through; each `?? 0` is what it refuses */
export function settingsOf(given: Given): provider.ProviderSettings {
  const common = {
    name: given.name,
    models: given.models.map((model) => ({
      name: model.name,
      upstream: model.upstream ?? model.name,
      inputMicros: model.input_micros_per_million ?? 0,
      outputMicros: model.output_micros_per_million ?? 0,
    })),
    roles: given.roles,
    monthlyBudgetMicros: given.monthly_budget_micros,
    place: given.place,
    masks: given.mask_personal_data,
  };
  if (given.kind === "workers_ai") return { ...common, kind: given.kind, baseUrl: null, graceDays: null };
  return {
    ...common,
    kind: given.kind,
    baseUrl: given.base_url ?? "",
    graceDays: given.grace_days ?? graceDaysDefault,
  };
}

const graceDaysDefault = 7;

/** The key before, while it is valid too. */
export const previousKey = z.object({ fingerprint: z.string(), until: instant }).nullable();

export const providerAnswer = z.object({
  id: idText,
  name: z.string(),
  kind: z.enum(provider.providerKinds),
  /** Null with `workers_ai`, as everything of a key. */
  base_url: z.string().nullable(),
  models: z.array(
    z.object({
      name: z.string(),
      upstream: z.string(),
      input_micros_per_million: z.int(),
      output_micros_per_million: z.int(),
      /** True: Sentinel's guess, above what it should be, until somebody writes down what the provider bills. */
      assumed_price: z.boolean(),
    }),
  ),
  roles: z.array(z.enum(provider.askingRoles)),
  monthly_budget_micros: z.int(),
  /** This month's, with requests under way at what they can cost at most. */
  spent_micros: z.int(),
  place: z.int(),
  mask_personal_data: z.boolean(),
  grace_days: z.int().nullable(),
  key: z
    .object({
      /** The first 64 bits of its SHA-256. */
      fingerprint: z.string(),
      since: instant,
      due_at: instant,
      blocked_at: instant,
    })
    .nullable(),
  previous_key: previousKey,
  created_by: idText,
  created_at: instant,
});

/** What the operator offers of the platform's own models; null: nothing, and then nobody can add them. */
export const platformAnswer = z
  .object({
    models: z.array(
      z.object({ upstream: z.string(), input_micros_per_million: z.int(), output_micros_per_million: z.int() }),
    ),
    /** What the plan allows of them in a month, whatever budgets say. */
    monthly_micros_max: z.int(),
  })
  .nullable();

export const platformView = (
  models: readonly PlatformModel[],
  monthly_micros_max: number,
): z.input<typeof platformAnswer> => ({
  models: models.map(({ upstream, inputMicros, outputMicros }) => ({
    upstream,
    input_micros_per_million: inputMicros,
    output_micros_per_million: outputMicros,
  })),
  monthly_micros_max,
});

export const providerView = (shown: LlmProvider): z.input<typeof providerAnswer> => ({
  id: shown.id,
  name: shown.name,
  kind: shown.kind,
  base_url: shown.baseUrl,
  models: shown.models.map((model) => ({
    name: model.name,
    upstream: model.upstream,
    input_micros_per_million: model.inputMicros,
    output_micros_per_million: model.outputMicros,
    assumed_price: model.assumed === true,
  })),
  roles: [...shown.roles],
  monthly_budget_micros: shown.monthlyBudgetMicros,
  spent_micros: shown.spentMicros,
  place: shown.place,
  mask_personal_data: shown.masks,
  grace_days: shown.graceDays,
  key:
    shown.key === null
      ? null
      : {
          fingerprint: shown.key.fingerprint,
          since: shown.key.since,
          due_at: shown.key.dueAt,
          blocked_at: shown.key.blockedAt,
        },
  previous_key: shown.previousKey,
  created_by: shown.createdBy,
  created_at: shown.createdAt,
});

export const usageAnswer = z.object({
  month: z.string(),
  items: z.array(
    z.object({
      user_id: idText,
      provider_id: idText,
      model: z.string(),
      requests: z.int(),
      input_tokens: z.int(),
      output_tokens: z.int(),
      cost_micros: z.int(),
    }),
  ),
});
export const usageView = (one: LlmUsage) => ({
  user_id: one.user,
  provider_id: one.provider,
  model: one.model,
  requests: one.requests,
  input_tokens: one.inputTokens,
  output_tokens: one.outputTokens,
  cost_micros: one.costMicros,
});
