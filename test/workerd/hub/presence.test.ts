import { abortAllDurableObjects } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { seenSavedEveryMs } from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { resetIngest } from "./fake-ingest.ts";
import {
  Client,
  enrol,
  entrypoints,
  evict,
  goodbye,
  joinAndConnect,
  newDevice,
  newOrg,
  passTime,
  ringAlarm,
  stopClock,
  userCall,
} from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

const will = (topic: string) =>
  ({ topic, payload: new TextEncoder().encode("lost"), qos: 1, retain: false, properties: null }) as const;

describe("presence", () => {
  it("is retained on status: online at the first socket, offline when the last one goes", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const dashboard = await joinAndConnect(org, "readonly");
    await dashboard.subscribe([`sentinel/${org}/devices/+/status`]);
    const first = await Client.device(device, { clientId: "a" });
    const online = await dashboard.message();
    expect(JSON.parse(online.text)).toEqual({ state: "online", at: new Date().toISOString() });
    const second = await Client.device(device, { clientId: "b" });
    first.drop();
    expect(await dashboard.isQuiet()).toBe(true);
    await evict(org);
    passTime(5000);
    second.send(goodbye);
    expect(JSON.parse((await dashboard.message()).text)).toEqual({ state: "offline", at: new Date().toISOString() });
    const late = await joinAndConnect(org, "readonly");
    await late.subscribe([device.topic("status")]);
    expect(await late.message()).toMatchObject({ retain: true, text: expect.stringContaining("offline") });
    const [known] = await entrypoints.HubControl.presence(await userCall(org, "viewer"), org, [device.id]);
    expect(known).toEqual({ device: device.id, online: false, since: new Date().toISOString() });
  });

  it("does not flicker when a device takes its own connection over", async () => {
    const org = newOrg();
    const device = await enrol(org);
    await Client.device(device);
    const dashboard = await joinAndConnect(org, "readonly");
    await dashboard.subscribe([device.topic("status")]);
    await dashboard.message();
    await Client.device(device);
    expect(await dashboard.isQuiet()).toBe(true);
  });

  it("is put right after a crash that took the sockets without a word, wills included", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const keeper = await Client.device(device, { clientId: "keeper" });
    await keeper.subscribe([device.topic("wills")]);
    await Client.device(device, { clientId: "mortal", will: will(device.topic("wills")) });
    await abortAllDurableObjects();
    const [known] = await entrypoints.HubControl.presence(await userCall(org), org, [device.id]);
    expect(known).toMatchObject({ online: false });
    const back = await Client.device(device, { clientId: "keeper" });
    expect(await back.message()).toMatchObject({ topic: device.topic("wills"), text: "lost" });
  });
});

describe("a will", () => {
  it("is published on abnormal loss, even when the object slept in between, and not on DISCONNECT", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const dashboard = await joinAndConnect(org, "readonly");
    await dashboard.subscribe([device.topic("wills")]);
    const polite = await Client.device(device, { clientId: "polite", will: will(device.topic("wills")) });
    polite.send(goodbye);
    await polite.next();
    const abrupt = await Client.device(device, { clientId: "abrupt", will: will(device.topic("wills")) });
    expect(await dashboard.isQuiet()).toBe(true);
    await evict(org);
    abrupt.drop();
    expect(await dashboard.message()).toMatchObject({ topic: device.topic("wills"), text: "lost" });
  });

  it("dies with its device when that is removed", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const dashboard = await joinAndConnect(org, "readonly");
    await dashboard.subscribe([device.topic("wills")]);
    await Client.device(device, { will: will(device.topic("wills")) });
    await entrypoints.HubControl.removeDevice(await userCall(org), org, device.id);
    expect(await dashboard.isQuiet()).toBe(true);
  });
});

describe("time", () => {
  it("closes a socket that sent no CONNECT within 10 s", async () => {
    const org = newOrg();
    const device = newDevice();
    const client = await Client.open(org, {}, 4, device);
    passTime(9_999);
    await ringAlarm(org);
    const other = await Client.open(org, {}, 4, device);
    passTime(1);
    await ringAlarm(org);
    expect(await client.next()).toMatchObject({ type: "closed", reason: expect.stringContaining("10 s") });
    other.send({ type: "pingreq" });
    expect(await other.next()).toMatchObject({ type: "closed", code: 1002 });
  });

  it("closes a silent connection at exactly one and a half times its keep-alive [MQTT-3.1.2-22]", async () => {
    const org = newOrg();
    const client = await Client.device(await enrol(org), { keepAliveSeconds: 20 });
    for (let turn = 0; turn < 2; turn += 1) {
      passTime(29_999);
      await ringAlarm(org);
      expect(await client.isQuiet()).toBe(true);
    }
    passTime(29_999);
    await ringAlarm(org);
    passTime(1);
    await ringAlarm(org);
    expect(await client.next()).toMatchObject({ type: "closed", reason: expect.stringContaining("keep-alive") });
  });

  it("forgives a connection no more than a second over the eviction after its last packet, and is never early", async () => {
    const org = newOrg();
    const client = await Client.device(await enrol(org), { keepAliveSeconds: 20 });
    // So soon after the CONNECT that the attachment still has the CONNECT's time.
    passTime(seenSavedEveryMs - 1);
    expect(await client.isQuiet()).toBe(true);
    for (const ms of [29_999, 0, 0]) {
      await evict(org);
      passTime(ms);
      await ringAlarm(org);
    }
    expect(await client.isQuiet()).toBe(true);
    for (const ms of [29_999, seenSavedEveryMs + 1]) {
      await evict(org);
      passTime(ms);
      await ringAlarm(org);
    }
    expect(await client.next()).toMatchObject({ type: "closed", reason: expect.stringContaining("keep-alive") });
  });

  it("never closes a connection that asked for no keep-alive", async () => {
    const device = await enrol(newOrg());
    const client = await Client.device(device, { keepAliveSeconds: 0 });
    passTime(30 * 24 * 3600_000);
    await ringAlarm(device.org);
    expect(await client.isQuiet()).toBe(true);
  });
});
