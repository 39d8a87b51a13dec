/**
 * RFC 9457 problem details with a stable `code`. One table gives each code its status and title;
 * a `detail` may add what to do, never what would help an attacker.
 */
export const problems = {
  malformed_request: [400, "The request could not be read"],
  invalid_json: [400, "The body is not valid JSON"],
  invalid_request: [422, "A field is missing, unknown or out of range"],
  invalid_cursor: [400, "The cursor is not one of ours"],
  invalid_token: [401, "The token is not valid"],
  unauthenticated: [401, "Sign in first"],
  invalid_credentials: [401, "The e-mail or the password is wrong, or the address is not verified yet"],
  mfa_required: [401, "A second factor is needed"],
  step_up_required: [401, "Prove again that it is you"],
  throttled: [429, "Too many failed sign-ins; wait a moment"],
  mfa_enrollment_required: [403, "Your organisation asks for a second factor: set one up first"],
  provider_refused: [401, "The sign-in at the identity provider did not succeed; start again"],
  no_account: [403, "No account belongs to this identity, and it can't make one"],
  link_required: [409, "An account with this address exists: sign in to it to link the two"],
  forbidden: [403, "Your role does not allow this"],
  csrf_denied: [403, "The request did not come from this site"],
  geo_denied: [403, "Not available from this country"],
  waf_denied: [403, "The request looks like an attack"],
  org_suspended: [403, "The organisation is suspended"],
  org_deleting: [403, "The organisation is to be deleted"],
  tls_required: [403, "A newer TLS version is needed"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "This method is not allowed here"],
  quota_exceeded: [403, "The organisation's plan allows no more of it"],
  conflict: [409, "It conflicts with what is there"],
  confirmation_needed: [409, "This would shut somebody out: look whom, and confirm it"],
  slug_taken: [409, "That slug is taken"],
  last_owner: [409, "An organisation keeps at least one owner"],
  idempotency_conflict: [409, "The Idempotency-Key was used for another request"],
  idempotency_in_progress: [409, "The first request with this Idempotency-Key is still running"],
  too_large: [413, "The request is too large"],
  invalid_range: [416, "No byte of it is in that range"],
  harmful_document: [422, "Something harmful was found in it, so it was not kept"],
  unsupported_media_type: [415, "Send application/json"],
  invalid_enrollment_code: [403, "The enrolment code is not valid"],
  rate_limited: [429, "Too many requests"],
  upgrade_required: [426, "Connect with a WebSocket"],
  internal_error: [500, "Something went wrong on our side"],
  unavailable: [503, "A part of the system is not answering; try again"],
  payment_overdue: [403, "An invoice is long overdue: until it is paid nothing can be added"],
  org_moving: [503, "The organisation is being moved: what it has can be read, and written again soon"],
  key_unavailable: [503, "The organisation's encryption key can't be had at the moment"],
  llm_budget_spent: [403, "The month's budget for language models is spent, or this could spend more than is left"],
  llm_key_due: [403, "The provider's key is older than your organisation allows: it must be given anew"],
  llm_unavailable: [503, "No provider of your organisation's answered"],
  backend_refused: [422, "The backend did not take the request"],
  backend_failed: [502, "The backend gave no answer that could be handed on"],
  backend_timeout: [504, "The backend did not answer in time"],
  backend_unavailable: [503, "The backend is not answering at the moment; try again later"],
  audit_unavailable: [503, "The audit log is not answering, so nothing was done"],
  no_capacity: [503, "There is no room for another organisation at the moment; the operators have been told"],
  busy: [503, "Too many sign-ins at once; try again in a moment"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof problems;

/** The JSON body of an error answer. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: ProblemCode;
  readonly request_id: string;
  /** For `invalid_request`: where and what, never the offending value. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** Builds the body for one code. */
export function problemBody(
  code: ProblemCode,
  requestId: string,
  extra: Pick<ProblemBody, "detail" | "errors"> = {},
): ProblemBody {
  const [status, title] = problems[code];
  return { type: `urn:sentinel:problem:${code}`, title, status, code, request_id: requestId, ...extra };
}

/** Builds the whole answer (`application/problem+json`, never cached). */
export function problemResponse(
  code: ProblemCode,
  requestId: string,
  extra: Pick<ProblemBody, "detail" | "errors"> & { readonly headers?: Record<string, string> } = {},
): Response {
  const { headers, ...rest } = extra;
  return new Response(JSON.stringify(problemBody(code, requestId, rest)), {
    status: problems[code][0],
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      "X-Request-Id": requestId,
      ...headers,
    },
  });
}
