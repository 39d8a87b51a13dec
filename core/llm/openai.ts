/** OpenAI's own format, which many other providers understand too. */
import type { HttpDialect, LeavingChat } from "./dialect.ts";
import { readVectors } from "./embeddings.ts";
import { readPiece } from "./upstream.ts";

/** The host whose newer models know `max_completion_tokens` alone; compatible ones know the older name. */
const openaiHost = "api.openai.com";

export const openai: HttpDialect = {
  headers: (key) => ({ Authorization: `Bearer ${key}` }),
  paths: { chat: "/chat/completions", embeddings: "/embeddings" },
  chatBody,
  readWhole: (text) => readPiece(text, "message"),
  eventReader: () => (data) => (data === "[DONE]" ? "end" : readPiece(data, "delta")),
  embeddings: {
    shortens: true,
    read: readVectors,
    body: ({ model, texts, dimensions, encoding }) => ({
      model,
      input: texts,
      encoding_format: encoding,
      ...(dimensions === null ? {} : { dimensions }),
    }),
  },
};

function chatBody({ model, messages, stream, maxTokens, sampling }: LeavingChat, host: string | null): object {
  const isOpenai = host === openaiHost;
  return {
    ...sampling,
    model,
    messages,
    [isOpenai ? "max_completion_tokens" : "max_tokens"]: maxTokens,
    // One answer: that is what was reserved.
    n: 1,
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
    // Kept by nobody but who has to.
    ...(isOpenai ? { store: false } : {}),
  };
}
