import * as z from "zod/mini";
import { type AskingRole, askingRoles, type ProviderKind, providerKinds } from "../../../../core/llm/provider.ts";
import { call, callVoid, path } from "./client.ts";

const modelSchema = z.object({
  name: z.string(),
  upstream: z.string(),
  input_micros_per_million: z.number(),
  output_micros_per_million: z.number(),
});
export type LlmModel = z.infer<typeof modelSchema>;

const providerSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(providerKinds),
  base_url: z.string(),
  models: z.array(modelSchema),
  roles: z.array(z.enum(askingRoles)),
  monthly_budget_micros: z.number(),
  /** This month's, with requests under way at what they can cost at most. */
  spent_micros: z.number(),
  place: z.number(),
  mask_personal_data: z.boolean(),
  grace_days: z.number(),
  key: z.object({ fingerprint: z.string(), since: z.string(), due_at: z.string(), blocked_at: z.string() }),
  previous_key: z.nullable(z.object({ fingerprint: z.string(), until: z.string() })),
});
export type LlmProvider = z.infer<typeof providerSchema>;

/** Settings as a whole, as the server takes them. */
export interface LlmProviderSettings {
  readonly name: string;
  readonly kind: ProviderKind;
  readonly base_url: string;
  readonly models: readonly LlmModel[];
  readonly roles: readonly AskingRole[];
  readonly monthly_budget_micros: number;
  readonly place: number;
  readonly mask_personal_data: boolean;
  readonly grace_days: number;
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

/** In the order in which they are asked. */
export async function listLlmProviders(org: string, signal: AbortSignal): Promise<LlmProvider[]> {
  const list = z.object({ items: z.array(providerSchema) });
  return (await call(path("orgs", org, "llm", "providers"), list, { signal })).items;
}

export function addLlmProvider(
  org: string,
  input: LlmProviderSettings & { readonly key: string },
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
