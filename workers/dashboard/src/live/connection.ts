import type { MqttClient } from "mqtt";
import { backoffMs, stableAfterMs } from "./backoff.ts";
import { type ServerReason, serverReason } from "./server-reason.ts";
import { matches } from "./topics.ts";

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** `reason`: what the server said, null where it said nothing. */
  | { readonly kind: "waiting"; readonly retryAtMs: number; readonly reason: string | null }
  | { readonly kind: "closed" };

export type MessageHandler = (topic: string, payload: Uint8Array) => void;
type OpenClient = (url: string) => Promise<MqttClient>;

/**
 * One MQTT connection of one organisation, shared by everything on the page: subscriptions are
 * counted, and made again after each reconnect.
 */
export class LiveConnection {
  readonly #url: string;
  readonly #open: OpenClient;
  /** Written by `subscribe` and its undo. Invariant: no entry is empty. */
  readonly #handlers = new Map<string, Set<MessageHandler>>();
  readonly #stateListeners = new Set<() => void>();
  #state: ConnectionState = { kind: "connecting" };
  #client: MqttClient | null = null;
  #attempt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #stableTimer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(url: string, open: OpenClient) {
    this.#url = url;
    this.#open = open;
  }

  readonly getState = (): ConnectionState => this.#state;

  readonly onState = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  /** Starts; safe to call once. Every loss is followed by another try, until `close`. */
  start(): void {
    void this.#connect();
  }

  /** Delivers messages under `filter` until the returned function is called. */
  subscribe(filter: string, handler: MessageHandler): () => void {
    const known = this.#handlers.get(filter);
    if (known === undefined) {
      this.#handlers.set(filter, new Set([handler]));
      this.#client?.subscribe(filter, { qos: 0 }, ignoreRefusal);
    } else {
      known.add(handler);
      // A retained message comes only with a new subscription, and the newcomer needs it too.
      this.#client?.subscribe(filter, { qos: 0 }, ignoreRefusal);
    }
    return () => this.#unsubscribe(filter, handler);
  }

  /** Tries at once instead of waiting out the backoff. */
  retryNow(): void {
    if (this.#state.kind !== "waiting") return;
    clearTimeout(this.#retryTimer);
    void this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#stableTimer);
    this.#client?.end(true);
    this.#client = null;
    this.#become({ kind: "closed" });
  }

  #unsubscribe(filter: string, handler: MessageHandler): void {
    const known = this.#handlers.get(filter);
    if (known === undefined || !known.delete(handler) || known.size > 0) return;
    this.#handlers.delete(filter);
    this.#client?.unsubscribe(filter);
  }

  async #connect(): Promise<void> {
    this.#become({ kind: "connecting" });
    let client: MqttClient;
    try {
      client = await this.#open(this.#url);
    } catch {
      this.#retryLater(null);
      return;
    }
    if (this.#closed) {
      client.end(true);
      return;
    }
    client.on("connect", () => this.#connected(client));
    client.on("message", (topic, payload) => this.#deliver(topic, payload));
    /** The first word counts; a close without one has none. */
    let reason: ServerReason | null = null;
    client.on("packetreceive", (packet) => {
      reason ??= serverReason(packet);
    });
    // MQTT.js stays connected after the server's DISCONNECT, and after a packet that it couldn't read.
    client.on("disconnect", () => client.end(true));
    client.on("error", () => client.end(true));
    client.once("close", () => {
      client.removeAllListeners();
      client.on("error", () => undefined);
      client.end(true);
      if (!this.#closed) this.#retryLater(reason);
    });
  }

  #connected(client: MqttClient): void {
    this.#client = client;
    this.#become({ kind: "live" });
    clearTimeout(this.#stableTimer);
    this.#stableTimer = setTimeout(() => {
      this.#attempt = 0;
    }, stableAfterMs);
    for (const filter of this.#handlers.keys()) client.subscribe(filter, { qos: 0 }, ignoreRefusal);
  }

  #retryLater(reason: ServerReason | null): void {
    this.#client = null;
    clearTimeout(this.#stableTimer);
    const waitMs = (reason?.retryAfterMs ?? 0) + backoffMs(this.#attempt, Math.random);
    this.#attempt += 1;
    this.#become({ kind: "waiting", retryAtMs: Date.now() + waitMs, reason: reason?.text ?? null });
    this.#retryTimer = setTimeout(() => void this.#connect(), waitMs);
  }

  #deliver(topic: string, payload: Uint8Array): void {
    for (const [filter, handlers] of this.#handlers) {
      if (!matches(filter, topic)) continue;
      for (const handler of handlers) handler(topic, payload);
    }
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    for (const listener of this.#stateListeners) listener();
  }
}

/** A refused subscription leaves the page without live values, which the API's answers then fill. */
function ignoreRefusal(): void {}
