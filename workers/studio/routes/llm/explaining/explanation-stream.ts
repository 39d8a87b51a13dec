import { plainText } from "../../../../../core/llm/explaining/plain-text.ts";
import { explanationCharactersMax, type Source } from "../../../../../core/llm/explaining/prompt.ts";
import { type ExplanationEvent, encodeEvent } from "../../../../../core/llm/explaining/stream.ts";
import { EventReader } from "../../../../../core/llm/server-sent-events.ts";
import { type FinishReason, readPiece } from "../../../../../core/llm/upstream.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Turns a model's answer into an explanation: the sources that were chosen here, then its text without what can't be
 * seen, as much as a person reads. Whoever stops reading stops the provider.
 * @param events a streamed chat completion of the capability's
 */
export function explanationStream(
  sources: readonly Source[],
  events: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  const reader = events.getReader();
  const encoder = new TextEncoder();
  const written = explained(sources, reader);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await written.next();
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(encodeEvent(next.value)));
    },
    async cancel() {
      await reader.cancel();
      await written.return();
    },
  });
}

async function* explained(sources: readonly Source[], reader: Reader): AsyncGenerator<ExplanationEvent, void> {
  yield { sources };
  let left = explanationCharactersMax;
  let finish: FinishReason | null = null;
  try {
    for await (const piece of pieces(reader)) {
      finish = piece.finish ?? finish;
      const text = plainText(piece.content).slice(0, left);
      left -= text.length;
      if (text !== "") yield { text };
      if (left === 0) {
        yield { end: "too_long" };
        return;
      }
    }
    yield { end: finish === null ? "cut_off" : finish === "length" ? "length" : "stop" };
  } catch {
    // Cut off, or nothing that we know: what there is of it has been told.
    yield { end: "cut_off" };
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** @throws for a stream that ends where no answer ends */
async function* pieces(reader: Reader): AsyncGenerator<{ content: string; finish: FinishReason | null }, void> {
  const events = new EventReader();
  // The first half of a character whose second half comes with the next piece.
  let half = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the answer was cut off");
    for (const event of events.push(value)) {
      if (event === "[DONE]") return;
      const piece = readPiece(event, "delta");
      if (piece === null) throw new Error("the answer was cut off");
      const text = half + piece.content;
      half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? "";
      yield { content: text.slice(0, text.length - half.length), finish: piece.finish };
    }
  }
}
