import { studioHeaders } from "../../../../core/rpc/studio.ts";
import { refuse } from "../../http/result.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/**
 * Another's organisation is not there: the same refusal, by the same query, as one that doesn't exist.
 * The edge's reading of the path must be ours, or its geo policy judged somebody else's organisation.
 */
export async function requireMembership(exchange: Exchange): Promise<Verdict> {
  if (exchange.definition.spec.policy.kind !== "permission") return proceed;
  const judgedAs = exchange.request.headers.get(studioHeaders.org);
  const { membership } = exchange;
  if (membership !== null && (judgedAs === null || judgedAs === membership.org)) return proceed;
  exchange.membership = null;
  return { kind: "refuse", refusal: refuse("not_found") };
}
