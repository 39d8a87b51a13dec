/** What a person can do about each refusal. The codes are those of core/problem.ts. */
import type { ProblemCode } from "../../core/problem.ts";

const adviceByCode: Partial<Record<ProblemCode, string>> = {
  invalid_enrollment_code: "ask an administrator for a new code: it may be mistyped, expired, used up or revoked",
  geo_denied: "the organisation's policy does not allow this country: an administrator can change it",
  tls_required: "this machine's TLS is too old for the organisation's policy: update Node, or the proxy between",
  waf_denied: "the request was taken for an attack: choose a plainer --name",
  invalid_request: "check --name: 1 to 100 printable characters",
  not_found: "check --url: no such organisation or no Sentinel there",
  rate_limited: "too many enrolments at once: try again later",
  unavailable: "the service is having trouble: try again in a few minutes",
  audit_unavailable: "the service is having trouble: try again in a few minutes",
  busy: "the service is busy: try again in a moment",
  internal_error: "the service failed: try again, then report it with the request id",
};

export function adviceFor(code: string, status: number): string {
  const known = (adviceByCode as Readonly<Record<string, string | undefined>>)[code];
  if (known !== undefined) return known;
  return status >= 500 ? "the service is having trouble: try again in a few minutes" : "check --url and --code";
}
