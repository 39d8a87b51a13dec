import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { makeId, type OrgId } from "../../../core/ids.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { gatewayHeaders, type HubGeoRpc, type HubLifecycleRpc } from "../../../core/rpc/durable-objects.ts";
import type { HubLimitsRpc } from "../../../core/rpc/hub-limits.ts";
import { onlyCountries, plainGeoPolicy } from "../../../core/tenancy/geo-policy.ts";
import { writeGeoSeen } from "../../../core/tenancy/geo-seen.ts";
import { defaultLimitsPolicy, type LimitsPolicy } from "../../../core/tenancy/limits-policy.ts";
import { parseNetwork } from "../../../core/tenancy/network.ts";
import { planLimits } from "../../../core/tenancy/plan.ts";
import { homeName } from "../../../durable-objects/tenant-hub/shards/home.ts";
import type { TenantHub } from "../../../durable-objects/tenant-hub/tenant-hub.ts";
import { resetIngest } from "../hub/fake-ingest.ts";
import {
  Client,
  enrol,
  entrypoints,
  expectAccepted,
  hubNamed,
  newOrg,
  stopClock,
  studio,
  type TestDevice,
  userCall,
} from "../hub/harness.ts";
import { breakCalls, evictAll, onePerShard, release } from "./many-hubs.ts";

beforeAll(stopClock);
beforeEach(resetIngest);
afterEach(() => {
  vi.restoreAllMocks();
});

const hub = entrypoints.HubControl as typeof entrypoints.HubControl & HubGeoRpc & HubLimitsRpc & HubLifecycleRpc;
const india = plainGeoPolicy(onlyCountries(["IN"]));
const slow: LimitsPolicy = {
  ...defaultLimitsPolicy,
  devices: { ...defaultLimitsPolicy.devices, packets_per_second: 7 },
};
const lifecycle = async (org: OrgId) =>
  await studio().asJob(
    "durable-objects.hub-control",
    "lifecycle",
    org,
    makeId("request", Date.now(), new Uint8Array(10)),
  );

/** What the edge says of an upgrade that it let through by its own copy of the policy. */
function from(country: string): Record<string, string> {
  const network = parseNetwork("203.0.113.7");
  if (network === null) throw new Error("the test's address is malformed");
  const standings = { api: "admitted", devices: "admitted", dashboard: "admitted" } as const;
  const seen = { facts: { country, asn: 55836, network }, ip: "203.0.113.7", surface: null, standings };
  return { [gatewayHeaders.geo]: writeGeoSeen(seen) };
}

async function codeFrom(device: TestDevice, country: string): Promise<number> {
  const client = await Client.open(device.org, from(country), 5, device.id);
  const answer = await client.connect({ username: device.id, password: device.token, keepAliveSeconds: 0 });
  if (answer.type !== "connack") throw new Error(`no answer to CONNECT: ${JSON.stringify(answer)}`);
  return answer.reasonCode;
}

/** What an upgrade that is refused is answered. */
async function statusFrom(device: TestDevice): Promise<number> {
  const answer = await Client.upgrade({ "X-Sentinel-Org": device.org, ...from("IN") }, device.id);
  // An answer that nobody reads holds its object.
  await answer.text();
  return answer.status;
}

/** An organisation of one object that was told everything, and then is split over four. */
async function splitAfterwards(): Promise<OrgId> {
  const org = newOrg();
  await release(org, 1);
  await enrol(org);
  await hub.putGeo(await userCall(org), org, india, 3);
  await hub.putLimits(await userCall(org), org, slow, 3);
  await hub.setStanding(await lifecycle(org), org, { state: "active", plan: "school", version: 2 });
  await release(org, 4);
  return org;
}

const knownAt = (org: OrgId, device: TestDevice) =>
  runInDurableObject(hubNamed(homeName(org, device.id, 4)), (object: TenantHub) => ({
    packets: object.limitsTold(org).devices.packets_per_second,
    day: object["state"]?.daily.limit,
  }));

describe("a shard that is added later", () => {
  it("judges its first connection by what the organisation's hubs were told before it was there", async () => {
    const org = await splitAfterwards();
    const devices = await onePerShard(org);
    for (const device of devices) {
      expect(await codeFrom(device, "DE")).toBe(reasonCodes.not_authorized);
      expect(await codeFrom(device, "IN")).toBe(reasonCodes.success);
      expect(await knownAt(org, device)).toEqual({ packets: 7, day: planLimits.school.messages_a_day / 4 });
    }
  });

  it("takes nobody of an organisation that was suspended before it was there", async () => {
    const org = await splitAfterwards();
    const device = await enrol(org);
    await release(org, 1);
    await hub.setStanding(await lifecycle(org), org, { state: "suspended", plan: "school", version: 3 });
    await release(org, 4);
    expect(await statusFrom(device)).toBe(403);
  });

  it("takes nobody while it can't hear, and is let hear by the next who comes", async () => {
    const org = await splitAfterwards();
    const [device] = await onePerShard(org);
    if (device === undefined) throw new Error("no device");
    breakCalls((_name, call) => (call.kind === "told" ? "before" : "none"));
    expect(await statusFrom(device)).toBe(503);
    vi.restoreAllMocks();
    expect(await codeFrom(device, "IN")).toBe(reasonCodes.success);
    // It has heard: from now on it is told of every change, and needs the directory no more to judge.
    await evictAll(org);
    breakCalls((_name, call) => (call.kind === "told" ? "before" : "none"));
    expect(await codeFrom(device, "IN")).toBe(reasonCodes.success);
    expect(await codeFrom(device, "DE")).toBe(reasonCodes.not_authorized);
  });

  it("that was set aside while something changed hears of it, and an older word changes nothing", async () => {
    const org = await splitAfterwards();
    const [device] = await onePerShard(org);
    if (device === undefined) throw new Error("no device");
    expect(await codeFrom(device, "IN")).toBe(reasonCodes.success);
    const home = hubNamed(homeName(org, device.id, 4));
    await hubNamed(org).putGeo(org, plainGeoPolicy(onlyCountries(["DE"])), 4);
    await home.putLimits(org, { version: 9, limits: { ...slow, devices: { ...slow.devices, packets_per_second: 9 } } });
    await evictAll(org);
    expect(await codeFrom(device, "IN")).toBe(reasonCodes.not_authorized);
    expect((await knownAt(org, device)).packets).toBe(9);
    const client = await Client.open(org, from("DE"), 5, device.id);
    expectAccepted(await client.connect({ username: device.id, password: device.token }));
  });
});
