import { finishIdempotencyKey, releaseIdempotencyKey } from "../../../../store/control/idempotency.ts";
import { logFailure } from "../../log.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";
import { sealAnswer } from "../sealed-answer.ts";

/**
 * Seals the answer for a retry. A failure of ours is not kept, nor what streams and was never whole: the same request
 * may be tried again.
 */
export async function keepAnswer(exchange: Exchange): Promise<Verdict> {
  const { services, idempotency, answer } = exchange;
  if (idempotency === null || answer === null) return proceed;
  const { claim, key } = idempotency;
  try {
    if (answer.status >= 500 || answer.stream !== undefined) await releaseIdempotencyKey(services.database, claim);
    else {
      const nonce = services.randomBytes(12);
      const sealed = await sealAnswer(services.keys.idempotency, key, claim.keyHash, answer, nonce);
      await finishIdempotencyKey(services.database, claim, sealed);
    }
  } catch (error) {
    // The work is done and its answer is right: a retry meets `idempotency_in_progress` until the lease ends.
    logFailure({ request_id: exchange.requestId, route: exchange.definition.name, step: "keepAnswer" }, error);
  }
  return proceed;
}
