import * as z from "zod/mini";
import { type AskingRole, askingRoles, type ProviderKind, providerKinds } from "../../../../core/llm/provider.ts";
import { call, callVoid, path } from "./client.ts";

const modelSchema = z.object({
  name: z.string(),
  upstream: z.string(),
  input_micros_per_million: z.number(),
  output_micros_per_million: z.number(),
  /** Sentinel's guess, until somebody writes down what the provider bills. */
  assumed_price: z.boolean(),
});
export type LlmModel = z.infer<typeof modelSchema>;
/** As the server takes it. Prices are left out where they are the operator's to say. */
export interface LlmModelSettings {
  readonly name: string;
  readonly upstream: string;
  readonly input_micros_per_million?: number;
  readonly output_micros_per_million?: number;
}

const providerSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(providerKinds),
  base_url: z.nullable(z.string()),
  models: z.array(modelSchema),
  roles: z.array(z.enum(askingRoles)),
  monthly_budget_micros: z.number(),
  /** This month's, with requests under way at what they can cost at most. */
  spent_micros: z.number(),
  place: z.number(),
  mask_personal_data: z.boolean(),
  grace_days: z.nullable(z.number()),
  /** Null where there is none to give: the platform's own models. */
  key: z.nullable(z.object({ fingerprint: z.string(), since: z.string(), due_at: z.string(), blocked_at: z.string() })),
  previous_key: z.nullable(z.object({ fingerprint: z.string(), until: z.string() })),
});
export type LlmProvider = z.infer<typeof providerSchema>;
export type LlmKey = NonNullable<LlmProvider["key"]>;

/** What the operator offers of the platform's own models; null: nothing. */
const platformSchema = z.nullable(
  z.object({
    models: z.array(
      z.object({ upstream: z.string(), input_micros_per_million: z.number(), output_micros_per_million: z.number() }),
    ),
    monthly_micros_max: z.number(),
  }),
);
export type LlmPlatform = z.infer<typeof platformSchema>;

/** Settings as a whole, as the server takes them. */
export interface LlmProviderSettings {
  readonly name: string;
  readonly kind: ProviderKind;
  readonly base_url?: string;
  readonly models: readonly LlmModelSettings[];
  readonly roles: readonly AskingRole[];
  readonly monthly_budget_micros: number;
  readonly place: number;
  readonly mask_personal_data: boolean;
  readonly grace_days?: number;
}
/** @property keep_previous_key false: the key before ends at once */
export type LlmProviderChange = LlmProviderSettings & { readonly key?: string; readonly keep_previous_key?: boolean };

const usageSchema = z.object({
  user_id: z.string(),
  provider_id: z.string(),
  model: z.string(),
  requests: z.number(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  cost_micros: z.number(),
});
export type LlmUsage = z.infer<typeof usageSchema>;

export const llmProvidersKey = (org: string) => ["llm", org, "providers"] as const;
export const llmUsageKey = (org: string, month: string) => ["llm", org, "usage", month] as const;

const providersSchema = z.object({ items: z.array(providerSchema), workers_ai: platformSchema });
export type LlmProviders = z.infer<typeof providersSchema>;

/** In the order in which they are asked, and what else there is to add. */
export function listLlmProviders(org: string, signal: AbortSignal): Promise<LlmProviders> {
  return call(path("orgs", org, "llm", "providers"), providersSchema, { signal });
}

export function addLlmProvider(
  org: string,
  input: LlmProviderSettings & { readonly key?: string },
  idempotencyKey: string,
): Promise<void> {
  return callVoid(path("orgs", org, "llm", "providers"), { method: "POST", body: input, idempotencyKey });
}

export function changeLlmProvider(org: string, provider: string, change: LlmProviderChange): Promise<void> {
  return callVoid(path("orgs", org, "llm", "providers", provider), { method: "PUT", body: change });
}

export function removeLlmProvider(org: string, provider: string): Promise<void> {
  return callVoid(path("orgs", org, "llm", "providers", provider), { method: "DELETE" });
}

/** What the caller may see of a month. @param month `2026-11`, in UTC */
export async function llmUsage(org: string, month: string, signal: AbortSignal): Promise<LlmUsage[]> {
  const answer = z.object({ items: z.array(usageSchema) });
  return (await call(path("orgs", org, "llm", "usage"), answer, { query: { month }, signal })).items;
}
