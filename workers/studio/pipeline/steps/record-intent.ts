import { apiCall, auditCall, audited } from "../audit.ts";
import { contextOf, type Exchange, proceed, type Verdict } from "../exchange.ts";

/** Before a write's work: from here on the log knows that something may have been done. */
export async function recordIntent(exchange: Exchange): Promise<Verdict> {
  const { definition, services, log } = exchange;
  // A write that says why it is in no log changes nothing but what it signs itself.
  if (definition.spec.method === "GET" || definition.unaudited !== null) return proceed;
  if (definition.inOneEvent !== null) return proceed;
  definition.readAhead?.(contextOf(exchange));
  exchange.intent = await audited(async () => {
    return services.audit.intent(await auditCall(exchange, log), log, apiCall(exchange, null));
  });
  return proceed;
}
