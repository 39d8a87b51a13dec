import { studioHeaders } from "../../../../core/rpc/studio.ts";
import { refuse } from "../../http/result.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/** The edge judged the request as one route; serving it as another would undo its gates. */
export async function agreeOnRoute(exchange: Exchange): Promise<Verdict> {
  const judgedAs = exchange.request.headers.get(studioHeaders.route);
  return judgedAs === exchange.definition.name ? proceed : { kind: "refuse", refusal: refuse("malformed_request") };
}
