import { DatabaseError } from "../../../../store/connect.ts";
import { plainAnswer } from "../../http/respond.ts";
import { type Refusal, refuse } from "../../http/result.ts";
import { logFailure } from "../../log.ts";
import { Unavailable } from "../../unavailable.ts";
import { AuditUnavailable } from "../audit.ts";
import { contextOf, type Exchange, proceed, type Verdict } from "../exchange.ts";

/**
 * Runs the route's own work. Whatever it throws becomes an answer, and is remembered: of a write that threw, only its
 * receipt says whether it was done (`recordOutcome`).
 */
export async function runHandler(exchange: Exchange): Promise<Verdict> {
  const { definition } = exchange;
  try {
    exchange.result = await definition.handle(contextOf(exchange), exchange.input);
  } catch (error) {
    logFailure({ request_id: exchange.requestId, route: definition.name, step: "runHandler" }, error);
    exchange.result = refusalForError(error);
    exchange.threw = true;
  }
  exchange.answer = plainAnswer(exchange.result, definition.status, exchange.requestId, definition.media);
  return proceed;
}

/** Which problem an exception is. What is not plainly a missing part is a bug of ours. */
export function refusalForError(error: unknown): Refusal {
  if (error instanceof Unavailable) return refuse("unavailable", { headers: { "Retry-After": "1" } });
  if (error instanceof AuditUnavailable) return refuse("audit_unavailable", { headers: { "Retry-After": "1" } });
  if (error instanceof DatabaseError && error.unreachable)
    return refuse("unavailable", { headers: { "Retry-After": "1" } });
  return refuse("internal_error");
}
