import type { ProblemCode } from "../../../../core/problem.ts";
/** Codes the browser itself adds to the server's: no answer came, or one that makes no sense. */
export type ClientProblemCode = "network_error" | "unexpected_answer";
export interface ProblemFields {
    /** HTTP status; 0 when no answer came. */
    readonly status: number;
    readonly code: ProblemCode | ClientProblemCode;
    readonly title: string;
    readonly detail: string | null;
    readonly requestId: string | null;
    readonly retryAfterSeconds: number | null;
    /** For `invalid_request`: where and what. */
    readonly errors: readonly {
        readonly path: string;
        readonly message: string;
    }[];
}
/** A refusal or failure of the API, with what a person needs to act on it or report it. */
export declare class ApiProblem extends Error {
    readonly fields: ProblemFields;
    constructor(fields: ProblemFields);
}
/** Reads whatever was thrown into fields that can be shown. */
export declare function problemOf(error: unknown): ProblemFields;
export declare function clientProblem(code: ClientProblemCode, title: string, detail: string, status: number, requestId: string | null): ProblemFields;
/**
 * Reads an error answer. Proxies between us and the server may answer with a page of their own, so
 * nothing about the body is taken for granted.
 */
export declare function parseProblem(body: unknown, status: number, headers: {
    readonly requestId: string | null;
    readonly retryAfter: string | null;
}): ProblemFields;
