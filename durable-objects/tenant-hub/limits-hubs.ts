import type { OrgId } from "../../core/ids.ts";
import { permitMs, rateLimitMax, rateWindowMs } from "../../core/limits.ts";
import type { LimitsInUse, Use } from "../../core/rpc/hub-limits.ts";
import type { Env } from "../env.ts";
import { limitScaleOf } from "../limit-scale.ts";
import { findCounter } from "../rate-limiter/find-counters.ts";
import { nearestFirst } from "./broker/rates.ts";
import { everyHub, inTurns } from "./every-hub.ts";
import { directoryName } from "./shards/home.ts";
import type { ToldLimits } from "./told.ts";

/** Tells every object of an organisation. @throws when one could not be told; asking again harms nothing */
export async function putLimitsEverywhere(env: Env, org: OrgId, told: ToldLimits): Promise<void> {
  await inTurns(await everyHub(env, org), (name) => env.TENANT_HUB.getByName(name).putLimits(org, told));
}

/** Asks every object of an organisation and adds up what they say. @throws when one did not answer */
export async function limitsInUseEverywhere(env: Env, org: OrgId): Promise<LimitsInUse> {
  const answers: Omit<LimitsInUse, "requests">[] = [];
  const [told, requests] = await Promise.all([
    env.TENANT_HUB.getByName(directoryName(org)).limitsTold(org),
    requestsInUse(env, org),
    everyHub(env, org).then((names) =>
      inTurns(names, async (name) => {
        answers.push(await env.TENANT_HUB.getByName(name).limitsInUse(org));
      }),
    ),
  ]);
  const scaled = Math.floor(told.organisation.requests_per_minute * limitScaleOf(env));
  return {
    requests: { used: requests, limit: Math.min(rateLimitMax, scaled) },
    packets: answers.map(({ packets }) => packets).reduce(sum),
    sockets: answers.reduce((count, { sockets }) => count + sockets, 0),
    heaviest: nearestFirst(answers.flatMap(({ heaviest }) => heaviest)),
  };
}

/** Under the name, the policy and the window that the edge counts an organisation by (workers/edge/gates/limit.ts). */
async function requestsInUse(env: Env, org: OrgId): Promise<number> {
  const policy = { policy: "tenant", limit: rateLimitMax, windowMs: rateWindowMs + permitMs };
  const { limiter, counter } = await findCounter(env, `tenant:${org}`, policy);
  return await limiter.used(counter);
}

const sum = (one: Use, other: Use): Use => ({ used: one.used + other.used, limit: one.limit + other.limit });
