import type { LlmProviderId } from "../../../core/ids.ts";
import type { ChatRequest } from "../../../core/llm/chat.ts";
import type { Dialect } from "../../../core/llm/dialect.ts";
import type { MaskTable } from "../../../core/llm/masking.ts";
import { endedBy, type Tokens } from "../../../core/llm/upstream.ts";
import type { Completion } from "../../../core/rpc/llm.ts";
import type { Account } from "./account.ts";
import { readText } from "./read-text.ts";

/**
 * Largest whole answer that is read, in bytes: 32 Ki tokens of any script are far below, and a request with an
 * Idempotency-Key keeps its answer in a row.
 */
const wholeBytesMax = 1024 * 1024;

/** What an answer is made with. */
export interface Answering {
  readonly request: ChatRequest;
  readonly provider: LlmProviderId;
  readonly dialect: Dialect;
  readonly account: Account;
  readonly mask: MaskTable | null;
  /** The request's own: what the provider called the answer stays with it. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Reads an answer whole. @returns null when it is none; it counts as if it had been one */
export async function wholeAnswer(
  { request, provider, dialect, account, mask, id, now }: Answering,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Completion | null> {
  const text = await readText(bytes, wholeBytesMax);
  const piece = text === null ? null : dialect.readWhole(text);
  const tokens = await account.settle(piece?.tokens ?? null, true);
  if (piece === null) return null;
  const content = mask === null ? piece.content : mask.unmask(piece.content);
  const finish = piece.finish ?? endedBy(piece.tokens, request.maxTokens);
  const json = JSON.stringify({
    id: `chatcmpl-${id}`,
    object: "chat.completion",
    created: Math.floor(now() / 1000),
    model: request.model,
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: finish }],
    usage: usageOf(tokens),
  });
  return { kind: "whole", provider, json };
}

/** Tokens as OpenAI's shape has them. */
export const usageOf = ({ input, output }: Tokens): object => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
});
