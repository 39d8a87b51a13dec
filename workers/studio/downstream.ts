import type { ProblemCode } from "../../core/problem.ts";
import type { Result } from "../../core/rpc/capabilities.ts";
import { type Refusal, refuse } from "./http/result.ts";
import { Unavailable } from "./unavailable.ts";

/** Runs a call to another unit; whatever it throws, the part is not available to this request. @throws Unavailable */
export async function fromPart<T>(part: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const failure = new Unavailable(part);
    failure.cause = cause;
    throw failure;
  }
}

/** A keeper that failed is left alone for five seconds; before that nothing can change. */
const keyRetrySeconds = 5;

/** Maps a capability's refusal to the problem that the client sees. */
export function refusalOf(result: Extract<Result<unknown>, { ok: false }>): Refusal {
  const codes: Record<typeof result.code, ProblemCode> = {
    not_found: "not_found",
    forbidden: "forbidden",
    conflict: "conflict",
    invalid_enrollment_code: "invalid_enrollment_code",
    invalid_cursor: "invalid_cursor",
    invalid_request: "invalid_request",
    key_unavailable: "key_unavailable",
  };
  if (result.code !== "key_unavailable") return refuse(codes[result.code]);
  // Somebody was kept from what is theirs because of a key: on record, beside the request itself.
  const event = { type: "key_change", user_id: null, kind: "key_encryption_key", key_id: "current" } as const;
  return refuse("key_unavailable", {
    headers: { "Retry-After": String(keyRetrySeconds) },
    alongside: [{ ...event, action: "unavailable" }],
  });
}
