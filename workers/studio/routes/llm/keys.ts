/** A provider's key by the provider's name; the rest of it is at `/llm/providers` (providers.ts). */
import { z } from "@hono/zod-openapi";
import { keyState, keyStates } from "../../../../core/llm/key-state.ts";
import { nameCharactersMax } from "../../../../core/llm/provider.ts";
import type { KeyedLlmProvider } from "../../../../core/rpc/llm.ts";
import { askLlm, llmRefusal } from "../../http/ask-llm.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { idText, instant, nothing } from "../../http/schemas.ts";
import { keyChange, notAllowed, policyChange } from "./changes.ts";
import { keyField, previousKey } from "./schemas.ts";

/** A name as a path has it: the edge takes no escaped characters there. A provider of any other name is found by its id. */
const params = z.strictObject({
  llm_key: z
    .string()
    .max(nameCharactersMax)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
});

const keyAnswer = z.object({
  provider: z.string(),
  provider_id: idText,
  /** The first 64 bits of its SHA-256. */
  fingerprint: z.string(),
  state: z.enum(keyStates),
  since: instant,
  due_at: instant,
  /** From then on it is not used. */
  blocked_at: instant,
  previous_key: previousKey,
});

function keyView({ id, name, key, previousKey: previous }: KeyedLlmProvider, nowMs: number): z.input<typeof keyAnswer> {
  const times = { dueMs: Date.parse(key.dueAt), blockedMs: Date.parse(key.blockedAt) };
  return {
    provider: name,
    provider_id: id,
    fingerprint: key.fingerprint,
    state: keyState(times, nowMs),
    since: key.since,
    due_at: key.dueAt,
    blocked_at: key.blockedAt,
    previous_key: previous,
  };
}

export const getLlmKey = defineRoute(
  "getLlmKey",
  { caller: "member", params, status: 200, answer: keyAnswer },
  async (context, input) => {
    const found = await askLlm(context, (llm, call) => llm.namedKey(call, input.params.llm_key));
    return found.ok ? answer(keyView(found.value, context.services.now())) : llmRefusal(found);
  },
);

export const putLlmKey = defineRoute(
  "putLlmKey",
  {
    caller: "member",
    params,
    body: z.strictObject({ key: keyField, keep_previous_key: z.boolean().default(true) }),
    status: 200,
    answer: keyAnswer,
  },
  async (context, input) => {
    const { key, keep_previous_key: keeps } = input.body;
    const put = await askLlm(context, (llm, call) => llm.putNamedKey(call, input.params.llm_key, key, keeps));
    if (!put.ok) return notAllowed(put.code) ?? llmRefusal(put);
    const { provider, created } = put.value;
    const change = keyChange(context, provider.id, created ? "created" : "rotated");
    context.caused(created ? [policyChange(context), change] : [change]);
    return answer(keyView(provider, context.services.now()));
  },
);

export const revokeLlmKey = defineRoute(
  "revokeLlmKey",
  { caller: "member", params, status: 204, answer: nothing },
  async (context, input) => {
    const revoked = await askLlm(context, (llm, call) => llm.revokeNamedKey(call, input.params.llm_key));
    if (!revoked.ok) return llmRefusal(revoked);
    context.caused([policyChange(context), keyChange(context, revoked.value, "revoked")]);
    return answer(null);
  },
);
