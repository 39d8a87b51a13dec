import * as z from "zod/mini";
export interface CallOptions {
    readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
    readonly query?: Readonly<Record<string, string | number | null | undefined>>;
    readonly body?: unknown;
    readonly signal?: AbortSignal;
    /** Makes a repeated POST the same request; pass one per thing the person asked for. */
    readonly idempotencyKey?: string;
}
/**
 * Calls the API with the session cookie and parses the answer at the door.
 * @throws ApiProblem for every refusal, for no answer, and for one that does not fit the schema
 */
export declare function call<T>(path: string, schema: z.ZodMiniType<T>, options?: CallOptions): Promise<T>;
/** For calls whose answer holds nothing of interest. */
export declare function callVoid(path: string, options: CallOptions): Promise<void>;
/** Leaves out what is null, undefined or empty. */
export declare function queryString(query: NonNullable<CallOptions["query"]>): string;
/** A path of segments, each escaped, so that no value can climb out of its place. */
export declare function path(...segments: readonly string[]): string;
