/** Which failures are the same failure again. */
import type { AuditFields } from "./events.ts";

type Repeated = Extract<AuditFields, { type: "repeated" }>;
/** What repeated failures have in common. */
export type Repeatable = Pick<
  Repeated,
  "of" | "user_id" | "ip" | "country" | "endpoint" | "method" | "status_code" | "reason"
>;

const none = { ip: null, country: null, endpoint: null, method: null, status_code: null, reason: null };

/**
 * What of an event is looked at to tell whether it repeats another; null for what is never folded: everything that
 * is no failure. What a client says of itself is not looked at, or saying something else each time would make us
 * write as often as it likes.
 */
export function repeatable(event: AuditFields): Repeatable | null {
  switch (event.type) {
    case "login": {
      if (event.outcome !== "failure") return null;
      const { user_id, ip, country = null, reason = null } = event;
      return { ...none, of: "login", user_id, ip, country, reason };
    }
    case "access_denied": {
      const { user_id, ip, country, endpoint, method, code } = event;
      return { ...none, of: "access_denied", user_id, ip, country, endpoint, method, reason: code };
    }
    case "api_call": {
      const { user_id, endpoint, method, status_code } = event;
      if (status_code === null || status_code < 400) return null;
      return { ...none, of: "api_call", user_id, endpoint, method, status_code };
    }
    default:
      return null;
  }
}
