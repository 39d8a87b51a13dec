import type { MqttClient } from "mqtt";
export type ConnectionState = {
    readonly kind: "connecting";
} | {
    readonly kind: "live";
} | {
    readonly kind: "waiting";
    readonly retryAtMs: number;
} | {
    readonly kind: "closed";
};
export type MessageHandler = (topic: string, payload: Uint8Array) => void;
type OpenClient = (url: string) => Promise<MqttClient>;
/**
 * One MQTT connection of one organisation, shared by everything on the page: subscriptions are
 * counted, and made again after each reconnect.
 */
export declare class LiveConnection {
    #private;
    constructor(url: string, open: OpenClient);
    readonly getState: () => ConnectionState;
    readonly onState: (listener: () => void) => (() => void);
    /** Starts; safe to call once. Every loss is followed by another try, until `close`. */
    start(): void;
    /** Delivers messages under `filter` until the returned function is called. */
    subscribe(filter: string, handler: MessageHandler): () => void;
    /** Tries at once instead of waiting out the backoff. */
    retryNow(): void;
    close(): void;
}
export {};
