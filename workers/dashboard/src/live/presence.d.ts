export interface Presence {
    readonly online: boolean;
    /** RFC 3339 UTC, when the status says so. */
    readonly at: string | null;
}
/** Reads a `…/status` message; null when it is not one (anything may be published by a device). */
export declare function parseStatus(payload: Uint8Array): Presence | null;
/** Decodes UTF-8 JSON; null for anything else. */
export declare function parseJson(payload: Uint8Array): unknown;
