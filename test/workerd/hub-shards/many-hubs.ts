import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { homeIndex, homeNames } from "../../../durable-objects/tenant-hub/shards/home.ts";
import type { ShardCall } from "../../../durable-objects/tenant-hub/shards/shard-call.ts";
import { TenantHub } from "../../../durable-objects/tenant-hub/tenant-hub.ts";
import { enrol, hubNamed, type TestDevice } from "../hub/harness.ts";

/** The most shards of any test. */
const countMax = 4;

const everyName = (org: OrgId): string[] => [org, ...homeNames(org, countMax)];

/** Sets the number of shards and lets the whole organisation begin anew, as a release does. */
export async function release(org: OrgId, count: number): Promise<void> {
  (env as { HUB_SHARDS?: string }).HUB_SHARDS = String(count);
  await evictAll(org, { webSockets: "close" });
}

export async function evictAll(org: OrgId, options?: Parameters<typeof evictDurableObject>[1]): Promise<void> {
  for (const name of everyName(org)) {
    await evictDurableObject(hubNamed(name), options).catch((error: Error) => {
      if (!error.message.includes("not currently running")) throw error;
    });
  }
}

export async function ringAll(org: OrgId): Promise<void> {
  for (const name of everyName(org)) await runDurableObjectAlarm(hubNamed(name));
}

/** Rows of a table per object: the directory's first, then each shard's. */
export async function rowsPerHub(org: OrgId, table: string): Promise<number[]> {
  const counts: number[] = [];
  for (const name of everyName(org)) {
    counts.push(
      await runInDurableObject(hubNamed(name), (hub: TenantHub, state) => {
        hub["storage"].flush();
        const exists = state.storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", table).toArray().length > 0;
        return exists ? Number(state.storage.sql.exec(`SELECT count(*) AS n FROM ${table}`).one()["n"]) : 0;
      }),
    );
  }
  return counts;
}

/** One device on each of four shards, by index. */
export async function onePerShard(org: OrgId): Promise<TestDevice[]> {
  const devices: TestDevice[] = [];
  while (devices.filter(Boolean).length < countMax) {
    const device = await enrol(org);
    devices[homeIndex(device.id, countMax)] ??= device;
  }
  return devices;
}

export type Trouble = "none" | "before" | "after";

/**
 * Lets calls between hub objects fail, before they had an effect or after it: the answer is lost.
 * @param trouble judges a call by the object that is called
 */
export function breakCalls(trouble: (name: string, call: ShardCall) => Trouble): void {
  const working = TenantHub.prototype.shard;
  vi.spyOn(TenantHub.prototype, "shard").mockImplementation(async function (this: TenantHub, org, call) {
    const kind = trouble(this["ctx"].id.name ?? "", call);
    if (kind === "before") throw new Error("unreachable, says the test");
    const answer = await working.call(this, org, call);
    if (kind === "after") throw new Error("the answer is lost, says the test");
    return answer;
  });
}
