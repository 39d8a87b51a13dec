import { inputTokensMax } from "../../../core/llm/chat.ts";
import type { Dialect, VectorDialect } from "../../../core/llm/dialect.ts";
import { dialects } from "../../../core/llm/dialects.ts";
import { type DirectoryNames, directoryNames } from "../../../core/llm/directory-names.ts";
import {
  dimensionsMax,
  type EmbeddingRequest,
  embeddingCharactersMax,
  textsMax,
} from "../../../core/llm/embeddings.ts";
import { maskForGood } from "../../../core/llm/masking.ts";
import type { Embedded, LlmRpc } from "../../../core/rpc/llm.ts";
import type { Handler } from "./admission.ts";
import { chainFor, type Link } from "./chain.ts";
import { readText } from "./read-text.ts";
import { refused } from "./result.ts";
import { isAsking, type Question, takeTurns } from "./take-turns.ts";

/**
 * Largest answer that is read, in bytes: 256 vectors of 1,536 numbers, as the commonest model gives them, are 5 MB in
 * decimal and 2 MB in base64; longer ones are asked for with fewer texts.
 */
const embeddedBytesMax = 8 * 1024 * 1024;

/** Asks the organisation's providers for vectors, in turn. Providers that make none are not asked. */
export const embed: Handler<LlmRpc["embed"]> = async (context, request, asking) => {
  if (!isBounded(request) || !isAsking(asking)) return refused("invalid_request");
  const makers = (await chainFor(context, request.model)).filter(({ provider }) => vectorsOf(provider) !== null);
  if (makers.length === 0) return refused("model_unknown");
  // A vector of another length than was asked for is no answer, and would be paid for.
  const chain = makers.filter(({ provider }) => request.dimensions === null || vectorsOf(provider)?.shortens === true);
  if (chain.length === 0) return refused("request_refused");
  const people = directoryNames(chain.some(({ provider }) => provider.masks) ? asking.names : []);
  return takeTurns(context, asking, chain, (link, dialect) => questionTo(request, link, dialect, people));
};

const vectorsOf = ({ kind }: Link["provider"]): VectorDialect | null => dialects[kind].embeddings;

function questionTo(
  request: EmbeddingRequest,
  { provider, model }: Link,
  { embeddings }: Dialect,
  people: DirectoryNames,
): Question<Embedded> {
  if (embeddings === null) throw new TypeError("a provider without embeddings is in no chain for them");
  const texts = request.texts.map((text) => (provider.masks ? maskForGood(text, people) : text));
  return {
    most: { input: inputTokensMax(texts.map((content) => ({ role: "user", content }))), output: 0 },
    about: "embeddings",
    body: embeddings.body({ ...request, texts, model: model.upstream }),
    async read({ bytes }, account) {
      const text = await readText(bytes, embeddedBytesMax);
      const made = text === null ? null : embeddings.read(text, request);
      const tokens = await account.settle(made?.tokens ?? null, true);
      if (made === null) return null;
      const json = JSON.stringify({
        object: "list",
        data: made.vectors.map((embedding, index) => ({ object: "embedding", index, embedding })),
        model: request.model,
        usage: { prompt_tokens: tokens.input, total_tokens: tokens.input },
      });
      return { provider: provider.id, json };
    },
  };
}

/** Studio has refused what is not; what a budget rests on is looked at here too. */
function isBounded({ texts, dimensions }: EmbeddingRequest): boolean {
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  const isLength = (value: number): boolean => Number.isSafeInteger(value) && value >= 1 && value <= dimensionsMax;
  return (
    texts.length >= 1 &&
    texts.length <= textsMax &&
    characters <= embeddingCharactersMax &&
    (dimensions === null || isLength(dimensions))
  );
}
