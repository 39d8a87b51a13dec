/**
 * Anthropic's own format, the Messages API (docs.anthropic.com, version 2023-06-01), told from OpenAI's shape and back.
 * What it has no word for is left out: penalties, a seed, and JSON as a promise.
 */
import type { ChatMessage } from "./chat.ts";
import type { EventReading, HttpDialect, LeavingChat } from "./dialect.ts";
import { type FinishReason, isCount, type Piece, parseShape, type Shape, shapeOf, type Tokens } from "./upstream.ts";

/** The version of the API that this file was written to. It goes on speaking so when there are newer ones. */
const apiVersion = "2023-06-01";
/** OpenAI's scale goes to 2. */
const temperatureMax = 1;

export const anthropic: HttpDialect = {
  headers: (key) => ({ "x-api-key": key, "anthropic-version": apiVersion }),
  // It has no vectors, so nobody is sent to where they would be.
  paths: { chat: "/messages", embeddings: "/embeddings" },
  chatBody,
  readWhole,
  eventReader,
  embeddings: null,
};

function chatBody({ model, messages, stream, maxTokens, sampling }: LeavingChat): object {
  const { system, turns } = turnsOf(messages);
  // Blanks alone are no mark to end at, there.
  const stops = (sampling.stop ?? []).filter((stop) => stop.trim() !== "");
  return {
    model,
    max_tokens: maxTokens,
    messages: turns,
    stream,
    ...(system === "" ? {} : { system }),
    ...(stops.length === 0 ? {} : { stop_sequences: stops }),
    ...samplingOf(sampling),
  };
}

/** Its newer models take one of the two: the temperature, where both are given. */
function samplingOf({ temperature, top_p }: LeavingChat["sampling"]): object {
  if (temperature !== undefined) return { temperature: Math.min(temperature, temperatureMax) };
  return top_p === undefined ? {} : { top_p };
}

/**
 * The system's words stand apart there, and no turn is empty. A chat of the system's words alone has no turn: they are then what
 * is asked.
 */
function turnsOf(messages: readonly ChatMessage[]): { readonly system: string; readonly turns: readonly object[] } {
  const said = messages.filter(({ content }) => content !== "");
  const isTurn = ({ role }: ChatMessage): boolean => role === "user" || role === "assistant";
  const system = said
    .filter((message) => !isTurn(message))
    .map(({ content }) => content)
    .join("\n\n");
  const turns = said.filter(isTurn).map(({ role, content }) => ({ role, content }));
  return turns.length > 0 ? { system, turns } : { system: "", turns: [{ role: "user", content: system }] };
}

/** @returns null when it is no answer */
function readWhole(text: string): Piece | null {
  const message = parseShape(text);
  const blocks = message?.["content"];
  if (message === null || message["type"] !== "message" || !Array.isArray(blocks)) return null;
  let content = "";
  for (const block of blocks.map(shapeOf)) {
    // Other kinds, such as what it thought, are not the answer.
    if (block?.["type"] !== "text") continue;
    if (typeof block["text"] !== "string") return null;
    content += block["text"];
  }
  const usage = shapeOf(message["usage"]);
  return { content, finish: finishOf(message["stop_reason"]), tokens: tokensOf(inputOf(usage), usage) };
}

/**
 * Reads a stream: `message_start` says what was read, each `content_block_delta` a piece of the text, `message_delta` why it ends
 * and how much was written, `message_stop` that it is over. Kinds that are not known say nothing: there may be more of them.
 */
function eventReader(): (data: string) => EventReading {
  let input: number | null = null;
  return (data) => {
    const event = parseShape(data);
    switch (event?.["type"]) {
      case "message_start":
        input = inputOf(shapeOf(shapeOf(event["message"])?.["usage"]));
        return "nothing";
      case "content_block_start":
        return textPiece(shapeOf(event["content_block"]), "text");
      case "content_block_delta":
        return textPiece(shapeOf(event["delta"]), "text_delta");
      case "message_delta":
        return {
          content: "",
          finish: finishOf(shapeOf(event["delta"])?.["stop_reason"]),
          tokens: tokensOf(input, shapeOf(event["usage"])),
        };
      case "message_stop":
        return "end";
      case "error":
        return null;
      default:
        return typeof event?.["type"] === "string" ? "nothing" : null;
    }
  };
}

function textPiece(shape: Shape | null, type: string): EventReading {
  if (shape?.["type"] !== type) return shape === null ? null : "nothing";
  const text = shape["text"];
  if (typeof text !== "string") return null;
  return text === "" ? "nothing" : { content: text, finish: null, tokens: null };
}

/** A reason that we don't know is an end all the same. */
function finishOf(reason: unknown): FinishReason | null {
  if (typeof reason !== "string") return null;
  if (reason === "max_tokens" || reason === "model_context_window_exceeded") return "length";
  return reason === "refusal" ? "content_filter" : "stop";
}

/** What was read, with what a cache of its own saved: it is billed too. Null: it does not say, or that can't be. */
function inputOf(usage: Shape | null): number | null {
  const counts = [
    usage?.["input_tokens"],
    usage?.["cache_creation_input_tokens"] ?? 0,
    usage?.["cache_read_input_tokens"] ?? 0,
  ];
  return counts.every(isCount) ? counts.reduce((sum, count) => sum + count, 0) : null;
}

function tokensOf(input: number | null, usage: Shape | null): Tokens | null {
  const output = usage?.["output_tokens"];
  return input !== null && isCount(output) ? { input, output } : null;
}
