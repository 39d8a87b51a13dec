import { shutCode } from "../../../../core/tenancy/org-state.ts";
import { refuse } from "../../http/result.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/**
 * Refuses a member whose organisation is shut: by name, because they are a member and may know. Only an owner of
 * one that is to be deleted gets on, and only by the routes that say so: to look at it, and to take that back.
 */
export async function requireOpen({ definition, membership }: Exchange): Promise<Verdict> {
  if (membership === null || membership.state === "active") return proceed;
  const { state, deleteAfter } = membership;
  if (state === "deleting" && definition.spec.whileDeleting && membership.role === "owner") return proceed;
  const extra = state === "deleting" ? { extensions: { delete_after: deleteAfter } } : {};
  return { kind: "refuse", refusal: refuse(shutCode(state), extra) };
}
