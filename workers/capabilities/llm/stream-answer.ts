import type { Dialect } from "../../../core/llm/dialect.ts";
import { EventReader } from "../../../core/llm/server-sent-events.ts";
import { endedBy, type FinishReason, type Piece, type Tokens } from "../../../core/llm/upstream.ts";
import type { Completion } from "../../../core/rpc/llm.ts";
import type { Asked } from "./asked.ts";
import { type Answering, usageOf } from "./whole-answer.ts";

/** The provider's stream ended where no answer ends. */
class CutOff extends Error {}

/**
 * Passes a streamed answer on, piece by piece, with what was masked put back. What it cost is settled before its last
 * piece leaves; where it is cut off, or nobody reads it to its end, what was reserved counts in full.
 * @returns null when it fails before its first piece, so that another provider may be asked
 */
export async function streamAnswer(
  answering: Answering,
  asked: Extract<Asked, { kind: "answering" }>,
): Promise<Completion | null> {
  const pieces = readPieces(asked.bytes, answering.dialect);
  let first: IteratorResult<Piece, void> | null = null;
  try {
    // Only a stream was asked for: what is none is nothing that we know.
    if (asked.isStream) first = await pieces.next();
  } catch {
    // Told below.
  }
  if (first === null || first.done === true) {
    await pieces.return();
    await asked.bytes.return();
    await answering.account.settle(null, true);
    return null;
  }
  const texts = written(answering, first.value, pieces);
  // Begun here: of a generator that never began nothing is tidied up, should nobody read it.
  const opening = await texts.next();
  return { kind: "stream", provider: answering.provider, events: byteStream(texts, opening.value ?? "") };
}

/** @throws CutOff, and whatever reading throws */
async function* readPieces(bytes: AsyncIterable<Uint8Array>, dialect: Dialect): AsyncGenerator<Piece, void> {
  const reader = new EventReader();
  const readEvent = dialect.eventReader();
  let finished = false;
  for await (const some of bytes) {
    for (const event of reader.push(some)) {
      const piece = readEvent(event);
      if (piece === "nothing") continue;
      if (piece === "over") return;
      if (piece === "end") {
        if (!finished) throw new CutOff();
        return;
      }
      if (piece === null) throw new CutOff();
      finished ||= piece.finish !== null;
      yield piece;
    }
  }
  if (!finished) throw new CutOff();
}

/** The events that the client gets. */
async function* written(
  { request, account, mask, id, now }: Answering,
  first: Piece,
  pieces: AsyncGenerator<Piece, void>,
): AsyncGenerator<string, void> {
  const common = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: Math.floor(now() / 1000) };
  const event = (choices: readonly object[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...common, model: request.model, choices, ...more })}\n\n`;
  const chunk = (delta: object, finish: FinishReason | null = null): string =>
    event([{ index: 0, delta, finish_reason: finish }]);
  const unmasker = mask?.unmasker() ?? null;
  let tokens: Tokens | null = null;
  let finish: FinishReason | null = null;
  let settled = false;
  const settle = async (said: Tokens | null): Promise<Tokens> => {
    settled = true;
    return account.settle(said, true);
  };
  try {
    yield chunk({ role: "assistant", content: "" });
    for (let piece: Piece | null = first; piece !== null; piece = (await pieces.next()).value ?? null) {
      tokens = piece.tokens ?? tokens;
      finish = piece.finish ?? finish;
      const content = unmasker === null ? piece.content : unmasker.push(piece.content);
      if (content !== "") yield chunk({ content });
    }
    const rest = unmasker?.end() ?? "";
    if (rest !== "") yield chunk({ content: rest });
    const counted = await settle(tokens);
    yield chunk({}, finish ?? endedBy(tokens, request.maxTokens));
    if (request.includeUsage) yield event([], { usage: usageOf(counted) });
    yield "data: [DONE]\n\n";
  } catch {
    if (!settled) await settle(null);
    // The client's library takes this for what it is; without it the answer would read as if it were whole.
    yield `data: ${JSON.stringify({ error: { message: "The provider's answer was cut off", type: "server_error", param: null, code: "llm_cut_off" } })}\n\n`;
  } finally {
    await pieces.return();
    if (!settled) await settle(null);
  }
}

/** A stream between Workers is one of bytes. Nothing is read of the provider before somebody reads this. */
function byteStream(texts: AsyncGenerator<string, void>, opening: string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let waiting: string | null = opening;
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      if (waiting !== null) {
        controller.enqueue(encoder.encode(waiting));
        waiting = null;
        return;
      }
      const next = await texts.next();
      if (next.done === true) {
        controller.close();
        // A reader that brought its own buffer waits for it.
        controller.byobRequest?.respond(0);
      } else controller.enqueue(encoder.encode(next.value));
    },
    async cancel() {
      await texts.return();
    },
  });
}
