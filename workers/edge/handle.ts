import type { RequestId } from "../../core/ids.ts";
import { problemResponse } from "../../core/problem.ts";
import { readGeoFacts } from "../../core/tenancy/geo-policy.ts";
import { parseNetwork } from "../../core/tenancy/network.ts";
import { clientAddress } from "./client-address.ts";
import type { Env } from "./env.ts";
import { forward } from "./forward/index.ts";
import type { Admitted, AnyGate, Denial, RequestContext } from "./gates/gate.ts";
import { surfaceOf } from "./gates/geo-surface.ts";
import type { Isolate } from "./isolate.ts";
import { logFailure } from "./log.ts";
import { readPresentedCredential } from "./presented-credential.ts";
import { addRateFields, type Counted } from "./rate-fields.ts";
import { readRequestTarget } from "./request-target.ts";
import { type Resolution, resolveRequest } from "./resolve.ts";
import { setStrictHeaders } from "./response-headers.ts";
import { runGates, type Verdict } from "./run-gates.ts";
import { retryAfterSeconds } from "./upgrades.ts";

export interface Arrival {
  readonly request: Request;
  readonly env: Env;
  readonly isolate: Isolate;
  readonly requestId: RequestId;
  readonly nowMs: number;
}

/** One request from door to door: resolve what it addresses, judge it, forward it, dress the answer. */
export async function handle(arrival: Arrival, gates: readonly AnyGate[]): Promise<Response> {
  const { request, requestId } = arrival;
  const answer = await answerTo(arrival, gates);
  const { status, body, webSocket } = answer.response;
  // Made and dressed by forward/hub.ts for this request alone.
  if (webSocket) return answer.response;
  const headers = new Headers(answer.response.headers);
  setStrictHeaders(headers, requestId, answer.page);
  if (request.method !== "HEAD") return new Response(body, { status, headers });
  await body?.cancel();
  return new Response(null, { status, headers });
}

interface Answer {
  readonly response: Response;
  /** The request's own origin for a page or its files, else null. */
  readonly page: string | null;
}

async function answerTo(arrival: Arrival, gates: readonly AnyGate[]): Promise<Answer> {
  const { request, env, isolate, requestId, nowMs } = arrival;
  const target = readRequestTarget(request.url);
  const client = clientAddress(request.headers);
  if (client === null) return refuse(arrival, null, "route", { kind: "deny", code: "malformed_request" });

  let resolution: Resolution;
  try {
    resolution = await resolveRequest(request.method, target, env.POLICIES, isolate.policies, nowMs);
  } catch (error) {
    logFailure({ event: "resolve_failed", requestId }, error);
    return refuse(arrival, null, "route", { kind: "deny", code: "unavailable" });
  }

  const context: RequestContext = { ...arrival, target, client, resolution };
  if (resolution.kind === "miss" || resolution.match.route.servedBy !== "hub" || resolution.org === null)
    return await judged(context, gates);
  // Before every gate: what costs nothing yet may be refused, and what was begun is brought to an end.
  const giveBack = isolate.upgrades.take(resolution.org.org, nowMs);
  if (giveBack === null) {
    const headers = { "Retry-After": String(retryAfterSeconds(Math.random())) };
    return refuse(arrival, resolution, "upgrades", { kind: "deny", code: "unavailable", headers });
  }
  try {
    return await judged(context, gates);
  } finally {
    giveBack();
  }
}

async function judged(context: RequestContext, gates: readonly AnyGate[]): Promise<Answer> {
  const { resolution, target } = context;
  const verdict = await runGates(gates, context);
  countTraffic(context, verdict);
  if (verdict.kind === "refused") return refuse(context, resolution, verdict.gate, verdict.denial);

  const admitted = verdict.context;
  const page = resolution.kind === "route" && resolution.match.route.rateClass === "assets" ? target.origin : null;
  const response = await forwarded(admitted);
  const counted = await settled(admitted, response.status);
  if ("kind" in counted) {
    await response.body?.cancel();
    return refuse(context, resolution, "limit", counted);
  }
  if (!response.webSocket) addRateFields(response.headers, counted);
  return { response, page: response.status === 503 ? null : page };
}

async function forwarded(admitted: Admitted): Promise<Response> {
  try {
    return await forward(admitted);
  } catch (error) {
    logFailure({ event: "forward_failed", requestId: admitted.requestId }, error);
    return problemResponse("unavailable", admitted.requestId);
  }
}

/** What the answer is counted under, or the refusal that takes its place: an enrolment is counted by what it came to. */
async function settled({ rate, guess, requestId }: Admitted, status: number): Promise<readonly Counted[] | Denial> {
  if (guess === null) return rate;
  try {
    const outcome = await guess.settle(status);
    return "kind" in outcome ? outcome : [...rate, ...outcome];
  } catch (error) {
    logFailure({ event: "limiter_failed", requestId }, error);
    return { kind: "deny", code: "unavailable" };
  }
}

/** Of what reached an organisation, where it came from: what passed every gate, and what its geo policy refused. */
function countTraffic({ resolution, isolate, request, client }: RequestContext, verdict: Verdict): void {
  if (resolution.kind === "miss" || resolution.org === null) return;
  const { org } = resolution.org;
  if (verdict.kind === "admitted") {
    isolate.traffic.count(org, { ...verdict.context.geo, ip: client.ip, admitted: true });
  } else if (verdict.denial.code === "geo_denied") {
    const presented = readPresentedCredential(request.headers);
    const network = parseNetwork(client.ip);
    if (network === null) return;
    const origin = { surface: surfaceOf(resolution.match, presented), facts: readGeoFacts(request.cf, network) };
    isolate.traffic.count(org, { ...origin, ip: client.ip, admitted: false });
  }
}

function refuse(
  { isolate, request, requestId }: Arrival,
  resolution: Resolution | null,
  gate: string,
  denial: Denial,
): Answer {
  const org = resolution?.kind === "route" ? (resolution.org?.org ?? null) : null;
  isolate.refusals.count({ org, gate, code: denial.code, country: request.cf?.["country"] });
  const response = problemResponse(denial.code, requestId, {
    ...(denial.detail === undefined ? {} : { detail: denial.detail }),
    ...(denial.headers === undefined ? {} : { headers: { ...denial.headers } }),
  });
  return { response, page: null };
}
