import type { OrgId } from "../../core/ids.ts";
import type { HubStanding } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { allHomes, type ShardCounts } from "./shards/counts.ts";
import { directoryName, type HubName, homeNames, parseShardCount, shardsMax } from "./shards/home.ts";
import { callHub } from "./shards/shard-call.ts";

/** Objects that are asked at once. */
const atOnceMax = 8;

/**
 * Tells every object that a device of the organisation may live in or come to. All are tried before a failure
 * counts; who asks again tells those that were away.
 * @throws when one could not be told
 */
export async function tellEveryHub(env: Env, org: OrgId, standing: HubStanding): Promise<void> {
  await inTurns(await everyHub(env, org), (name) => env.TENANT_HUB.getByName(name).setStanding(org, standing));
}

/** The names of every object that a device of the organisation may live in or come to, the directory first. */
export async function everyHub(env: Env, org: OrgId): Promise<HubName[]> {
  const directory = directoryName(org);
  const counts: ShardCounts = await callHub(env.TENANT_HUB, org, directory, { kind: "counts" });
  const count = parseShardCount(env.HUB_SHARDS);
  const others = new Set([...allHomes(org, counts), ...homeNames(org, count)]);
  others.delete(directory);
  return [directory, ...others];
}

/**
 * Erases every object that the organisation could ever have had: no record of where its devices once lived is
 * relied on. The directory goes last.
 * @throws when one was not erased; doing it again harms nothing
 */
export async function eraseEveryHub(env: Env, org: OrgId): Promise<void> {
  await inTurns(homeNames(org, shardsMax), (name) => env.TENANT_HUB.getByName(name).erase(org));
  await env.TENANT_HUB.getByName(directoryName(org)).erase(org);
}

/** Asks one object after another, a few at once; all are asked before a failure counts. @throws AggregateError */
export async function inTurns(names: readonly HubName[], ask: (name: HubName) => void | Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (let at = 0; at < names.length; at += atOnceMax) {
    const asked = names.slice(at, at + atOnceMax).map(async (name) => await ask(name));
    for (const result of await Promise.allSettled(asked))
      if (result.status === "rejected") failures.push(result.reason);
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} hub objects did not answer`);
}
