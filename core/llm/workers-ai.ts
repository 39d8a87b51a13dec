/**
 * The inputs and outputs of Workers AI's binding (developers.cloudflare.com/workers-ai). Its older models answer in a shape of
 * their own, `{"response", "usage"}`, its newer ones in OpenAI's; which one, the answer shows.
 */
import type { Sampling } from "./chat.ts";
import type { Dialect, EventReading, LeavingChat } from "./dialect.ts";
import { readPlainVectors } from "./embeddings.ts";
import { finishReasons, type Piece, parseShape, readPiece, readTokens, type Shape, shapeOf } from "./upstream.ts";

/** Its models' least; nothing at all is asked as this. */
const topPMin = 0.001;
/** Its seeds are 1 to so much. */
const seedMax = 9_999_999_999;

export const workersAi: Dialect = {
  chatBody,
  readWhole,
  eventReader,
  embeddings: {
    shortens: false,
    body: ({ texts }) => ({ text: texts }),
    read: readPlainVectors,
  },
};

function chatBody({ messages, stream, maxTokens, sampling }: LeavingChat): object {
  return {
    // It knows no developers.
    messages: messages.map(({ role, content }) => ({ role: role === "developer" ? "system" : role, content })),
    max_tokens: maxTokens,
    stream,
    ...samplingOf(sampling, stream),
  };
}

/** What it has no word for is left out: marks to end at, seeds beyond its own, and JSON as a promise of a stream. */
function samplingOf({ stop: _stop, seed, top_p, response_format, ...rest }: Sampling, stream: boolean): object {
  const isJson = response_format?.type === "json_object" && !stream;
  return {
    ...rest,
    ...(top_p === undefined ? {} : { top_p: Math.max(top_p, topPMin) }),
    ...(seed === undefined || seed < 1 || seed > seedMax ? {} : { seed }),
    ...(isJson ? { response_format } : {}),
  };
}

/** @returns null when it is no answer */
function readWhole(text: string): Piece | null {
  const answer = parseShape(text);
  if (answer === null) return null;
  return "choices" in answer ? readPiece(text, "message") : plainPiece(answer);
}

/** A stream in its own shape ends without a reason; in OpenAI's it has one, and is cut off where there is none. */
function eventReader(): (data: string) => EventReading {
  let plain = false;
  return (data) => {
    if (data === "[DONE]") return plain ? "over" : "end";
    const event = parseShape(data);
    if (event === null) return null;
    if ("choices" in event) return readPiece(data, "delta");
    const piece = plainPiece(event);
    if (piece === null) return null;
    plain = true;
    return piece.content === "" && piece.finish === null && piece.tokens === null ? "nothing" : piece;
  };
}

function plainPiece(answer: Shape): Piece | null {
  if (answer["error"] !== undefined || answer["errors"] !== undefined || !("response" in answer)) return null;
  const content = textOf(answer["response"]);
  if (content === null) return null;
  const reason = answer["finish_reason"];
  const finish = finishReasons.find((known) => known === reason) ?? (typeof reason === "string" ? "stop" : null);
  return { content, finish, tokens: readTokens(answer["usage"]) };
}

/** A text; a number where a token is one; where JSON was asked for, what it says, parsed already. */
function textOf(response: unknown): string | null {
  if (typeof response === "string") return response;
  if (response === null) return "";
  if (typeof response === "number") return String(response);
  return shapeOf(response) !== null || Array.isArray(response) ? JSON.stringify(response) : null;
}
