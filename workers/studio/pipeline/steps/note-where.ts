import { noteWhere } from "../../geo/note-activity.ts";
import { contextOf, type Exchange, proceed, type Verdict } from "../exchange.ts";

/** Of a member who may do what they ask: from where. It never stops a request. */
export async function noteMembersPlace(exchange: Exchange): Promise<Verdict> {
  if (exchange.person !== null && exchange.membership !== null) noteWhere(contextOf(exchange));
  return proceed;
}
