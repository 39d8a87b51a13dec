import type { ProblemCode } from "../../../../core/problem.ts";

/**
 * Codes the browser itself adds to the server's: no answer came, or one that makes no sense; the person
 * did not prove themselves again when asked to; the browser gave no passkey.
 */
export type ClientProblemCode = "network_error" | "unexpected_answer" | "step_up_declined" | "passkey_failed";

export interface ProblemFields {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly code: ProblemCode | ClientProblemCode;
  readonly title: string;
  readonly detail: string | null;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;
  /** For `invalid_request`: where and what. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** What the server adds for one code alone (RFC 9457 section 3.2): `challenge`, `factors`, …. */
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** A refusal or failure of the API, with what a person needs to act on it or report it. */
export class ApiProblem extends Error {
  readonly fields: ProblemFields;
  constructor(fields: ProblemFields) {
    super(fields.title);
    this.name = "ApiProblem";
    this.fields = fields;
  }
}

/** Reads whatever was thrown into fields that can be shown. */
export function problemOf(error: unknown): ProblemFields {
  if (error instanceof ApiProblem) return error.fields;
  return clientProblem("unexpected_answer", "Something went wrong in this page", String(error), 0, null);
}

export function clientProblem(
  code: ClientProblemCode,
  title: string,
  detail: string,
  status: number,
  requestId: string | null,
): ProblemFields {
  return { status, code, title, detail, requestId, retryAfterSeconds: null, errors: [], extensions: {} };
}

/** True when the person closed the question whether it is them: nothing failed, so nothing is shown. */
export function wasDeclined(error: unknown): boolean {
  return error instanceof ApiProblem && error.fields.code === "step_up_declined";
}

/** True for a refusal with this code. */
export function isProblem(error: unknown, code: ProblemFields["code"]): error is ApiProblem {
  return error instanceof ApiProblem && error.fields.code === code;
}

/**
 * Reads an error answer. Proxies between us and the server may answer with a page of their own, so
 * nothing about the body is taken for granted.
 */
export function parseProblem(
  body: unknown,
  status: number,
  headers: { readonly requestId: string | null; readonly retryAfter: string | null },
): ProblemFields {
  const record = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
  const seconds = Number(headers.retryAfter ?? Number.NaN);
  return {
    status,
    code: (text(record["code"]) ?? "unexpected_answer") as ProblemFields["code"],
    title: text(record["title"]) ?? `The server answered ${status}`,
    detail: text(record["detail"]),
    requestId: text(record["request_id"]) ?? headers.requestId,
    retryAfterSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : null,
    errors: Array.isArray(record["errors"]) ? record["errors"].filter(isFieldError) : [],
    extensions: Object.fromEntries(Object.entries(record).filter(([name]) => !standard.has(name))),
  };
}

const standard: ReadonlySet<string> = new Set([
  "type",
  "title",
  "status",
  "detail",
  "instance",
  "code",
  "request_id",
  "errors",
]);

function isFieldError(value: unknown): value is { path: string; message: string } {
  if (typeof value !== "object" || value === null) return false;
  const { path, message } = value as Record<string, unknown>;
  return typeof path === "string" && typeof message === "string";
}
