import { apiCall, auditCall, audited } from "../audit.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/** Before a write's work: from here on the log knows that something may have been done. */
export async function recordIntent(exchange: Exchange): Promise<Verdict> {
  const { definition, services, log } = exchange;
  if (definition.spec.method === "GET") return proceed;
  exchange.intent = await audited(async () => {
    return services.audit.intent(await auditCall(exchange, log), log, apiCall(exchange, null));
  });
  return proceed;
}
