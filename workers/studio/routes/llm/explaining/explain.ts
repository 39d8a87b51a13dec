import { z } from "@hono/zod-openapi";
import {
  type ExplanationTask,
  explanationPrompt,
  explanationTokensMax,
  markBytes,
  markOf,
  type SourceRecord,
} from "../../../../../core/llm/explaining/prompt.ts";
import { modelCharactersMax } from "../../../../../core/llm/provider.ts";
import { askModel } from "../../../http/ask-llm.ts";
import { answer, type HandlerResult } from "../../../http/result.ts";
import type { MemberContext } from "../../../pipeline/request-context.ts";
import { Unavailable } from "../../../unavailable.ts";
import { explanationStream } from "./explanation-stream.ts";

/** The model that is asked: one of those that the caller's role is offered. */
export const modelField = z.string().min(1).max(modelCharactersMax);

/** Server-sent events of core/llm/explaining/stream.ts. */
export const explanationAnswer = z
  .custom<ReadableStream<Uint8Array>>((value) => value instanceof ReadableStream)
  .openapi({ type: "string" });

/**
 * Has a model explain records that the caller has just been given by row-level security, or by the log's own reader.
 * It is a question as any other: masked, within the budget, through the same chain.
 * @throws Unavailable
 */
export async function explain(
  context: MemberContext,
  task: ExplanationTask,
  records: readonly SourceRecord[],
  model: string,
): Promise<HandlerResult<ReadableStream<Uint8Array>>> {
  const { services } = context;
  const { messages, sources } = explanationPrompt(task, records, markOf(services.randomBytes(markBytes)));
  const request = {
    model,
    messages,
    stream: true,
    includeUsage: false,
    maxTokens: explanationTokensMax,
    sampling: {},
  };
  const completed = await askModel(context, (llm, call, asking) => llm.complete(call, request, asking));
  if (!completed.ok) return completed.refusal;
  // What was asked to stream does.
  if (completed.value.kind !== "stream") throw new Unavailable("llm");
  return answer(explanationStream(sources, completed.value.events));
}
