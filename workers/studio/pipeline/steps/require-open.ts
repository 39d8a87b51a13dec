import { shutCode } from "../../../../core/tenancy/org-state.ts";
import { refuse } from "../../http/result.ts";
import { orgMoving } from "../../lifecycle/org-moving.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/** RFC 9110 section 9.2.1: asks for no change. */
const isSafe = (method: string): boolean => method === "GET" || method === "HEAD";

/**
 * While an organisation is being moved nothing of it is written, wherever it would be written to: a change that is in
 * the control plane, the hub and the schema must not stop half-way. Reads go on.
 *
 * Refuses a member whose organisation is shut: by name, because they are a member and may know. Only an owner of
 * one that is to be deleted gets on, and only by the routes that say so: to look at it, and to take that back.
 */
export async function requireOpen({ definition, membership }: Exchange): Promise<Verdict> {
  if (membership?.moving === true && !isSafe(definition.spec.method)) return { kind: "refuse", refusal: orgMoving() };
  if (membership === null || membership.state === "active") return proceed;
  const { state, deleteAfter } = membership;
  if (state === "deleting" && definition.spec.whileDeleting && membership.role === "owner") return proceed;
  const extra = state === "deleting" ? { extensions: { delete_after: deleteAfter } } : {};
  return { kind: "refuse", refusal: refuse(shutCode(state), extra) };
}
