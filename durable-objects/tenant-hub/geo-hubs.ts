import type { OrgId } from "../../core/ids.ts";
import { type RefusedDevices, refusedDevicesNamedMax } from "../../core/rpc/durable-objects.ts";
import { type GeoPolicy, parseGeoPolicy } from "../../core/tenancy/geo-policy.ts";
import type { Env } from "../env.ts";
import { everyHub, inTurns } from "./every-hub.ts";

/** Tells every object of an organisation. @throws when one could not be told; asking again harms nothing */
export async function putGeoEverywhere(env: Env, org: OrgId, policy: GeoPolicy, version: number): Promise<void> {
  await inTurns(await everyHub(env, org), (name) => env.TENANT_HUB.getByName(name).putGeo(org, policy, version));
}

/** Asks every object of an organisation and adds up what they say. @throws when one did not answer */
export async function refusedEverywhere(
  env: Env,
  org: OrgId,
  before: GeoPolicy,
  after: GeoPolicy,
): Promise<RefusedDevices> {
  const answers: RefusedDevices[] = [];
  await inTurns(await everyHub(env, org), async (name) => {
    answers.push(await env.TENANT_HUB.getByName(name).geoRefused(org, before, after));
  });
  const byCountry: Record<string, number> = {};
  for (const answer of answers) {
    for (const [country, count] of Object.entries(answer.byCountry))
      byCountry[country] = (byCountry[country] ?? 0) + count;
  }
  const devices = answers
    .flatMap((answer) => answer.devices)
    .toSorted((one, other) => other.seenMs - one.seenMs || (one.device < other.device ? -1 : 1))
    .slice(0, refusedDevicesNamedMax);
  return { total: answers.reduce((sum, { total }) => sum + total, 0), byCountry, devices };
}

/** What a caller says. @throws Error when it is no policy */
export function parsedGeo(value: unknown): GeoPolicy {
  const policy = parseGeoPolicy(value);
  if (policy === null) throw new Error("not a geo policy");
  return policy;
}
