import type { AuditFields } from "../../../core/audit/events.ts";
import { knownCountry } from "../../../core/audit/field.ts";
import type { ProblemCode } from "../../../core/problem.ts";
import { studioHeaders } from "../../../core/rpc/studio.ts";
import type { Exchange } from "./exchange.ts";

/** Refusals that mean: known, and not allowed. */
const denials: ReadonlySet<ProblemCode> = new Set([
  "forbidden",
  "geo_denied",
  "step_up_required",
  "mfa_enrollment_required",
  "org_suspended",
  "org_deleting",
]);

/**
 * The event of a denied access: none when the refusal is no denial, or nobody is known. An attacker must not be
 * able to make us write, and whoever is known is counted by the edge.
 * @param stoppedAt the step that refused; null: the handler
 */
export function accessDenied(exchange: Exchange, code: ProblemCode, stoppedAt: string | null): AuditFields[] {
  const { definition, person, operator, request, clientIp } = exchange;
  if (person === null && !operator) return [];
  // Somebody else's organisation is not there, and whoever knocks at it is noted.
  const stranger = stoppedAt === "requireMembership" && code === "not_found";
  if (!denials.has(code) && !stranger) return [];
  return [
    {
      type: "access_denied",
      user_id: person?.user ?? null,
      ip: clientIp,
      country: knownCountry(request.headers.get(studioHeaders.country) ?? ""),
      endpoint: definition.spec.path,
      method: definition.spec.method,
      code,
    },
  ];
}
