import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { resetIngest } from "../hub/fake-ingest.ts";
import {
  accessToken,
  Client,
  enrol,
  entrypoints,
  expectAccepted,
  joinAndConnect,
  newOrg,
  newUser,
  passTime,
  stopClock,
  type TestDevice,
  userCall,
} from "../hub/harness.ts";
import { breakCalls, evictAll, onePerShard, ringAll, rowsPerHub } from "./many-hubs.ts";

beforeAll(stopClock);
beforeEach(resetIngest);
afterEach(() => {
  vi.restoreAllMocks();
});

const all = (org: string, ...rest: string[]): string => ["sentinel", org, "devices", "+", ...rest].join("/");
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

describe("a tenant of four shards", () => {
  it("keeps each device in one object, and its users in the directory", async () => {
    const org = newOrg();
    const devices = await onePerShard(org);
    for (const device of devices) await Client.device(device);
    const user = await joinAndConnect(org, "owner");
    await user.subscribe([all(org, "notes")]);
    const [directory, ...shards] = await rowsPerHub(org, "devices");
    expect(directory).toBe(0);
    expect(shards.every((count) => count > 0)).toBe(true);
    expect(await rowsPerHub(org, "sessions")).toEqual([1, 1, 1, 1, 1]);
    expect(await rowsPerHub(org, "members")).toEqual([1, 0, 0, 0, 0]);
  });

  it("brings a user what the devices of every shard publish, at every QoS", async () => {
    const org = newOrg();
    const devices = await onePerShard(org);
    const user = await joinAndConnect(org, "readonly");
    await user.subscribe([all(org, "notes")], 2);
    for (const [index, device] of devices.entries()) {
      const client = await Client.device(device);
      for (const qos of [0, 1] as const) await client.publish(device.topic("notes"), `${index} at ${qos}`, qos);
    }
    const seen: string[] = [];
    for (const _ of numbers(8)) seen.push((await user.message()).text);
    expect(seen.sort()).toEqual(devices.flatMap((_, index) => [`${index} at 0`, `${index} at 1`]).sort());
  });

  it("keeps the order of a device's messages", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const user = await joinAndConnect(org, "readonly");
    await user.subscribe([device.topic("notes")]);
    const client = await Client.device(device);
    for (const text of numbers(50)) await client.publish(device.topic("notes"), text);
    const seen: string[] = [];
    for (const _ of numbers(50)) seen.push((await user.message()).text);
    expect(seen).toEqual(numbers(50));
  });

  it("brings what every shard retains, once, after the SUBACK", async () => {
    const org = newOrg();
    const devices = await onePerShard(org);
    for (const [index, device] of devices.entries()) {
      const client = await Client.device(device);
      await client.publish(device.topic("reported"), `${index}`, 1, true);
    }
    await evictAll(org);
    const user = await joinAndConnect(org, "readonly");
    expect(await user.subscribe([all(org, "reported"), devices[1]?.topic("reported") ?? ""])).toEqual([1, 1]);
    const seen: string[] = [];
    for (const _ of numbers(5)) {
      const { text, retain } = await user.message();
      expect(retain).toBe(true);
      seen.push(text);
    }
    expect(seen.sort()).toEqual(["0", "1", "1", "2", "3"]);
    expect(await user.isQuiet()).toBe(true);
  });

  it("forgets on the shards what nobody subscribes to any more", async () => {
    const org = newOrg();
    await onePerShard(org);
    const user = await joinAndConnect(org, "readonly");
    await user.subscribe([all(org, "notes"), all(org, "status")]);
    expect(await rowsPerHub(org, "shard_interest")).toEqual([0, 2, 2, 2, 2]);
    user.send({ type: "unsubscribe", packetId: 9, filters: [all(org, "notes")], properties: null });
    await user.next();
    await vi.waitUntil(async () => (await rowsPerHub(org, "shard_interest")).join() === "0,1,1,1,1", {
      timeout: 60_000,
    });
    user.drop();
    await vi.waitUntil(async () => (await rowsPerHub(org, "shard_interest")).join() === "0,0,0,0,0", {
      timeout: 60_000,
    });
  });

  it("knows after an eviction of everything who subscribes to what", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const user = await joinAndConnect(org, "readonly");
    await user.subscribe([device.topic("notes")]);
    const client = await Client.device(device);
    await evictAll(org);
    await client.publish(device.topic("notes"), "still heard");
    expect(await user.message()).toMatchObject({ text: "still heard", qos: 1 });
  });

  it("takes a user's retained desired state to the device's own object", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const user = await joinAndConnect(org, "admin");
    await user.publish(device.topic("desired"), "v1", 1, true);
    await vi.waitUntil(async () => (await rowsPerHub(org, "retained")).reduce((a, b) => a + b) === 1, {
      timeout: 60_000,
    });
    expect((await rowsPerHub(org, "retained"))[0]).toBe(0);
    await evictAll(org);
    const client = await Client.device(device);
    await client.subscribe([device.topic("desired")]);
    expect(await client.message()).toMatchObject({ text: "v1", retain: true });
  });

  it("lets a user's command to an unknown device end at the object that would know it", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const user = await joinAndConnect(org, "admin");
    await entrypoints.HubControl.removeDevice(await userCall(org), org, device.id);
    expect(await user.publish(device.topic("commands"), "x")).toMatchObject({ type: "puback" });
    await vi.waitUntil(async () => (await rowsPerHub(org, "relay_out")).every((count) => count === 0), {
      timeout: 60_000,
    });
    expect(await rowsPerHub(org, "messages")).toEqual([0, 0, 0, 0, 0]);
  });
});

describe("between the objects", () => {
  async function withReader(): Promise<{ org: ReturnType<typeof newOrg>; device: TestDevice; user: Client }> {
    const org = newOrg();
    const device = await enrol(org);
    const user = await joinAndConnect(org, "admin");
    await user.subscribe([device.topic("notes")], 2);
    return { org, device, user };
  }

  it.each(["before", "after"] as const)(
    "what was acknowledged arrives once and in order when calls fail %s their effect and everybody is evicted",
    async (trouble) => {
      const { org, device, user } = await withReader();
      const client = await Client.device(device);
      let left = 6;
      breakCalls((_name, call) => (call.kind === "relay" && left-- > 0 ? trouble : "none"));
      for (const text of numbers(10)) await client.publish(device.topic("notes"), text);
      await evictAll(org);
      for (const text of numbers(20).slice(10)) await client.publish(device.topic("notes"), text);
      await vi.waitUntil(
        async () => {
          passTime(1000);
          await ringAll(org);
          return (await rowsPerHub(org, "relay_out")).every((count) => count === 0);
        },
        { timeout: 60_000 },
      );
      const seen: string[] = [];
      for (const _ of numbers(20)) seen.push((await user.message()).text);
      expect(seen).toEqual(numbers(20));
      expect(await user.isQuiet()).toBe(true);
      expect(left).toBeLessThanOrEqual(0);
    },
  );

  it("a command reaches its device once when answers are lost, at QoS 2", async () => {
    const { org, device, user } = await withReader();
    const client = await Client.device(device);
    await client.subscribe([device.topic("commands")], 2);
    let lost = 3;
    breakCalls((_name, call) => (call.kind === "relay" && lost-- > 0 ? "after" : "none"));
    user.send({
      type: "publish",
      dup: false,
      qos: 2,
      retain: false,
      topic: device.topic("commands"),
      packetId: 77,
      payload: new TextEncoder().encode("once"),
      properties: null,
      wire: null,
    });
    expect(await user.next()).toMatchObject({ type: "pubrec", packetId: 77 });
    const got = await client.next();
    expect(got).toMatchObject({ type: "publish", qos: 2 });
    await vi.waitUntil(
      async () => {
        passTime(1000);
        await ringAll(org);
        return (await rowsPerHub(org, "relay_out")).every((count) => count === 0);
      },
      { timeout: 60_000 },
    );
    expect(await client.isQuiet()).toBe(true);
    expect(lost).toBeLessThanOrEqual(0);
  });

  it("the SUBACK waits until every shard knows", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    await client.publish(device.topic("reported"), "kept", 1, true);
    const user = await joinAndConnect(org, "admin");
    let failures = 6;
    breakCalls((_name, call) => (call.kind === "interest" && failures-- > 0 ? "before" : "none"));
    expect(await user.subscribe([device.topic("reported"), device.topic("notes")])).toEqual([1, 1]);
    expect(failures).toBeLessThanOrEqual(0);
    expect(await rowsPerHub(org, "shard_interest")).toEqual([0, 2, 2, 2, 2]);
    expect(await user.message()).toMatchObject({ text: "kept", retain: true });
    await client.publish(device.topic("notes"), "heard");
    expect(await user.message()).toMatchObject({ text: "heard" });
  });

  it("an object of one organisation takes no call for another", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await enrol(org);
    const hub = (await import("../hub/harness.ts")).hubNamed(org);
    await expect((async () => hub.shard(other, { kind: "counts" }))()).rejects.toThrow("another organisation");
  });
});

describe("the way in", () => {
  it("is found without a hint, by the user name of CONNECT, for devices and users", async () => {
    const org = newOrg();
    for (const device of await onePerShard(org)) {
      const client = await Client.open(org);
      expectAccepted(await client.connect({ username: device.id, password: device.token }));
      await client.subscribe([device.topic("notes")]);
      await client.publish(device.topic("notes"), "x", 0);
      expect(await client.message()).toMatchObject({ text: "x" });
    }
    expect((await rowsPerHub(org, "sessions")).slice(1)).toEqual([1, 1, 1, 1]);
    const user = await joinAndConnect(org, "owner");
    expect(await user.subscribe([all(org, "notes")])).toEqual([1]);
  });

  it("is found by a token in the upgrade, with and without a user name", async () => {
    const org = newOrg();
    const [, , device] = await onePerShard(org);
    if (device === undefined) throw new Error("no device");
    const headers = { Authorization: `Bearer ${device.token}` };
    for (const username of [device.id, null]) {
      const client = await Client.open(org, headers);
      expectAccepted(await client.connect({ username, clientId: `c${username}` }));
    }
    expect((await rowsPerHub(org, "sessions"))[3]).toBe(2);
    const user = newUser();
    await entrypoints.HubControl.putMember(await userCall(org), org, user, "viewer");
    const token = await accessToken(org, user, "viewer");
    const dashboard = await Client.open(org, { Authorization: `Bearer ${token}` });
    expectAccepted(await dashboard.connect({ clean: true, clientId: "" }));
  });

  it("without a hint passes on both ends' goodbye", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const connect = async (): Promise<Client> => {
      const client = await Client.open(org);
      expectAccepted(await client.connect({ username: device.id, password: device.token }));
      return client;
    };
    const presence = async () => (await entrypoints.HubControl.presence(await userCall(org), org, [device.id]))[0];
    const first = await connect();
    expect(await presence()).toMatchObject({ online: true });
    first.drop();
    await vi.waitUntil(async () => (await presence())?.online === false, { timeout: 60_000 });
    const second = await connect();
    await entrypoints.HubControl.removeDevice(await userCall(org), org, device.id);
    expect(await second.next()).toMatchObject({ type: "closed", code: 1008, reason: "the device was removed" });
  });

  it("without a hint refuses what is no CONNECT as ever", async () => {
    const org = newOrg();
    const early = await Client.open(org);
    early.send({ type: "pingreq" });
    expect(await early.next()).toMatchObject({ type: "closed", code: 1002 });
    const text = await Client.open(org);
    text.sendBytes("hello");
    expect(await text.next()).toMatchObject({ type: "closed", code: 1003 });
  });

  it("by another device's hint is sent on: 5.0 is told where, 3.1.1 that it is not here", async () => {
    const org = newOrg();
    const [one, two] = await onePerShard(org);
    if (one === undefined || two === undefined) throw new Error("no devices");
    const old = await Client.open(org, {}, 4, one.id);
    expect(await old.connect({ username: two.id, password: two.token })).toMatchObject({
      type: "connack",
      reasonCode: reasonCodes.server_unavailable,
    });
    const modern = await Client.open(org, {}, 5, one.id);
    const answer = await modern.connect({ username: two.id, password: two.token });
    const properties = expect.objectContaining({ serverReference: `/mqtt/${org}?device=${two.id}` });
    expect(answer).toMatchObject({ type: "connack", reasonCode: reasonCodes.use_another_server, properties });
    expect(await modern.next()).toMatchObject({ type: "closed" });
    const user = newUser();
    await entrypoints.HubControl.putMember(await userCall(org), org, user, "owner");
    const lost = await Client.open(org, {}, 5, one.id);
    expect(await lost.connect({ username: user, password: await accessToken(org, user, "owner") })).toMatchObject({
      reasonCode: reasonCodes.use_another_server,
      properties: expect.objectContaining({ serverReference: `/mqtt/${org}` }),
    });
  });
});
