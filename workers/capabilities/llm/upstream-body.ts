import type { ChatRequest } from "../../../core/llm/chat.ts";
import type { MaskTable } from "../../../core/llm/masking.ts";
import type { Link } from "./chain.ts";

/** The host whose newer models know `max_completion_tokens` alone; compatible ones know the older name. */
const openaiHost = "api.openai.com";

/** What a provider is sent. @param mask null where the organisation lets this provider read everything */
export function upstreamBody(request: ChatRequest, { provider, model }: Link, mask: MaskTable | null): string {
  const { messages, stream, maxTokens, sampling } = request;
  const isOpenai = new URL(provider.baseUrl).hostname === openaiHost;
  const masked = (text: string): string => (mask === null ? text : mask.mask(text));
  return JSON.stringify({
    ...sampling,
    ...(sampling.stop === undefined ? {} : { stop: sampling.stop.map(masked) }),
    model: model.upstream,
    messages: messages.map(({ role, content }) => ({ role, content: masked(content) })),
    [isOpenai ? "max_completion_tokens" : "max_tokens"]: maxTokens,
    // One answer: that is what was reserved.
    n: 1,
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
    // Kept by nobody but who has to.
    ...(isOpenai ? { store: false } : {}),
  });
}
