import { runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { HubLimitsRpc } from "../../../core/rpc/hub-limits.ts";
import { defaultLimitsPolicy, type LimitsPolicy } from "../../../core/tenancy/limits-policy.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { findCounters } from "../../../durable-objects/rate-limiter/find-counters.ts";
import type { RateLimiter } from "../../../durable-objects/rate-limiter/rate-limiter.ts";
import { resetIngest } from "./fake-ingest.ts";
import {
  Client,
  enrol,
  entrypoints,
  evict,
  joinAndConnect,
  newOrg,
  newUser,
  objects,
  publishPacket,
  refused,
  stopClock,
  type TestDevice,
  userCall,
} from "./harness.ts";

/** Buckets fill with time: how fast this machine is must not matter. */
beforeAll(stopClock);
beforeEach(resetIngest);

const hub = entrypoints.HubControl as typeof entrypoints.HubControl & HubLimitsRpc;
const { devices, clients, organisation } = defaultLimitsPolicy;
const slowDevices: LimitsPolicy = {
  devices: { packets_per_second: 5, bytes_per_second: 64 * 1024, connects_per_minute: 10 },
  clients,
  organisation,
};
/** What five packets a second may send at once: ten seconds' worth, as at every pace. */
const burst = 50;

async function tell(org: OrgId, limits: LimitsPolicy, version: number): Promise<void> {
  await hub.putLimits(await userCall(org), org, limits, version);
}
const inUse = async (org: OrgId, role: Role = "owner") => await hub.limitsInUse(await userCall(org, role), org);

/** Sends so many and returns how many of them are acknowledged at once. */
async function acknowledged(client: Client, device: TestDevice, count: number): Promise<number> {
  const packets = Array.from({ length: count }, (_, index) =>
    publishPacket(device.topic("x"), "x", { packetId: index + 1 }),
  );
  client.send(...packets, { type: "pingreq" });
  let acks = 0;
  while ((await client.next()).type === "puback") acks += 1;
  return acks;
}

describe("an organisation's own limits", () => {
  it("hold from the next packet on for who is connected, and after an eviction", async () => {
    const org = newOrg();
    const one = await enrol(org);
    const client = await Client.modern(one, "agent");
    await tell(org, slowDevices, 2);
    expect(await acknowledged(client, one, burst + 30)).toBe(burst);
    const device = await enrol(newOrg());
    await tell(device.org, slowDevices, 2);
    await evict(device.org);
    expect(await acknowledged(await Client.modern(device, "agent"), device, burst + 30)).toBe(burst);
  });

  it("of devices hold no person, and an older version changes nothing", async () => {
    const org = newOrg();
    const device = await enrol(org);
    await tell(org, slowDevices, 5);
    await tell(org, defaultLimitsPolicy, 4);
    expect(await acknowledged(await Client.modern(device, "agent"), device, burst + 30)).toBe(burst);
    const user = newUser();
    const person = await joinAndConnect(org, "owner", user);
    for (let ping = 0; ping < burst + 30; ping += 1) expect(await person.isQuiet()).toBe(true);
    expect((await inUse(org)).heaviest.find(({ client }) => client === user)?.packets.limit).toBe(1000);
  });

  it("name themselves to who comes too often", async () => {
    const org = newOrg();
    const device = await enrol(org);
    await tell(org, slowDevices, 1);
    for (let time = 0; time < 10; time += 1) (await Client.modern(device, "agent")).drop();
    const late = await Client.open(org, {}, 5, device.id);
    expect(await late.connect({ username: device.id, password: device.token })).toMatchObject({
      type: "connack",
      reasonCode: reasonCodes.connection_rate_exceeded,
      properties: { reasonString: "at most 10 connections at once, then 10 a minute" },
    });
  });

  it("are no business of a viewer's, of another organisation's owner, or of a program that makes up its own", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await refused(async () => hub.putLimits(await userCall(org, "analyst"), org, slowDevices, 1));
    await refused(async () => hub.putLimits(await userCall(other), org, slowDevices, 1));
    for (const role of ["analyst", "viewer"] as const) await refused(async () => inUse(org, role));
    await refused(async () => hub.limitsInUse(await userCall(other), org));
    await expect((async () => tell(org, {} as LimitsPolicy, -1))()).rejects.toThrow("not an organisation's limits");
    const broken = { ...slowDevices, devices: { ...devices, packets_per_second: "many" as unknown as number } };
    await expect((async () => tell(org, broken, 1))()).rejects.toThrow("not an organisation's limits");
  });
});

describe("what is used of the limits", () => {
  it("is said of those that are nearest to a bound, each organisation's apart, and of its requests", async () => {
    const [org, other] = [newOrg(), newOrg()];
    const [noisy, quiet, foreign] = [await enrol(org), await enrol(org), await enrol(other)];
    await tell(org, slowDevices, 1);
    await acknowledged(await Client.modern(noisy, "agent"), noisy, 30);
    await acknowledged(await Client.modern(quiet, "agent"), quiet, 3);
    await acknowledged(await Client.modern(foreign, "agent"), foreign, 3);
    // As the edge counts what it lets through.
    const counted = { policy: "tenant", limit: 6_000, windowMs: 61_000 };
    const { limiter, counters } = await findCounters(objects, `tenant:${org}`, [counted]);
    for (const counter of counters) await limiter.lease(counter, 17);
    const use = await inUse(org, "readonly");
    expect(use.requests).toEqual({ used: 17, limit: 6_000 });
    expect(use.sockets).toBe(2);
    expect(use.heaviest.map(({ client }) => client)).toEqual([noisy.id, quiet.id]);
    // The ping at the end is a packet too.
    expect(use.heaviest[0]?.packets).toEqual({ used: 31, limit: burst });
    expect(use.heaviest[0]?.connects).toEqual({ used: 1, limit: 10 });
    expect(use.packets.used).toBe(31 + 4);
    // Asking counts nothing.
    expect((await inUse(org)).requests.used).toBe(17);
    for (const counter of counters)
      await runInDurableObject(limiter as unknown as DurableObjectStub<RateLimiter>, async (object: RateLimiter) =>
        expect(await object.used(counter)).toBe(17),
      );
  });
});
