import { claimIdempotencyKey } from "../../../../store/control/idempotency.ts";
import { mac } from "../../auth/keys.ts";
import { refuse } from "../../http/result.ts";
import { type Exchange, type PlainAnswer, proceed, type Verdict } from "../exchange.ts";
import { openAnswer } from "../sealed-answer.ts";

/** 1–255 visible ASCII characters. */
const keyPattern = /^[\x21-\x7e]{1,255}$/;

/**
 * Claims the request's Idempotency-Key, or answers with what the first request with it came to. Keys
 * belong to an actor (the person, or the address before sign-in) and a route. The request's hash is
 * keyed, because a body may hold a password.
 */
export async function claimIdempotency(exchange: Exchange): Promise<Verdict> {
  const { definition, request, services, person } = exchange;
  const key = request.headers.get("Idempotency-Key");
  // Bytes that are sent again take the place of those before, and what is answered with a stream is not kept.
  if (key === null || definition.spec.method === "GET" || definition.spec.takes !== "json") return proceed;
  if (!keyPattern.test(key)) {
    const errors = [{ path: "Idempotency-Key", message: "must be 1 to 255 visible ASCII characters" }];
    return { kind: "refuse", refusal: refuse("invalid_request", { errors }) };
  }
  const hash = (parts: readonly string[]): string => mac(services.keys.idempotency, parts).toString("hex");
  const anonymous = exchange.operator ? "operator" : `ip ${exchange.clientIp}`;
  const actor = person === null ? anonymous : `user ${person.user}`;
  const target = exchange.url.pathname + exchange.url.search;
  const claim = {
    keyHash: hash(["key", actor, definition.name, key]),
    requestHash: hash(["request", key, definition.spec.method, target, exchange.rawBody]),
    requestId: exchange.requestId,
  };
  const outcome = await claimIdempotencyKey(services.database, claim, services.now());
  switch (outcome.kind) {
    case "claimed":
      exchange.idempotency = { claim, key };
      return proceed;
    case "conflict":
      return { kind: "refuse", refusal: refuse("idempotency_conflict") };
    case "in_progress":
      return { kind: "refuse", refusal: refuse("idempotency_in_progress", { headers: { "Retry-After": "1" } }) };
    case "finished":
      return replay(await openAnswer(services.keys.idempotency, key, claim.keyHash, outcome.sealedAnswer));
  }
}

function replay(answer: PlainAnswer): Verdict {
  return { kind: "replay", answer: { ...answer, headers: { ...answer.headers, "Idempotency-Replayed": "true" } } };
}
