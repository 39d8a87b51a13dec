import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { expiryNever } from "../../../durable-objects/tenant-hub/broker/session.ts";
import { homeIndex } from "../../../durable-objects/tenant-hub/shards/home.ts";
import { resetIngest } from "../hub/fake-ingest.ts";
import {
  Client,
  enrol,
  entrypoints,
  joinAndConnect,
  newOrg,
  passTime,
  stopClock,
  type TestDevice,
  userCall,
} from "../hub/harness.ts";
import { breakCalls, evictAll, release, ringAll, rowsPerHub } from "./many-hubs.ts";

beforeAll(stopClock);
beforeEach(resetIngest);
afterEach(() => {
  vi.restoreAllMocks();
});

type Org = ReturnType<typeof newOrg>;

const encoder = new TextEncoder();

/** A device that went away in the middle of everything. */
async function leaveMuchBehind(device: TestDevice): Promise<void> {
  const client = await Client.modern(device, "busy", { properties: { sessionExpiryInterval: expiryNever } });
  await client.subscribe([device.topic("notes"), device.topic("commands")], 2);
  await client.publish(device.topic("reported"), "kept", 1, true);
  // In flight, not acknowledged, and a QoS 2 message whose PUBREL is still to come.
  await client.publish(device.topic("notes"), "in flight", 1);
  await client.next();
  const message = { dup: false, qos: 2, retain: false, packetId: 500, properties: null, wire: null } as const;
  client.send({ type: "publish", ...message, topic: device.topic("other"), payload: encoder.encode("twice?") });
  expect(await client.next()).toMatchObject({ type: "pubrec", packetId: 500 });
  client.drop();
  await vi.waitUntil(
    async () => {
      const [known] = await entrypoints.HubControl.presence(await userCall(device.org), device.org, [device.id]);
      return known?.online === false;
    },
    { timeout: 60_000 },
  );
  for (const text of ["first", "second"])
    await entrypoints.HubControl.publishCommand(await userCall(device.org), device.org, device.id, text);
}

/** It comes back and finds everything, once. */
async function findEverything(device: TestDevice): Promise<void> {
  const client = await Client.open(device.org, {}, 5, device.id);
  const { id: username, token: password } = device;
  const properties = { sessionExpiryInterval: expiryNever };
  const connack = await client.connect({ clientId: "busy", username, password, keepAliveSeconds: 0, properties });
  expect(connack).toMatchObject({ type: "connack", reasonCode: 0, sessionPresent: true });
  expect(await client.message()).toMatchObject({ text: "in flight", dup: true });
  expect(await client.message()).toMatchObject({ text: "first", dup: false });
  expect(await client.message()).toMatchObject({ text: "second", dup: false });
  const watcher = await joinAndConnect(device.org, "readonly");
  await watcher.subscribe([device.topic("other"), device.topic("reported")], 2);
  expect(await watcher.message()).toMatchObject({ text: "kept", retain: true });
  const again = { dup: true, qos: 2, retain: false, packetId: 500, properties: null, wire: null } as const;
  client.send({ type: "publish", ...again, topic: device.topic("other"), payload: encoder.encode("twice?") });
  expect(await client.next()).toMatchObject({ type: "pubrec", packetId: 500 });
  client.send({ type: "pubrel", packetId: 500, reasonCode: 0, properties: null });
  expect(await client.next()).toMatchObject({ type: "pubcomp", packetId: 500 });
  expect(await watcher.isQuiet()).toBe(true);
  client.drop();
}

/** Rings alarms until every device is at home. */
async function settle(org: Org): Promise<void> {
  await vi.waitUntil(
    async () => {
      passTime(2000);
      await ringAll(org);
      const moving = [...(await rowsPerHub(org, "handover_out")), ...(await rowsPerHub(org, "handover_in"))];
      return moving.every((count) => count === 0) && (await historyOf(org)).length === 1;
    },
    { timeout: 60_000, interval: 100 },
  );
}

async function historyOf(org: Org): Promise<readonly number[]> {
  const { hubNamed } = await import("../hub/harness.ts");
  return (await hubNamed(org).shard(org, { kind: "counts" })) as readonly number[];
}

async function devicesOf(org: Org, count: number): Promise<TestDevice[]> {
  const devices: TestDevice[] = [];
  for (let index = 0; index < count; index += 1) devices.push(await enrol(org));
  return devices;
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

describe("a tenant whose number of shards changes", () => {
  const changes: readonly [number, number][] = [
    [1, 4],
    [4, 2],
    [2, 4],
    [4, 1],
  ];

  it.each(changes)("from %i to %i: a device that comes back finds all that it left", async (from, to) => {
    const org = newOrg();
    await release(org, from);
    const devices = await devicesOf(org, 5);
    for (const device of devices) await leaveMuchBehind(device);
    await release(org, to);
    for (const device of devices) await findEverything(device);
    await settle(org);
    expect(sum(await rowsPerHub(org, "devices"))).toBe(5);
    expect(await historyOf(org)).toEqual([to]);
  });

  it.each(changes)("from %i to %i: devices that nobody asks for move by themselves", async (from, to) => {
    const org = newOrg();
    await release(org, from);
    const devices = await devicesOf(org, 8);
    for (const device of devices.slice(0, 2)) await leaveMuchBehind(device);
    await release(org, to);
    // Anything wakes the directory; its alarm does the rest.
    await joinAndConnect(org, "owner");
    await settle(org);
    const rows = await rowsPerHub(org, "devices");
    expect(sum(rows)).toBe(8);
    expect(sum(rows.slice(to === 1 ? 1 : to + 1))).toBe(0);
    if (to > 1) expect(rows[0]).toBe(0);
    await evictAll(org);
    for (const device of devices.slice(0, 2)) await findEverything(device);
  });

  it("hears at once, without an owner's doing, from devices that have not moved yet", async () => {
    const org = newOrg();
    await release(org, 4);
    const [device] = await devicesOf(org, 1);
    if (device === undefined) throw new Error("no device");
    const before = await Client.device(device);
    await before.publish(device.topic("reported"), "kept", 1, true);
    await release(org, 1);
    const user = await joinAndConnect(org, "admin");
    await user.subscribe([device.topic("reported")]);
    expect(await user.message()).toMatchObject({ text: "kept", retain: true });
    expect(await user.publish(device.topic("commands"), "follow")).toMatchObject({ type: "puback" });
    const after = await Client.device(device);
    await after.subscribe([device.topic("commands")]);
    expect(await after.message()).toMatchObject({ text: "follow" });
  });

  it("a command that was on its way to the old home follows the device to the new one", async () => {
    const org = newOrg();
    await release(org, 4);
    let device = await enrol(org);
    while (homeIndex(device.id, 4) !== 3) device = await enrol(org);
    const before = await Client.device(device);
    await before.subscribe([device.topic("commands")]);
    const user = await joinAndConnect(org, "admin");
    breakCalls((_name, call) => (call.kind === "relay" ? "before" : "none"));
    expect(await user.publish(device.topic("commands"), "follow me")).toMatchObject({ type: "puback" });
    await release(org, 2);
    const after = await Client.device(device);
    expect(await after.isQuiet()).toBe(true);
    vi.restoreAllMocks();
    await settle(org);
    expect(await after.message()).toMatchObject({ text: "follow me", qos: 1 });
    expect(await after.isQuiet()).toBe(true);
  });

  it("keeps a token that was replaced, and a device that was removed, as they are", async () => {
    const org = newOrg();
    await release(org, 1);
    const [kept, removed] = await devicesOf(org, 2);
    if (kept === undefined || removed === undefined) throw new Error("no devices");
    await release(org, 4);
    await entrypoints.HubControl.removeDevice(await userCall(org), org, removed.id);
    const client = await Client.open(org, {}, 4, removed.id);
    expect(await client.connect({ username: removed.id, password: removed.token })).toMatchObject({ reasonCode: 0x86 });
    await release(org, 1);
    await Client.device(kept);
    const again = await Client.open(org, {}, 4, removed.id);
    expect(await again.connect({ username: removed.id, password: removed.token })).toMatchObject({ reasonCode: 0x86 });
  });

  it("takes a device back that had left and never arrived, when the number is put back", async () => {
    const org = newOrg();
    await release(org, 4);
    const [device] = await devicesOf(org, 1);
    if (device === undefined) throw new Error("no device");
    await leaveMuchBehind(device);
    await release(org, 1);
    breakCalls((_name, call) => (call.kind === "hand_over" ? "after" : "none"));
    const impatient = await Client.open(org, {}, 4, device.id);
    expect(await impatient.connect({ username: device.id, password: device.token })).toMatchObject({
      reasonCode: reasonCodes.server_unavailable,
    });
    expect(sum(await rowsPerHub(org, "devices"))).toBe(0);
    vi.restoreAllMocks();
    await release(org, 4);
    await findEverything(device);
    await settle(org);
    expect((await rowsPerHub(org, "devices"))[0]).toBe(0);
  });

  it("goes there, back and there again while no arrival is ever confirmed in time", async () => {
    const org = newOrg();
    await release(org, 4);
    const [device, other] = await devicesOf(org, 2);
    if (device === undefined || other === undefined) throw new Error("no devices");
    await leaveMuchBehind(device);
    await Client.device(other);
    for (const count of [1, 4, 1]) {
      await release(org, count);
      breakCalls((_name, call) => (call.kind === "handed_over" ? "before" : "none"));
      // The first attempt can fail: an arrival that was not confirmed comes first.
      for (const { id, token } of [device, other]) {
        const client = await Client.open(org, {}, 4, id);
        await client.connect({ username: id, password: token, clientId: "short", clean: true });
        client.drop();
      }
      vi.restoreAllMocks();
    }
    // Removed where it lives, it stays removed, whatever bundles are left elsewhere.
    await entrypoints.HubControl.removeDevice(await userCall(org), org, other.id);
    await findEverything(device);
    await settle(org);
    expect(await rowsPerHub(org, "devices")).toEqual([1, 0, 0, 0, 0]);
  });

  const calls = ["hand_over", "handed_over", "counts", "take", "sweep"] as const;
  it.each(calls.flatMap((kind) => (["before", "after"] as const).map((when) => [kind, when] as const)))(
    "loses nothing when %s fails %s its effect, and everybody is evicted",
    async (kind, when) => {
      const org = newOrg();
      await release(org, 4);
      const devices = await devicesOf(org, 2);
      for (const device of devices) await leaveMuchBehind(device);
      await release(org, 1);
      let failures = 0;
      breakCalls((_name, call) => {
        if (call.kind !== kind || failures === 4) return "none";
        failures += 1;
        return when;
      });
      const impatient = devices.map(async (device) => {
        const client = await Client.open(org, {}, 4, device.id);
        await client.connect({ username: device.id, password: device.token, clientId: "other", clean: true });
        client.drop();
      });
      await Promise.all(impatient);
      await evictAll(org);
      for (let turn = 0; turn < 3; turn += 1) {
        passTime(2000);
        await ringAll(org);
      }
      vi.restoreAllMocks();
      await evictAll(org);
      for (const device of devices) await findEverything(device);
      await settle(org);
      expect(await rowsPerHub(org, "devices")).toEqual([2, 0, 0, 0, 0]);
    },
  );
});
