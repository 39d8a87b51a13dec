import { apiCall, appendApiCall, auditCall, audited } from "../audit.ts";
import { accessDenied } from "../denial.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/**
 * COMMIT POINT of the answer: a read's one event, or a write's outcome with the events it caused. A crash
 * before it leaves the intent open, and the reconciler looks at what was done.
 */
export async function recordOutcome(exchange: Exchange): Promise<Verdict> {
  const { definition, services, intent, answer, caused, result } = exchange;
  if (answer === null) throw new Error("no step made an answer");
  const denied = result?.kind === "refusal" ? accessDenied(exchange, result.code, null) : [];
  const alongside = [...(result?.alongside ?? []), ...denied];
  if (intent === null) {
    if (definition.unaudited === null) await appendApiCall(exchange, answer.status, [...caused, ...alongside]);
    return proceed;
  }
  await audited(async () => {
    // A new call, because the work may have outlived the minute of the intent's.
    const call = await auditCall(exchange, exchange.log);
    await services.audit.outcome(call, intent, apiCall(exchange, answer.status), [...caused, ...alongside]);
  });
  return proceed;
}
