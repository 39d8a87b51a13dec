import { permitMs, type RateClass, rateLimitMax, rateLimits, rateWindowMs } from "../../../core/limits.ts";
import type { RouteName } from "../../../core/routes.ts";
import type { RateDecision, RatePolicy } from "../../../core/rpc/durable-objects.ts";
import { withDeadline } from "../deadline.ts";
import { logFailure } from "../log.ts";
import { type Counted, refusalFields } from "../rate-fields.ts";
import { judgeGuess } from "./enrollment-guess.ts";
import type { Additions, Denial, Gate, GateResult, RequestContext } from "./gate.ts";
import { remoteDeadlineMs } from "./gate.ts";

type Judging = RequestContext & Pick<Additions, "body" | "credential">;
type Adds = Pick<Additions, "rate" | "guess">;

/** `/healthz` says that the edge alone runs: it must not hang on an object. The flood gate bounds it. */
const uncountedRoutes: ReadonlySet<RouteName> = new Set<RouteName>(["health"]);

/**
 * Guessing is limited by where it comes from, whoever is signed in: an account of one's own must not buy
 * more guesses at another's.
 */
const guessableClasses: ReadonlySet<RateClass> = new Set<RateClass>(["sign_in", "enrollment", "payment_events"]);

/**
 * Apart from everything else that a client asks: a page is some 30 files, which cost no object and no unit, devices
 * behind one address come back together, and a payment provider tells of every organisation.
 */
const countedApart: ReadonlySet<RateClass> = new Set<RateClass>(["assets", "mqtt_connect", "payment_events"]);

/**
 * What goes on while nobody can count (docs/adr/0024): the flood gate still sheds, studio and the hub still
 * decide. Whatever can be guessed, costs money or makes something of size is refused.
 */
const goesOnUncounted: ReadonlySet<RateClass> = new Set<RateClass>(["default", "assets", "mqtt_connect"]);
/** An object that counts answers in a few milliseconds; who goes on without it must not wait longer, in milliseconds. */
const countingMsMax = 1_000;

/** The exact count, kept by objects: first of the client, then of the organisation it speaks for. */
export const limitGate: Gate<"body" | "credential", "rate" | "guess"> = {
  name: "limit",
  appliesTo: "known_route",
  needs: ["body", "credential"],
  adds: ["rate", "guess"],
  deadlineMs: remoteDeadlineMs,
  async judge(context): Promise<GateResult<Adds>> {
    const { resolution } = context;
    if (resolution.kind === "miss") throw new Error("a miss reached the limit gate");
    const { name, route } = resolution.match;
    if (uncountedRoutes.has(name)) return allow([]);
    if (!goesOnUncounted.has(route.rateClass)) return await judge(route.rateClass, context);
    try {
      return await withDeadline("LIMITS", countingMsMax, judge(route.rateClass, context));
    } catch (error) {
      logFailure({ event: "limiter_failed", requestId: context.requestId }, error);
      return allow([]);
    }
  },
};

async function judge(rateClass: RateClass, context: Judging): Promise<GateResult<Adds>> {
  if (rateClass === "enrollment") return await judgeEnrollment(context);
  const own = await countClient(rateClass, context);
  const refusing = own.find(({ decision }) => !decision.allowed);
  if (refusing !== undefined) return refuse(refusing, own);
  const tenant = await countTenant(context);
  if (tenant !== null && !tenant.decision.allowed) return refuse(tenant, own);
  return allow(tenant === null ? own : [...own, tenant]);
}

/** A guess is a request like any other of its address; an enrolment with a code that is known is the code's. */
async function judgeEnrollment(context: Judging): Promise<GateResult<Adds>> {
  const judged = await judgeGuess(context, scaled(rateLimits.enrollment, context));
  if (judged.kind === "deny") return judged;
  if (judged.isKnown) return { kind: "allow", adds: { rate: [], guess: judged.guess } };
  const { LIMITS } = context.env;
  const policy = policyOf("default", context);
  const { decisions } = await LIMITS.consume(clientOf("enrollment", context), [policy]);
  const rate = decisions.map((decision) => ({ ...policy, decision }));
  const refusing = rate.find(({ decision }) => !decision.allowed);
  if (refusing === undefined) return { kind: "allow", adds: { rate, guess: judged.guess } };
  // Nobody looked at the code: a miss like any other.
  await judged.guess.settle(403);
  return refuse(refusing, rate);
}

async function countClient(rateClass: RateClass, context: Judging): Promise<readonly Counted[]> {
  const { LIMITS } = context.env;
  const client = clientOf(rateClass, context);
  const own = policyOf(rateClass, context);
  if (rateClass === "mqtt_connect") return [await countInBlocks(client, own, context)];
  const everything = rateClass === "default" ? [] : [policyOf("default", context)];
  const besides = countedApart.has(rateClass) ? [] : [...everything, ...organisationsOwn(rateClass, context)];
  const policies = [own, ...besides];
  const { decisions } = await LIMITS.consume(client, policies);
  return policies.flatMap(({ policy, windowMs }, index) => {
    const decision = decisions[index];
    // Which organisation's it is, whoever is told has said.
    const name = policy.startsWith(organisationsPrefix) ? "organisation" : policy;
    return decision === undefined ? [] : [{ policy: name, windowMs, decision }];
  });
}

const organisationsPrefix = "organisation:";

/**
 * What the addressed organisation allows one person or program, where that is less than the platform does. Counted
 * for each organisation by itself, so that a slow one takes nothing of another's; whoever is unknown is the platform's
 * alone to count.
 */
function organisationsOwn(rateClass: RateClass, context: Judging): RatePolicy[] {
  const { resolution, credential } = context;
  const org = resolution.kind === "route" ? resolution.org : null;
  if (org === null || credential.kind !== "user" || guessableClasses.has(rateClass)) return [];
  const { requests_per_minute: limit } = org.limits.clients;
  if (limit >= rateLimits.default) return [];
  return [{ policy: `${organisationsPrefix}${org.org}`, limit: scaled(limit, context), windowMs: rateWindowMs }];
}

/**
 * What one organisation asks altogether, so that it can't use up what all share. Only whoever has proved to
 * speak for it counts: a stranger's requests must not use up a school's allowance.
 */
async function countTenant(context: Judging): Promise<Counted | null> {
  const { resolution, credential } = context;
  if (resolution.kind === "miss" || credential.kind !== "user") return null;
  const { org } = resolution;
  if (org === null || credential.org !== org.org || resolution.match.route.servedBy === "edge") return null;
  const limit = scaled(org.limits.organisation.requests_per_minute, context);
  return await countInBlocks(`tenant:${org.org}`, { policy: "tenant", limit, windowMs: rateWindowMs }, context);
}

/**
 * Counted in blocks: one count each of what many ask at once would cost more than anything else of the request.
 * A permit may be used that much later than it was counted, so the object's window is that much longer.
 */
async function countInBlocks(client: string, asked: RatePolicy, { isolate, env }: Judging): Promise<Counted> {
  const { policy, windowMs } = asked;
  const longer = { ...asked, windowMs: windowMs + permitMs };
  const lease = (permits: number) => env.LIMITS.lease(client, longer, permits);
  const decision: RateDecision = await isolate.permits.take(`${policy} ${client}`, lease);
  return { policy, windowMs, decision };
}

/**
 * Who is counted: the person, wherever they are and whichever organisation they look at, and before anybody is
 * known the address. A device's token is no name yet: only the hub can verify it, so counting by it would give
 * whoever makes up a new one for each upgrade a new allowance each time.
 */
export function clientOf(
  rateClass: RateClass,
  { credential, resolution, client }: Pick<RequestContext, "resolution" | "client"> & Pick<Additions, "credential">,
): string {
  if (credential.kind === "user" && !guessableClasses.has(rateClass)) return `user:${credential.user}`;
  // Two organisations' devices behind one carrier's address do not stand in each other's way.
  const org = rateClass === "mqtt_connect" && resolution.kind === "route" ? resolution.org?.org : undefined;
  return org === undefined ? `address:${client.key}` : `address:${client.key}:${org}`;
}

function policyOf(rateClass: RateClass, context: Judging): RatePolicy {
  const { resolution } = context;
  const org = resolution.kind === "route" ? resolution.org : null;
  const chosen = rateClass === "mqtt_connect" ? org?.limits.organisation.upgrades_per_minute_of_an_address : undefined;
  return { policy: rateClass, limit: scaled(chosen ?? rateLimits[rateClass], context), windowMs: rateWindowMs };
}

const scaled = (limit: number, { isolate }: Judging): number =>
  Math.min(rateLimitMax, Math.floor(limit * isolate.limitScale));

const allow = (rate: readonly Counted[]): GateResult<Adds> => ({ kind: "allow", adds: { rate, guess: null } });

function refuse(refusing: Counted, all: readonly Counted[]): Denial {
  const others = all.filter((counted) => counted !== refusing);
  return { kind: "deny", code: "rate_limited", headers: refusalFields(refusing, others) };
}
