/** What changes of providers leave in the log, and why one was not made. */
import type { AuditFields } from "../../../../core/audit/events.ts";
import { type HandlerResult, refuse } from "../../http/result.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";

/** Whom a provider serves, what it may cost and whether it masks: each change is on record. */
export const policyChange = ({ person }: MemberContext): AuditFields => ({
  type: "policy_change",
  user_id: person.user,
  policy: "llm_provider",
});

export const keyChange = (
  { person }: MemberContext,
  id: string,
  action: "created" | "rotated" | "revoked",
): AuditFields => ({
  type: "key_change",
  user_id: person.user,
  kind: "llm_key",
  key_id: id,
  action,
});

/** The capability's word for an address that may not be called; null for any other. */
export function notAllowed(code: string): HandlerResult<never> | null {
  if (code !== "invalid_request") return null;
  return refuse("invalid_request", {
    errors: [
      {
        path: "base_url",
        message:
          "must be one that the platform allows; with another one the key is given anew, and a kind with a key stays with one",
      },
    ],
  });
}
