import { shutCode } from "../../../core/tenancy/org-state.ts";
import { type Gate, localDeadlineMs } from "./gate.ts";

/** How long a client of a shut organisation is asked to stay away, in seconds; a policy is at most a minute old here. */
const retryAfterSeconds = 60;

/**
 * Whether the addressed organisation is open. Refused here, a crowd of devices that knows no better costs neither
 * an exchange of credentials nor a call of the hub; studio and hub refuse by themselves all the same. That an
 * organisation is shut is said to whoever names it, as is that it exists.
 *
 * The application's own pages hold no data and are not refused: they say what the API answers.
 */
export const standingGate: Gate<never, never> = {
  name: "standing",
  appliesTo: "known_route",
  needs: [],
  adds: [],
  deadlineMs: localDeadlineMs,
  judge({ resolution }) {
    if (resolution.kind === "miss" || resolution.org === null) return { kind: "allow", adds: {} };
    const { match, org } = resolution;
    if (org.status === "active" || match.route.servedBy === "edge") return { kind: "allow", adds: {} };
    if (org.status === "deleting" && match.route.whileDeleting) return { kind: "allow", adds: {} };
    return {
      kind: "deny",
      code: shutCode(org.status),
      headers: { "Retry-After": String(retryAfterSeconds) },
    };
  },
};
