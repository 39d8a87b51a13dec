/** What comes back from a provider. It is somebody else's: of it only what is understood goes on. */

export const finishReasons = ["stop", "length", "content_filter"] as const;
export type FinishReason = (typeof finishReasons)[number];

export interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** A whole answer, or one piece of a stream. */
export interface Piece {
  readonly content: string;
  readonly finish: FinishReason | null;
  /** Null: it does not say, or what it says can't be. */
  readonly tokens: Tokens | null;
}

/** An object of somebody else's, of which nothing is known. */
export type Shape = Readonly<Record<string, unknown>>;
export const shapeOf = (value: unknown): Shape | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Shape) : null;

/** Null for what is no JSON, or no object. */
export function parseShape(text: string): Shape | null {
  try {
    return shapeOf(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * Reads an answer, or a chunk of one, in OpenAI's shape.
 * @param part where the text is: `message` of a whole answer, `delta` of a chunk
 * @returns null when it is none, or an error in the shape of one
 */
export function readPiece(text: string, part: "message" | "delta"): Piece | null {
  const parsed = parseShape(text);
  const choices = parsed?.["choices"];
  if (parsed === null || parsed["error"] !== undefined || !Array.isArray(choices)) return null;
  const tokens = readTokens(parsed["usage"]);
  // The chunk of the count has no choice.
  if (choices.length === 0) return part === "delta" ? { content: "", finish: null, tokens } : null;
  const choice = shapeOf(choices[0]);
  const said = shapeOf(choice?.[part]);
  if (choice === null || said === null) return null;
  const content = said["content"] ?? said["refusal"] ?? "";
  if (typeof content !== "string") return null;
  const finish = finishReasons.find((reason) => reason === choice["finish_reason"]) ?? null;
  // A reason that we don't know is an end all the same.
  return { content, finish: finish ?? (typeof choice["finish_reason"] === "string" ? "stop" : null), tokens };
}

/** @returns null unless both are whole numbers that can be */
export function readTokens(value: unknown): Tokens | null {
  const usage = shapeOf(value);
  const [input, output] = [usage?.["prompt_tokens"], usage?.["completion_tokens"]];
  return isCount(input) && isCount(output) ? { input, output } : null;
}
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Why an answer ended whose provider does not say: it was let say no more, or it was over. */
export const endedBy = (said: Tokens | null, outputMax: number): FinishReason =>
  said !== null && said.output >= outputMax ? "length" : "stop";

/**
 * Tokens to be counted: what the provider says if that can be, else all that was reserved. What says less than it is
 * (nothing at all of an answer that is there) counts in full too; of vectors nothing is written, and none is reserved.
 */
export function countedTokens(said: Tokens | null, reserved: Tokens, answered: boolean): Tokens {
  if (said === null || said.input > reserved.input || said.output > reserved.output) return reserved;
  const saysNothing = said.input === 0 || (said.output === 0 && reserved.output > 0);
  return answered && saysNothing ? reserved : said;
}
