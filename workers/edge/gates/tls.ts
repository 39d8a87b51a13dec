import type { RouteName } from "../../../core/routes.ts";
import { type Gate, localDeadlineMs, type RequestContext } from "./gate.ts";

/** Routes that devices speak on; old ones get TLS 1.2 there when their organisation allows it. People never do. */
const deviceRoutes: ReadonlySet<RouteName> = new Set<RouteName>(["mqtt", "enroll", "orgEnroll"]);

/**
 * TLS floor. The version is what Cloudflare negotiated, in `request.cf`; no header can set it. (On one's
 * own machine the runtime itself fills `request.cf`, and takes it from `MF-CF-Blob`: that is the
 * local runtime's matter, no code here knows of it.)
 */
export const tlsGate: Gate<never, never> = {
  name: "tls",
  appliesTo: "every_request",
  needs: [],
  adds: [],
  deadlineMs: localDeadlineMs,
  judge(context) {
    const version = context.request.cf?.["tlsVersion"];
    if (version === "TLSv1.3" || (version === "TLSv1.2" && takesOlderTls(context))) return { kind: "allow", adds: {} };
    return { kind: "deny", code: "tls_required" };
  },
};

function takesOlderTls({ resolution }: RequestContext): boolean {
  if (resolution.kind === "miss" || !deviceRoutes.has(resolution.match.name)) return false;
  return resolution.policy.tlsDeviceMin === "TLSv1.2";
}
