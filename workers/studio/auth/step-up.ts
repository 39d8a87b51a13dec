import { stepUpMsMax } from "../../../core/limits.ts";
import type { Person } from "../../../store/control/sessions.ts";
import { type Refusal, refuse } from "../http/result.ts";

/**
 * Whether a person must prove themselves again before something that must not be done from a session
 * somebody else sits down at: the proof is older than ten minutes, or they have a second factor that this
 * session has not seen. Signing in is a proof.
 */
export function stepUpDue(person: Pick<Person, "provenAtMs" | "hasFactor" | "mfa">, nowMs: number): boolean {
  return nowMs - person.provenAtMs > stepUpMsMax || (person.hasFactor && !person.mfa);
}

/** 401 with the challenge of RFC 9470 §3: the token is good, its authentication is not recent or strong enough. */
export function stepUpRefusal(): Refusal {
  const challenge = `Bearer error="insufficient_user_authentication", max_age=${stepUpMsMax / 1000}`;
  return refuse("step_up_required", { headers: { "WWW-Authenticate": challenge } });
}
