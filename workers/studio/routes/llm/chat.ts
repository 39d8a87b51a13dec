import { z } from "@hono/zod-openapi";
import * as chat from "../../../../core/llm/chat.ts";
import { modelCharactersMax } from "../../../../core/llm/provider.ts";
import { askModel, readForAsking, withOpenaiError } from "../../http/ask-llm.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";

const text = z.string().max(chat.chatCharactersMax);
/** A message's text, whole or in parts. Pictures and sounds can't be masked, and are none. */
const content = z.union([
  text,
  z
    .array(z.strictObject({ type: z.literal("text"), text }))
    .min(1)
    .max(chat.messagesMax)
    .transform((parts) => parts.map((part) => part.text).join("\n")),
]);
const tokens = z.int().min(1).max(chat.maxTokensMax);
const penalty = z.number().min(-2).max(2);
const stop = z.string().min(1).max(chat.stopCharactersMax);

/** OpenAI's request, as much of it as core/llm/chat.ts says; a field that is not here is refused. */
const body = z.strictObject({
  model: z.string().min(1).max(modelCharactersMax),
  messages: z
    .array(z.strictObject({ role: z.enum(chat.chatRoles), content }))
    .min(1)
    .max(chat.messagesMax)
    .refine(
      (messages) => messages.reduce((sum, one) => sum + one.content.length, 0) <= chat.chatCharactersMax,
      `must be at most ${chat.chatCharactersMax} characters together`,
    ),
  stream: z.boolean().default(false),
  stream_options: z.strictObject({ include_usage: z.boolean().default(false) }).optional(),
  max_tokens: tokens.optional(),
  max_completion_tokens: tokens.optional(),
  n: z.literal(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  presence_penalty: penalty.optional(),
  frequency_penalty: penalty.optional(),
  seed: z.int().optional(),
  stop: z.union([stop.transform((one) => [one]), z.array(stop).min(1).max(chat.stopsMax)]).optional(),
  response_format: z.strictObject({ type: z.enum(["text", "json_object"]) }).optional(),
});

function chatOf(given: z.output<typeof body>): chat.ChatRequest {
  const { model, messages, stream, stream_options, max_tokens, max_completion_tokens, n: _one, ...sampling } = given;
  return {
    model,
    messages,
    stream,
    includeUsage: stream_options?.include_usage ?? false,
    maxTokens: max_completion_tokens ?? max_tokens ?? chat.maxTokensDefault,
    sampling: Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== undefined)),
  };
}

/** Server-sent events, or JSON: which one, the request says. */
const completion = z
  .custom<string | ReadableStream<Uint8Array>>((value) => typeof value === "string" || value instanceof ReadableStream)
  .openapi({ type: "string" });

export const chatCompletion = defineRoute(
  "chatCompletion",
  { caller: "member", body, status: 200, media: "text/event-stream", answer: completion, readAhead: readForAsking },
  async (context, input) => {
    const completed = await askModel(context, (llm, call, asking) => llm.complete(call, chatOf(input.body), asking));
    if (!completed.ok) return withOpenaiError(completed.refusal);
    const { value } = completed;
    if (value.kind === "stream") return answer(value.events);
    return answer(value.json, { headers: { "Content-Type": "application/json" } });
  },
);
