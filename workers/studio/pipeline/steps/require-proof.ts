import { judgeMfa } from "../../../../core/tenancy/policy.ts";
import { stepUpDue, stepUpRefusal } from "../../auth/step-up.ts";
import { type Refusal, refuse } from "../../http/result.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/**
 * Whether the person has proven themselves well enough, after it is known that they may: what their
 * organisation's policy asks of every route in it, then what this route asks. What it looks at was read
 * with the session.
 */
export async function requireProof(exchange: Exchange): Promise<Verdict> {
  const refusal = judge(exchange);
  return refusal === null ? proceed : { kind: "refuse", refusal };
}

function judge({ definition, services, person, membership }: Exchange): Refusal | null {
  // Public and operator's routes know nobody.
  if (person === null) return null;
  const nowMs = services.now();
  if (membership !== null) {
    const verdict = judgeMfa(membership.mfa, person, nowMs);
    if (verdict === "enrollment_required") return refuse("mfa_enrollment_required");
    if (verdict === "step_up_required") return stepUpRefusal();
  }
  if (!definition.spec.stepUp) return null;
  // A program has nobody who could prove anything: what asks for proof is not for it.
  if (person.kind === "api_key") return refuse("forbidden");
  return stepUpDue(person, nowMs) ? stepUpRefusal() : null;
}
