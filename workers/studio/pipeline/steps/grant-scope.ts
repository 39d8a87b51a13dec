import { memberScope, platformScope } from "../../../../store/control/scope-makers.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/**
 * Everything that stands between a caller and an organisation has been asked: token, session, membership,
 * permission, proof. From here on the request holds what store/control asks for, and before it nothing does.
 */
export async function grantScope(exchange: Exchange): Promise<Verdict> {
  const { membership, operator, presented } = exchange;
  if (operator) exchange.platform = platformScope({ operator });
  if (membership !== null && presented !== null) exchange.scope = memberScope(presented.access, presented.found);
  return proceed;
}
