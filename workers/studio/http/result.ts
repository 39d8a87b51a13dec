import type { AuditFields } from "../../../core/audit/events.ts";
import type { ProblemBody, ProblemCode } from "../../../core/problem.ts";

/** A list where the header comes more than once, as `Set-Cookie` does. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

/** Media types of answers that are not JSON made here; `application/json` is one that another unit has made. */
export type RawMedia =
  | "application/json"
  | "text/plain; charset=utf-8"
  | "application/octet-stream"
  | "text/event-stream";

/** What a handler comes to: an answer or a refusal, both values. */
export type HandlerResult<Body> = Answer<Body> | Refusal;

export interface Answer<Body> {
  readonly kind: "answer";
  readonly body: Body;
  /** Other than the route's declared status; readiness alone needs it. */
  readonly status?: number;
  readonly headers?: AnswerHeaders;
  /** Events that the work caused; durable together with the outcome, before the answer. */
  readonly alongside?: readonly AuditFields[];
}
export interface Refusal {
  readonly kind: "refusal";
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly errors?: NonNullable<ProblemBody["errors"]>;
  /** Members of this problem alone (RFC 9457 §3.2), such as the challenge of a second step. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly headers?: AnswerHeaders;
  readonly alongside?: readonly AuditFields[];
  /** Part of the work was committed before it was refused: the log goes by the receipt and not by this answer. */
  readonly committed?: true;
}

export function answer<Body>(body: Body, extra: Pick<Answer<Body>, "headers" | "alongside"> = {}): Answer<Body> {
  return { kind: "answer", body, ...extra };
}

export function refuse(
  code: ProblemCode,
  extra: Pick<Refusal, "detail" | "errors" | "extensions" | "headers" | "alongside" | "committed"> = {},
): Refusal {
  return { kind: "refusal", code, ...extra };
}
