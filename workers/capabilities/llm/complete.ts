import { type ChatRequest, chatCharactersMax, inputTokensMax, maxTokensMax } from "../../../core/llm/chat.ts";
import type { Dialect, LeavingChat } from "../../../core/llm/dialect.ts";
import { directoryNames } from "../../../core/llm/directory-names.ts";
import { MaskTable } from "../../../core/llm/masking.ts";
import type { Completion, LlmRpc } from "../../../core/rpc/llm.ts";
import type { CallContext, Handler } from "./admission.ts";
import { chainFor, type Link } from "./chain.ts";
import { refused } from "./result.ts";
import { streamAnswer } from "./stream-answer.ts";
import { isAsking, type Question, takeTurns } from "./take-turns.ts";
import { wholeAnswer } from "./whole-answer.ts";

/** Asks the organisation's providers for an answer, in turn. */
export const complete: Handler<LlmRpc["complete"]> = async (context, request, asking) => {
  if (!isBounded(request) || !isAsking(asking)) return refused("invalid_request");
  const chain = await chainFor(context, request.model);
  if (chain.length === 0) return refused("model_unknown");
  const mask = maskOf(context, request, asking.names, chain);
  return takeTurns(context, asking, chain, (link, dialect) =>
    questionTo(context, request, link, dialect, link.provider.masks ? mask : null),
  );
};

function questionTo(
  context: CallContext,
  request: ChatRequest,
  { provider, model }: Link,
  dialect: Dialect,
  mask: MaskTable | null,
): Question<Completion> {
  const leaving = leavingChat(request, model.upstream, mask);
  return {
    most: { input: inputTokensMax(leaving.messages), output: request.maxTokens },
    about: "chat",
    body: dialect.chatBody(leaving, provider.baseUrl === null ? null : new URL(provider.baseUrl).hostname),
    read: (asked, account) => {
      const answering = {
        request,
        provider: provider.id,
        dialect,
        account,
        mask,
        id: context.requestId,
        now: context.now,
      };
      return request.stream ? streamAnswer(answering, asked) : wholeAnswer(answering, asked.bytes);
    },
  };
}

/** @param mask null where the organisation lets this provider read everything */
function leavingChat(
  { messages, stream, maxTokens, sampling }: ChatRequest,
  model: string,
  mask: MaskTable | null,
): LeavingChat {
  const masked = (text: string): string => (mask === null ? text : mask.mask(text));
  return {
    model,
    stream,
    maxTokens,
    messages: messages.map(({ role, content }) => ({ role, content: masked(content) })),
    sampling: sampling.stop === undefined ? sampling : { ...sampling, stop: sampling.stop.map(masked) },
  };
}

/** The table is one for the whole chain: a second provider is told the same as the first. */
function maskOf(
  { randomBytes }: CallContext,
  { messages, sampling }: ChatRequest,
  names: readonly string[],
  chain: readonly Link[],
): MaskTable | null {
  if (!chain.some(({ provider }) => provider.masks)) return null;
  const texts = [...messages.map(({ content }) => content), ...(sampling.stop ?? [])];
  const asJson = sampling.response_format?.type === "json_object";
  return new MaskTable(texts, directoryNames(names), randomBytes, asJson);
}

/** Studio has refused what is not; what a budget rests on is looked at here too. */
function isBounded({ messages, maxTokens }: ChatRequest): boolean {
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  return (
    messages.length > 0 &&
    characters <= chatCharactersMax &&
    Number.isSafeInteger(maxTokens) &&
    maxTokens >= 1 &&
    maxTokens <= maxTokensMax
  );
}
