import { contextOf, type Exchange, proceed, type Verdict } from "../exchange.ts";

/**
 * Whose audit log gets this request: the organisation's for its members' routes, the route's own choice
 * (an enrolment code, an invitation), else a platform log.
 */
export async function chooseLog(exchange: Exchange): Promise<Verdict> {
  const { definition, membership } = exchange;
  if (membership !== null) exchange.log = membership.org;
  else if (definition.log !== null) exchange.log = await definition.log(contextOf(exchange), exchange.input.body);
  return proceed;
}
