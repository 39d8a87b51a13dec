import { z } from "@hono/zod-openapi";
import type { LlmProvider } from "../../../../core/rpc/llm.ts";
import { askLlm, llmRefusal, operatorMicros } from "../../http/ask-llm.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, type Refusal } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";
import { quotaExceeded } from "../../lifecycle/quota.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { keyChange, notAllowed, policyChange } from "./changes.ts";
import {
  changedProvider,
  newProvider,
  platformAnswer,
  platformView,
  providerAnswer,
  providerParams,
  providerView,
  settingsOf,
} from "./schemas.ts";

export const listLlmProviders = defineRoute(
  "listLlmProviders",
  {
    caller: "member",
    status: 200,
    answer: z.object({ items: z.array(providerAnswer), workers_ai: platformAnswer }),
  },
  async (context) => {
    const listed = await askLlm(context, (llm, call) => llm.listProviders(call));
    if (!listed.ok) return llmRefusal(listed);
    const { providers, platform } = listed.value;
    // Most operators offer none, and then there is nothing to ask about the plan.
    const offered = platform.length === 0 ? null : platformView(platform, await operatorMicros(context));
    return answer({ items: providers.map(providerView), workers_ai: offered });
  },
);

export const addLlmProvider = defineRoute(
  "addLlmProvider",
  { caller: "member", body: newProvider, status: 201, answer: providerAnswer },
  async (context, { body }) => {
    const isPlatform = body.kind === "workers_ai";
    if (isPlatform && (await operatorMicros(context)) === 0) return notInPlan(context);
    const added = await askLlm(context, (llm, call) => llm.addProvider(call, settingsOf(body), body.key ?? null));
    if (!added.ok) return notAllowed(added.code) ?? llmRefusal(added);
    return changed(context, added.value, isPlatform ? [] : ["created"]);
  },
);

/** On a plan that has none of the platform's models none is added that could never be asked; where none are offered, that is why. */
async function notInPlan(context: MemberContext): Promise<Refusal> {
  const listed = await askLlm(context, (llm, call) => llm.listProviders(call));
  if (!listed.ok) return llmRefusal(listed);
  const isOffered = listed.value.platform.length > 0;
  return isOffered ? quotaExceeded("llm_micros_a_month", 0) : llmRefusal({ ok: false, code: "not_offered" });
}

export const changeLlmProvider = defineRoute(
  "changeLlmProvider",
  { caller: "member", params: providerParams, body: changedProvider, status: 200, answer: providerAnswer },
  async (context, { params, body }) => {
    const change = { settings: settingsOf(body), key: body.key ?? null, keepPrevious: body.keep_previous_key };
    const done = await askLlm(context, (llm, call) => llm.changeProvider(call, params.llm_provider, change));
    if (!done.ok) return notAllowed(done.code) ?? llmRefusal(done);
    return changed(context, done.value, body.key === undefined ? [] : ["rotated"]);
  },
);

export const removeLlmProvider = defineRoute(
  "removeLlmProvider",
  { caller: "member", params: providerParams, status: 204, answer: nothing },
  async (context, { params }) => {
    const removed = await askLlm(context, (llm, call) => llm.removeProvider(call, params.llm_provider));
    if (!removed.ok) return llmRefusal(removed);
    const keys = removed.value.hadKey ? [keyChange(context, params.llm_provider, "revoked")] : [];
    context.caused([policyChange(context), ...keys]);
    return answer(null);
  },
);

function changed(
  context: MemberContext,
  provider: LlmProvider,
  keys: readonly ("created" | "rotated")[],
): HandlerResult<ReturnType<typeof providerView>> {
  context.caused([policyChange(context), ...keys.map((action) => keyChange(context, provider.id, action))]);
  return answer(providerView(provider));
}
