/** What the `Llm` entrypoint of capabilities offers to studio. */
import type { LlmProviderId, UserId } from "../ids.ts";
import type { ChatRequest } from "../llm/chat.ts";
import type { EmbeddingRequest } from "../llm/embeddings.ts";
import type { KeyedSettings, ModelPrice, PlatformSettings, ProviderSettings } from "../llm/provider.ts";
import type { SignedCall } from "../mesh/claims.ts";

/** A refusal that the caller turns into a problem; anything else that goes wrong throws. */
export type LlmResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code:
        | "not_found"
        | "forbidden"
        /** There is one of that name, or there are as many as there may be. */
        | "conflict"
        /** A value that the caller should have refused, or an address that may not be called; nothing was done. */
        | "invalid_request"
        | "key_unavailable"
        /** No provider offers that model to this role. */
        | "model_unknown"
        /** The month's budget of each provider that offers it is spent, or what is asked for could spend more. */
        | "budget_spent"
        /** The organisation's plan allows no more this month, or what is asked for could cost more. */
        | "plan_spent"
        /** What it allows of the models that the operator pays for is spent, or what is asked could cost more. */
        | "operator_spent"
        /** The operator offers no models of the platform's, or not that one. */
        | "not_offered"
        /** The keys of all that offer it are past their month and its grace. */
        | "key_due"
        /** The provider said that the request is wrong. */
        | "request_refused"
        /** Every provider that could be asked failed. */
        | "providers_failed";
    };

/** A provider as it is shown: never its key. */
export type LlmProvider = KeyedLlmProvider | PlatformLlmProvider;
export interface KeyedLlmProvider extends KeyedSettings, Shown {
  readonly key: ShownKey;
  /** The key before, while it is valid too. */
  readonly previousKey: (Pick<ShownKey, "fingerprint"> & { readonly until: string }) | null;
}
/** There is no key to show, to rotate or to be late with. */
export interface PlatformLlmProvider extends PlatformSettings, Shown {
  readonly key: null;
  readonly previousKey: null;
}
interface Shown {
  readonly id: LlmProviderId;
  /** Micro-dollars of this month, requests under way included at what they can cost at most. */
  readonly spentMicros: number;
  readonly createdBy: UserId;
  readonly createdAt: string;
}
export interface ShownKey {
  /** The first 64 bits of its SHA-256, in hexadecimal. */
  readonly fingerprint: string;
  readonly since: string;
  /** When it should be another one. */
  readonly dueAt: string;
  /** When it stops being used if it is not. */
  readonly blockedAt: string;
}

/** How one is changed: settings as a whole, its key if there is a new one. */
export interface ProviderChange {
  readonly settings: ProviderSettings;
  /** Null: the key stays. */
  readonly key: string | null;
  /** False: the key before ends at once, as it must when it leaked. */
  readonly keepPrevious: boolean;
}

/** A model of the platform's that the operator offers, at what it costs. */
export type PlatformModel = Pick<ModelPrice, "upstream" | "inputMicros" | "outputMicros">;

/** Whose use it was, in one month and with one model of one provider. */
export interface LlmUsage {
  readonly user: UserId;
  readonly provider: LlmProviderId;
  readonly model: string;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicros: number;
}

/** An answer on its way: JSON whole, or server-sent events. In OpenAI's shape either way. */
export type Completion =
  | { readonly kind: "whole"; readonly provider: LlmProviderId; readonly json: string }
  | { readonly kind: "stream"; readonly provider: LlmProviderId; readonly events: ReadableStream<Uint8Array> };

/** What goes with every question. */
export interface Asking {
  /** Of the organisation's people, masked wherever a provider masks. */
  readonly names: readonly string[];
  /** Micro-dollars that all providers together may cost in a month, by the organisation's plan. */
  readonly monthMicrosMax: number;
  /** … and of these, what models may cost that the operator pays for. */
  readonly operatorMicrosMax: number;
}

/** Vectors in OpenAI's shape, as JSON. */
export interface Embedded {
  readonly provider: LlmProviderId;
  readonly json: string;
}

export interface LlmRpc {
  /** In the order in which they are asked; and what the operator offers, none where there is nothing of it. */
  listProviders(
    call: SignedCall,
  ): Promise<LlmResult<{ readonly providers: readonly LlmProvider[]; readonly platform: readonly PlatformModel[] }>>;
  /** @param key null for the platform's own models, and for them alone */
  addProvider(call: SignedCall, settings: ProviderSettings, key: string | null): Promise<LlmResult<LlmProvider>>;
  changeProvider(call: SignedCall, id: LlmProviderId, change: ProviderChange): Promise<LlmResult<LlmProvider>>;
  /** Its keys are gone with it, at once. */
  removeProvider(call: SignedCall, id: LlmProviderId): Promise<LlmResult<{ readonly hadKey: boolean }>>;
  /** The provider of that name, however it is capitalised, or of that id; of those that have a key. */
  namedKey(call: SignedCall, name: string): Promise<LlmResult<KeyedLlmProvider>>;
  /** Gives it another key, or makes it with defaults where its name is well known (core/llm/well-known.ts). */
  putNamedKey(
    call: SignedCall,
    name: string,
    key: string,
    keepPrevious: boolean,
  ): Promise<LlmResult<{ readonly provider: KeyedLlmProvider; readonly created: boolean }>>;
  /** As `removeProvider`. @returns which it was */
  revokeNamedKey(call: SignedCall, name: string): Promise<LlmResult<LlmProviderId>>;
  /** Names of models that the caller may ask for by their role, in the order of the providers; none while no key is good. */
  models(call: SignedCall): Promise<LlmResult<readonly string[]>>;
  /** What the caller may see of a month. @param month `2026-11` */
  usage(call: SignedCall, month: string): Promise<LlmResult<readonly LlmUsage[]>>;
  /** Asks the organisation's providers in turn. */
  complete(call: SignedCall, request: ChatRequest, asking: Asking): Promise<LlmResult<Completion>>;
  /** … for vectors of texts. Where a provider masks, what is masked stays so. */
  embed(call: SignedCall, request: EmbeddingRequest, asking: Asking): Promise<LlmResult<Embedded>>;
}
