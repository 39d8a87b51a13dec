/** How a kind of provider is spoken to. What people send and get is OpenAI's shape whoever is asked; here is the other side. */
import type { ChatMessage, Sampling } from "./chat.ts";
import type { EmbeddingRequest, Vectors } from "./embeddings.ts";
import type { Piece } from "./upstream.ts";

/** A chat as it leaves: masked, with the provider's own name for the model. */
export interface LeavingChat {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream: boolean;
  readonly maxTokens: number;
  readonly sampling: Sampling;
}

/** Texts as they leave to become vectors. */
export interface LeavingTexts {
  readonly model: string;
  readonly texts: readonly string[];
  readonly dimensions: number | null;
  readonly encoding: "float" | "base64";
}

/**
 * What one event of a stream says. `nothing`: it keeps the connection open; `end`: it is over, and has said why; `over`: it is
 * over, of a kind that never says why; null: it is an error, or none that we know.
 */
export type EventReading = Piece | "nothing" | "end" | "over" | null;

/** All pure: no key is kept, nothing is sent. */
export interface Dialect {
  /** @param host of the provider, where its own and a compatible one's differ; null: it has none */
  chatBody(chat: LeavingChat, host: string | null): object;
  /** @returns null when it is no answer */
  readWhole(text: string): Piece | null;
  /** Reads one stream's events in their order; made anew for each stream. */
  eventReader(): (data: string) => EventReading;
  /** Null: it makes no vectors. */
  readonly embeddings: VectorDialect | null;
}

export interface VectorDialect {
  /** False: a vector is as long as its model makes it. */
  readonly shortens: boolean;
  body(leaving: LeavingTexts): object;
  /** @returns null when it is anything but a vector for each text, all of one length */
  read(text: string, asked: Pick<EmbeddingRequest, "texts" | "encoding">): Vectors | null;
}

/** Of a kind that has an address and a key. */
export interface HttpDialect extends Dialect {
  headers(key: string): Readonly<Record<string, string>>;
  /** Behind the base address. */
  readonly paths: { readonly chat: string; readonly embeddings: string };
}
