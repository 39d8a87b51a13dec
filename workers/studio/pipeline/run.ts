import { releaseIdempotencyKey } from "../../../store/control/idempotency.ts";
import { plainAnswer, respond } from "../http/respond.ts";
import { type Refusal, refuse } from "../http/result.ts";
import { logFailure } from "../log.ts";
import { appendApiCall } from "./audit.ts";
import { accessDenied } from "./denial.ts";
import type { Exchange, PlainAnswer, Step, Verdict } from "./exchange.ts";
import { agreeOnRoute } from "./steps/agree-on-route.ts";
import { authenticate } from "./steps/authenticate.ts";
import { authorize } from "./steps/authorize.ts";
import { chooseLog } from "./steps/choose-log.ts";
import { claimIdempotency } from "./steps/claim-idempotency.ts";
import { grantScope } from "./steps/grant-scope.ts";
import { keepAnswer } from "./steps/keep-answer.ts";
import { noteMembersPlace } from "./steps/note-where.ts";
import { parseInput } from "./steps/parse-input.ts";
import { readContext } from "./steps/read-context.ts";
import { recordIntent } from "./steps/record-intent.ts";
import { recordOutcome } from "./steps/record-outcome.ts";
import { requireMembership } from "./steps/require-membership.ts";
import { requireOpen } from "./steps/require-open.ts";
import { requireProof } from "./steps/require-proof.ts";
import { refusalForError, runHandler } from "./steps/run-handler.ts";

/** Every request takes these steps in this order; the first that does not continue ends it. */
export const steps: readonly Step[] = [
  { name: "readContext", run: readContext },
  { name: "agreeOnRoute", run: agreeOnRoute },
  { name: "authenticate", run: authenticate },
  { name: "requireMembership", run: requireMembership },
  { name: "requireOpen", run: requireOpen },
  { name: "authorize", run: authorize },
  { name: "requireProof", run: requireProof },
  { name: "grantScope", run: grantScope },
  { name: "noteMembersPlace", run: noteMembersPlace },
  { name: "parseInput", run: parseInput },
  { name: "chooseLog", run: chooseLog },
  { name: "claimIdempotency", run: claimIdempotency },
  { name: "recordIntent", run: recordIntent },
  { name: "runHandler", run: runHandler },
  { name: "keepAnswer", run: keepAnswer },
  { name: "recordOutcome", run: recordOutcome },
];

/** Takes one request through the steps. Never throws. */
export async function run(exchange: Exchange): Promise<Response> {
  let current = "";
  try {
    for (const step of steps) {
      current = step.name;
      const verdict = await step.run(exchange);
      if (verdict.kind !== "continue") return respond(await stopped(exchange, verdict, current), exchange.requestId);
    }
    if (exchange.answer === null) throw new Error("the steps ended without an answer");
    return respond(exchange.answer, exchange.requestId);
  } catch (error) {
    logFailure({ request_id: exchange.requestId, route: exchange.definition.name, step: current }, error);
    return respond(await failed(exchange, error), exchange.requestId);
  }
}

/**
 * An end before any work. Once somebody is known it is one event, so that denials are in the log; before
 * that it is none, because an attacker must not be able to make us write.
 */
async function stopped(
  exchange: Exchange,
  verdict: Exclude<Verdict, { kind: "continue" }>,
  step: string,
): Promise<PlainAnswer> {
  const { definition, membership, requestId } = exchange;
  const answer =
    verdict.kind === "replay" ? verdict.answer : plainAnswer(verdict.refusal, definition.status, requestId);
  if (exchange.person !== null || exchange.operator || verdict.kind === "replay") {
    if (membership !== null) exchange.log = membership.org;
    const denied = verdict.kind === "refuse" ? accessDenied(exchange, verdict.refusal.code, step) : [];
    await appendApiCall(exchange, answer.status, denied);
  }
  return answer;
}

async function failed(exchange: Exchange, error: unknown): Promise<PlainAnswer> {
  // What was opened and can't be put on record is read by nobody.
  await exchange.answer?.stream?.cancel().catch(() => undefined);
  const worked = exchange.result !== null && exchange.definition.spec.method !== "GET";
  if (!worked) await release(exchange);
  return plainAnswer(worked ? outcomeLost : refusalForError(error), 500, exchange.requestId);
}

/** The work ran but its outcome could not be recorded, so the answer that says what was done may not leave. */
const outcomeLost: Refusal = refuse("unavailable", {
  detail: "It may have been done. Ask again with the same Idempotency-Key, or look.",
  headers: { "Retry-After": "1" },
});

async function release({ services, idempotency, requestId, definition }: Exchange): Promise<void> {
  if (idempotency === null) return;
  try {
    await releaseIdempotencyKey(services.database, idempotency.claim);
  } catch (error) {
    logFailure({ request_id: requestId, route: definition.name, step: "release" }, error);
  }
}
