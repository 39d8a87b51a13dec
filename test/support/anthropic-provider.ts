/** What a provider says in Anthropic's own format, event by event as its documentation has them. */

export const isAnthropic = ({ path }: { readonly path: string }): boolean => path.endsWith("/messages");

const usual = { input_tokens: 5, output_tokens: 3 };
const event = (type: string, more: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const delta = (text: string): string => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } });

/** A whole answer. @param usage undefined: the usual */
export function anthropicAnswer(text: string, usage: unknown = usual): string {
  const content = [{ type: "text", text }];
  return JSON.stringify({ id: "theirs", type: "message", role: "assistant", content, stop_reason: "end_turn", usage });
}

/** The same in pieces, with what stands between them. */
export function anthropicStream(text: string, usage: unknown = usual, pieces = 1): string[] {
  const size = Math.max(1, Math.ceil(text.length / pieces));
  const deltas = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
    delta(text.slice(at * size, (at + 1) * size)),
  );
  return [
    begin(usage),
    event("ping", {}),
    ...deltas,
    event("content_block_stop", { index: 0 }),
    event("something_new", { of: "theirs" }),
    event("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage }),
    event("message_stop", {}),
  ];
}

const begin = (usage: unknown): string =>
  event("message_start", { message: { id: "theirs", type: "message", role: "assistant", content: [], usage } }) +
  event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });

export const anthropicHalf = { begin: begin(usual) + delta("as I was "), more: delta("saying ") };
/** It is overloaded in the middle of an answer, and says so under 200. */
export const anthropicError = event("error", { error: { type: "overloaded_error", message: "Overloaded" } });
