/**
 * A chat completion as it is asked for: the part of OpenAI's shape that this platform can mask, bound and pass on. What is
 * not here is refused at the door, for what is passed on unread could carry personal data past the mask, or spend past
 * the budget.
 */

export const chatRoles = ["system", "developer", "user", "assistant"] as const;
export interface ChatMessage {
  readonly role: (typeof chatRoles)[number];
  readonly content: string;
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream: boolean;
  /** The stream ends with a count of tokens. */
  readonly includeUsage: boolean;
  /** Tokens of the answer at most. */
  readonly maxTokens: number;
  /** Passed on as they are, where they are there: numbers and stop words. */
  readonly sampling: Sampling;
}
export interface Sampling {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly presence_penalty?: number;
  readonly frequency_penalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly response_format?: { readonly type: "text" | "json_object" };
}

export const messagesMax = 200;
/** Characters of all messages together: some 50,000 tokens, and a second of looking for personal data at worst. */
export const chatCharactersMax = 200_000;
export const maxTokensDefault = 1_024;
/** Tokens of an answer: beyond it no model of today answers, and a mistyped number must not reserve the whole budget. */
export const maxTokensMax = 32_768;
export const stopsMax = 4;
export const stopCharactersMax = 64;

/** What OpenAI's format adds to each message and to the whole, in tokens, rounded up well. */
const tokensAroundMessage = 16;

/**
 * Tokens that the messages can be at most: every tokenizer in use is made of bytes, so a text has no more tokens than
 * bytes.
 */
export function inputTokensMax(messages: readonly ChatMessage[]): number {
  const encoder = new TextEncoder();
  let tokens = tokensAroundMessage;
  for (const { content } of messages) tokens += encoder.encode(content).length + tokensAroundMessage;
  return tokens;
}

/** What tokens cost, in micro-dollars, rounded up. */
export function costMicros(
  tokens: { readonly input: number; readonly output: number },
  price: { readonly inputMicros: number; readonly outputMicros: number },
): number {
  return Math.ceil((tokens.input * price.inputMicros + tokens.output * price.outputMicros) / 1_000_000);
}
