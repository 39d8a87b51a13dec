import { needs, orgPath, type RouteSpec, route, type WafExemption } from "./route.ts";

const llm = `${orgPath}/llm`;
const providers = `${llm}/providers`;
const manages = needs("llm:manage");

/** What an owner copies out of a provider's console. */
const copied: readonly WafExemption[] = [
  { field: "body.key", why: "a good secret looks like an attack; it is sealed, never shown" },
  { field: "body.base_url", why: "an address to call, by rules of its own (core/llm/provider.ts)" },
];

/** Bytes of a chat, and of texts for vectors: 200,000 characters of text, in any script and escaped, with what is around them. */
const chatBytesMax = 1024 * 1024;

/** Language models: an organisation's own providers, and asking them. */
export const llmRoutes = {
  listLlmProviders: route({
    method: "GET",
    path: providers,
    policy: manages,
    summary: "Providers of language models, in the order in which they are asked; their keys as fingerprints",
  }),
  addLlmProvider: route({
    method: "POST",
    path: providers,
    policy: manages,
    stepUp: true,
    wafExemptions: copied,
    summary: "Add a provider: its address, key, models with prices, roles and monthly budget",
  }),
  changeLlmProvider: route({
    method: "PUT",
    path: `${providers}/{llm_provider}`,
    policy: manages,
    stepUp: true,
    wafExemptions: copied,
    summary: "Change a provider, or give it another key",
  }),
  removeLlmProvider: route({
    method: "DELETE",
    path: `${providers}/{llm_provider}`,
    policy: manages,
    stepUp: true,
    summary: "Take a provider away: its keys are gone at once",
  }),
  getLlmKey: route({
    method: "GET",
    path: `${llm}/keys/{llm_key}`,
    policy: manages,
    summary: "A provider's key by the provider's name: fingerprint, dates and state, never the key",
  }),
  putLlmKey: route({
    method: "PUT",
    path: `${llm}/keys/{llm_key}`,
    policy: manages,
    stepUp: true,
    wafExemptions: copied.filter(({ field }) => field === "body.key"),
    summary: "Give or rotate a provider's key by the provider's name; `openai` and `anthropic` are made with defaults",
  }),
  revokeLlmKey: route({
    method: "DELETE",
    path: `${llm}/keys/{llm_key}`,
    policy: manages,
    stepUp: true,
    summary: "Revoke a provider's key: it and its provider are gone at once",
  }),
  llmUsage: route({
    method: "GET",
    path: `${llm}/usage`,
    policy: needs("llm:read"),
    summary: "Tokens and cost of a month, by person and model; one's own, for whoever may see no more",
  }),
  llmModels: route({
    method: "GET",
    path: `${llm}/models`,
    policy: needs("llm:read"),
    summary: "Models that one may ask, in OpenAI's shape",
  }),
  explainDevice: route({
    method: "POST",
    path: `${orgPath}/devices/{device}/explanation`,
    policy: needs("llm:use"),
    summary: "Ask a model what a device's last hour was; server-sent events: sources, text, end",
  }),
  explainAudit: route({
    method: "POST",
    path: `${orgPath}/audit/explanation`,
    policy: needs("audit:explain"),
    summary: "Ask a model for a summary of audit entries, or the draft of an incident report; server-sent events",
  }),
  chatCompletion: route({
    method: "POST",
    path: `${llm}/chat/completions`,
    policy: needs("llm:use"),
    bodyBytesMax: chatBytesMax,
    wafExemptions: [
      {
        field: "body.messages.content",
        why: "what people ask about may be code, and no part of ours runs or shows it",
      },
      { field: "body.stop", why: "any text at which an answer is to end" },
    ],
    summary: "Ask a language model, in OpenAI's shape; with `stream`, as server-sent events",
  }),
  createEmbeddings: route({
    method: "POST",
    path: `${llm}/embeddings`,
    policy: needs("llm:use"),
    bodyBytesMax: chatBytesMax,
    wafExemptions: [
      { field: "body.input", why: "what is to be found again may be code; it is measured, and shown nowhere" },
    ],
    summary: "Have a model make vectors of texts, in OpenAI's shape",
  }),
} as const satisfies Record<string, RouteSpec>;
