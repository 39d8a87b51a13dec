import { apiCall, appendApiCall, auditCall, audited } from "../audit.ts";
import { accessDenied } from "../denial.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/**
 * COMMIT POINT of the answer: a read's one event, or a write's outcome with the events it caused. A crash
 * before it leaves the intent open, and the reconciler looks at what was done. So does a handler that threw: it may
 * have done so before, while or after its work was committed, and its status would say nothing about that. A look at
 * the receipt here would come too early for a commit that is still under way, and sees no tenant's schema.
 */
export async function recordOutcome(exchange: Exchange): Promise<Verdict> {
  const { definition, services, intent, answer, caused, result, threw } = exchange;
  if (answer === null) throw new Error("no step made an answer");
  const denied = result?.kind === "refusal" ? accessDenied(exchange, result.code, null) : [];
  const alongside = [...(result?.alongside ?? []), ...denied];
  if (intent === null) {
    if (definition.unaudited === null) await appendApiCall(exchange, answer.status, [...caused, ...alongside]);
    return proceed;
  }
  if (threw || (result?.kind === "refusal" && result.committed === true)) {
    // What it said was done for good, before it ended: nobody else knows of that.
    if (caused.length > 0)
      await audited(async () => services.audit.append(await auditCall(exchange, exchange.log), exchange.log, caused));
    return proceed;
  }
  await audited(async () => {
    // A new call, because the work may have outlived the minute of the intent's.
    const call = await auditCall(exchange, exchange.log);
    await services.audit.outcome(call, intent, apiCall(exchange, answer.status), [...caused, ...alongside]);
  });
  return proceed;
}
