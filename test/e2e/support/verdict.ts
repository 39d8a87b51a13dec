import type { Role } from "../../../core/tenancy/roles.ts";
import { isGranted } from "../../support/role-table.ts";
import { type AnyRoute, bodyOf, type Params, pathOf } from "../../support/route-inputs.ts";
import type { Answer, Api } from "./api.ts";

/** What somebody is towards the organisation that the routes address. */
export type Standing =
  /** Presents nothing. */
  | { readonly kind: "nobody" }
  /** Presents something that verifies nowhere: revoked, or too old. */
  | { readonly kind: "worthless" }
  /** Presents a device's token, which is for the hub alone. */
  | { readonly kind: "device" }
  /** Presents a genuine token or cookie of a session that has ended. */
  | { readonly kind: "ended" }
  | { readonly kind: "operator" }
  | {
      readonly kind: "person" | "program";
      /** Null: no member who counts. */
      readonly role: Role | null;
      /** Signed in through an organisation's own identity provider. */
      readonly confined?: boolean;
      /** What they have proven of themselves; "now" unless said. */
      readonly proof?: "now" | "too_old" | "factor_missing" | "factor_not_shown";
    };

/** `passes`, or status and code of the refusal. */
export type Verdict = string;

/** Routes about oneself that a session of one organisation alone may use (SECURITY.md: counts there alone). */
const confinedMay: readonly string[] = ["me", "logout", "orgLogout", "stepUp", "stepUpPasskeyOptions"];

const asksForProof = "401 step_up_required";
const invalid = "401 invalid_token";

/** What the route's policy and the product's role table say of somebody; nothing of studio's is asked. */
export function expectedVerdict([name, route]: AnyRoute, who: Standing): Verdict {
  const { policy, stepUp, servedBy } = route;
  if (policy.kind === "operator") return who.kind === "operator" ? "passes" : "404 not_found";
  if (policy.kind === "public") {
    // What can't be genuine is refused where a credential could count; the edge's own files ask for none.
    // This stack's operator has named nobody to report to.
    if (name === "securityTxt") return "404 not_found";
    if (servedBy === "edge") return "passes";
    if (who.kind === "device") return servedBy === "hub" ? "passes" : invalid;
    return who.kind === "worthless" || who.kind === "operator" ? invalid : "passes";
  }
  if (who.kind === "nobody") return "401 unauthenticated";
  if (who.kind !== "person" && who.kind !== "program") return invalid;
  if (policy.kind === "signed_in") {
    if (who.kind === "program") return name === "me" ? "passes" : "403 forbidden";
    if (who.confined === true && !confinedMay.includes(name)) return "403 forbidden";
    const due = who.proof === "too_old" || who.proof === "factor_not_shown";
    return stepUp && due ? asksForProof : "passes";
  }
  if (who.role === null) return "404 not_found";
  if (!isGranted(who.role, policy.permission)) return "403 forbidden";
  if (who.kind === "program") return stepUp ? "403 forbidden" : "passes";
  // Of the organisation that requires second factors; the others have nobody of these kinds.
  if (who.proof === "factor_missing") return "403 mfa_enrollment_required";
  if (who.proof === "factor_not_shown") return asksForProof;
  return stepUp && who.proof === "too_old" ? asksForProof : "passes";
}

/** Somebody who asks: with a bearer token, a cookie or nothing. */
export interface Caller {
  readonly is: Standing;
  readonly api: Api;
  readonly headers?: Record<string, string>;
}

/** A field of the query that no route knows. Studio parses a request only after it has decided who may make it. */
const probe = "walk";

/**
 * Asks a route in earnest, or, with `probing`, so that whoever may is refused for a field that is not known
 * and nothing is done.
 */
export function ask(route: AnyRoute, params: Params, caller: Caller, probing: boolean): Promise<Answer> {
  const { method, takes } = route[1];
  const path = `${pathOf(route, params)}${probing ? `?${probe}=1` : ""}`;
  // Signed by nobody: what the walk asks is who may come that far.
  if (takes === "signed") return caller.api.send(method, path, {}, caller.headers);
  if (takes !== "bytes") return caller.api.send(method, path, bodyOf(route), caller.headers);
  // As many as the upload was begun for (things.ts).
  return caller.api.send(method, path, "abc", { ...caller.headers, "Content-Type": "application/octet-stream" });
}

interface Problem {
  readonly code?: string;
  readonly errors?: readonly { readonly path: string }[];
}

/** Reads an answer to a probe, or to a request in earnest. */
export function verdictOf({ status, body }: Answer): Verdict {
  const { code, errors } = (body ?? {}) as Problem;
  const probed = status === 422 && errors?.some(({ path }) => path === probe) === true;
  // The hub's door lets everybody come with an upgrade, and asks who it is in CONNECT.
  return status < 300 || probed || status === 426 ? "passes" : `${status} ${code}`;
}
