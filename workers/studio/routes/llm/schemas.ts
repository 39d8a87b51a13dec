import { z } from "@hono/zod-openapi";
import * as provider from "../../../../core/llm/provider.ts";
import { addressCharactersMax } from "../../../../core/outside-address.ts";
import type { LlmProvider, LlmUsage } from "../../../../core/rpc/llm.ts";
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
      /** Micro-dollars for a million tokens: 150000 is 0.15 dollars. */
      input_micros_per_million: price,
      output_micros_per_million: price,
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
  /** Whether it may be called, capabilities decide, who call it. */
  base_url: z
    .string()
    .max(addressCharactersMax)
    .refine((text) => URL.canParse(text), "must be an address"),
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
  /** Days past its month for which a key goes on being used. */
  grace_days: z.int().min(0).max(provider.graceDaysMax).default(7),
};
export const newProvider = z.strictObject({ ...settings, key: keyField });
export const changedProvider = z.strictObject({
  ...settings,
  key: keyField.optional(),
  /** False where the key before leaked: it ends at once. */
  keep_previous_key: z.boolean().default(true),
});

type Given = Omit<z.output<typeof newProvider>, "key">;

export const settingsOf = (given: Given): provider.ProviderSettings => ({
  name: given.name,
  kind: given.kind,
  baseUrl: given.base_url,
  models: given.models.map((model) => ({
    name: model.name,
    upstream: model.upstream ?? model.name,
    inputMicros: model.input_micros_per_million,
    outputMicros: model.output_micros_per_million,
  })),
  roles: given.roles,
  monthlyBudgetMicros: given.monthly_budget_micros,
  place: given.place,
  masks: given.mask_personal_data,
  graceDays: given.grace_days,
});

/** The key before, while it is valid too. */
export const previousKey = z.object({ fingerprint: z.string(), until: instant }).nullable();

export const providerAnswer = z.object({
  id: idText,
  name: z.string(),
  kind: z.enum(provider.providerKinds),
  base_url: z.string(),
  models: z.array(
    z.object({
      name: z.string(),
      upstream: z.string(),
      input_micros_per_million: z.int(),
      output_micros_per_million: z.int(),
    }),
  ),
  roles: z.array(z.enum(provider.askingRoles)),
  monthly_budget_micros: z.int(),
  /** This month's, with requests under way at what they can cost at most. */
  spent_micros: z.int(),
  place: z.int(),
  mask_personal_data: z.boolean(),
  grace_days: z.int(),
  key: z.object({
    /** The first 64 bits of its SHA-256. */
    fingerprint: z.string(),
    since: instant,
    due_at: instant,
    blocked_at: instant,
  }),
  previous_key: previousKey,
  created_by: idText,
  created_at: instant,
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
  })),
  roles: [...shown.roles],
  monthly_budget_micros: shown.monthlyBudgetMicros,
  spent_micros: shown.spentMicros,
  place: shown.place,
  mask_personal_data: shown.masks,
  grace_days: shown.graceDays,
  key: {
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
