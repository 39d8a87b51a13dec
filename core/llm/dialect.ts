/** How a kind of provider is spoken to. What people send and get is OpenAI's shape whoever is asked; here is the other side. */
import type { ChatMessage, Sampling } from "./chat.ts";
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

/** What one event of a stream says. `nothing`: it keeps the connection open; null: it is an error, or none that we know. */
export type EventReading = Piece | "nothing" | "end" | null;

/** All pure: no key is kept, nothing is sent. */
export interface Dialect {
  headers(key: string): Readonly<Record<string, string>>;
  /** Behind the base address. */
  readonly chatPath: string;
  /** @param host of the provider, where its own and a compatible one's differ */
  chatBody(chat: LeavingChat, host: string): object;
  /** @returns null when it is no answer */
  readWhole(text: string): Piece | null;
  /** Reads one stream's events in their order; made anew for each stream. */
  eventReader(): (data: string) => EventReading;
  /** Null: it makes no vectors. */
  readonly embeddings: {
    readonly path: string;
    body(leaving: LeavingTexts): object;
  } | null;
}
