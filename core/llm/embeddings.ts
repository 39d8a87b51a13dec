/** Texts as vectors, as they are asked for: the part of OpenAI's shape that can be masked, bounded and passed on. */
import type { Tokens } from "./upstream.ts";
import { isCount, parseShape, shapeOf } from "./upstream.ts";

export interface EmbeddingRequest {
  readonly model: string;
  readonly texts: readonly string[];
  /** Null: as many as the model gives. */
  readonly dimensions: number | null;
  readonly encoding: "float" | "base64";
}

/** Texts of a request: so many vectors of the longest models are an answer of some megabytes. */
export const textsMax = 256;
/** Characters of one text: models read some thousands of tokens of each, and cut or refuse the rest. */
export const textCharactersMax = 65_536;
/** Characters of all texts together, as of a chat. */
export const embeddingCharactersMax = 200_000;
/** Numbers of a vector; today's longest have 4,096. */
export const dimensionsMax = 8_192;

/** A vector as it came: numbers, or their little-endian 32 bits in base64. */
export type Vector = readonly number[] | string;
export interface Vectors {
  /** In the order of the texts. */
  readonly vectors: readonly Vector[];
  /** Null: it does not say, or what it says can't be. */
  readonly tokens: Tokens | null;
}

/**
 * Reads vectors: one for each text, all of one length.
 * @returns null when it is anything else: a vector of another text would be found for it ever after
 */
export function readVectors(
  text: string,
  { texts, encoding }: Pick<EmbeddingRequest, "texts" | "encoding">,
): Vectors | null {
  const parsed = parseShape(text);
  const data = parsed?.["data"];
  if (parsed === null || parsed["error"] !== undefined || !Array.isArray(data) || data.length !== texts.length)
    return null;
  const vectors: Vector[] = [];
  for (const one of data.map(shapeOf)) {
    const [index, vector] = [one?.["index"], readVector(one?.["embedding"], encoding)];
    if (!isCount(index) || index >= texts.length || vector === null || vectors[index] !== undefined) return null;
    vectors[index] = vector;
  }
  const length = vectors[0]?.length;
  if (vectors.some((vector) => vector.length !== length)) return null;
  const input = shapeOf(parsed["usage"])?.["prompt_tokens"];
  return { vectors, tokens: isCount(input) ? { input, output: 0 } : null };
}

/**
 * Reads vectors that stand in the order of their texts, as Workers AI gives them: numbers alone, whatever was asked for.
 * @returns null when it is anything but a vector for each text, all of one length
 */
export function readPlainVectors(
  text: string,
  { texts, encoding }: Pick<EmbeddingRequest, "texts" | "encoding">,
): Vectors | null {
  const parsed = parseShape(text);
  const data = parsed?.["data"];
  if (parsed === null || parsed["error"] !== undefined || !Array.isArray(data) || data.length !== texts.length)
    return null;
  const read = data.map((one) => readVector(one, "float")).filter((vector) => vector !== null);
  if (read.length !== texts.length || read.some(({ length }) => length !== read[0]?.length)) return null;
  const vectors = encoding === "float" ? read : read.map((vector) => inBase64(vector as readonly number[]));
  const input = shapeOf(parsed["usage"])?.["prompt_tokens"];
  return { vectors, tokens: isCount(input) ? { input, output: 0 } : null };
}

/** Little-endian 32 bits each, as OpenAI's clients read them. */
function inBase64(numbers: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(4 * numbers.length));
  for (const [at, number] of numbers.entries()) view.setFloat32(4 * at, number, true);
  let binary = "";
  for (let at = 0; at < view.byteLength; at += 1) binary += String.fromCharCode(view.getUint8(at));
  return btoa(binary);
}

function readVector(value: unknown, encoding: EmbeddingRequest["encoding"]): Vector | null {
  if (encoding === "base64") {
    const fits = typeof value === "string" && value.length >= 8 && value.length <= base64Length(dimensionsMax);
    return fits && /^[A-Za-z0-9+/]+={0,2}$/.test(value) && value.length % 4 === 0 ? value : null;
  }
  const fits = Array.isArray(value) && value.length >= 1 && value.length <= dimensionsMax;
  return fits && value.every((one) => typeof one === "number") ? value : null;
}

const base64Length = (dimensions: number): number => 4 * Math.ceil((4 * dimensions) / 3);
