import { z } from "@hono/zod-openapi";
import type { AuditFields } from "../../../../core/audit/events.ts";
import type { LlmProvider } from "../../../../core/rpc/llm.ts";
import { askLlm, llmRefusal } from "../../http/ask-llm.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { changedProvider, newProvider, providerAnswer, providerParams, providerView, settingsOf } from "./schemas.ts";

export const listLlmProviders = defineRoute(
  "listLlmProviders",
  { caller: "member", status: 200, answer: z.object({ items: z.array(providerAnswer) }) },
  async (context) => {
    const listed = await askLlm(context, (llm, call) => llm.listProviders(call));
    return listed.ok ? answer({ items: listed.value.map(providerView) }) : llmRefusal(listed);
  },
);

export const addLlmProvider = defineRoute(
  "addLlmProvider",
  { caller: "member", body: newProvider, status: 201, answer: providerAnswer },
  async (context, { body }) => {
    const added = await askLlm(context, (llm, call) => llm.addProvider(call, settingsOf(body), body.key));
    if (!added.ok) return notAllowed(added.code) ?? llmRefusal(added);
    return changed(context, added.value, ["created"]);
  },
);

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
    context.caused([policyChange(context), keyChange(context, params.llm_provider, "revoked")]);
    return answer(null);
  },
);

function notAllowed(code: string): HandlerResult<never> | null {
  if (code !== "invalid_request") return null;
  return refuse("invalid_request", {
    errors: [
      { path: "base_url", message: "must be one that the platform allows; with another one the key is given anew" },
    ],
  });
}

function changed(
  context: MemberContext,
  provider: LlmProvider,
  keys: readonly ("created" | "rotated")[],
): HandlerResult<ReturnType<typeof providerView>> {
  context.caused([policyChange(context), ...keys.map((action) => keyChange(context, provider.id, action))]);
  return answer(providerView(provider));
}

/** Whom a provider serves, what it may cost and whether it masks: each change is on record. */
const policyChange = ({ person }: MemberContext): AuditFields => ({
  type: "policy_change",
  user_id: person.user,
  policy: "llm_provider",
});

const keyChange = ({ person }: MemberContext, id: string, action: "created" | "rotated" | "revoked"): AuditFields => ({
  type: "key_change",
  user_id: person.user,
  kind: "llm_key",
  key_id: id,
  action,
});
