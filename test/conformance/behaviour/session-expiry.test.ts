/** Session Expiry Interval and Clean Start (5.0, sections 3.1.2.4 and 3.1.2.11.2). */
import { expect } from "vitest";
import { propertyOf } from "../support/answers.ts";
import { check, seconds } from "../support/check.ts";
import { newDevice, uniqueName } from "../support/target.ts";

const device = await newDevice();
const expiry = (interval: number) => [["sessionExpiryInterval", interval]] as const;

/** Connects, subscribes and leaves as told; then whether the session is there. */
async function survives(options: {
  connect?: number;
  disconnect?: number;
  wait?: number;
  drop?: true;
}): Promise<boolean> {
  const clientId = uniqueName("x");
  const first = await device.connect(5, {
    clientId,
    ...(options.connect === undefined ? {} : { properties: expiry(options.connect) }),
  });
  await first.subscribe({ filter: device.scope()("x"), qos: 1 });
  if (options.drop === true) first.drop();
  else await first.disconnect(0, options.disconnect === undefined ? [] : expiry(options.disconnect));
  if (options.wait !== undefined) await seconds(options.wait);
  const { client, connack } = await device.attempt(5, { clientId, clean: false });
  await client.disconnect();
  return connack.sessionPresent;
}

check("a session without an expiry ends with its connection [MQTT-3.1.2.11.2]", async () => {
  expect(await survives({})).toBe(false);
  expect(await survives({ connect: 0 })).toBe(false);
});

check("a session lives on for its expiry", async () => {
  expect(await survives({ connect: 30 })).toBe(true);
  expect(await survives({ connect: 30, drop: true })).toBe(true);
  expect(await survives({ connect: 0xffffffff })).toBe(true);
});

check("a session is gone after its expiry [MQTT-3.1.4-4]", async () => {
  expect(await survives({ connect: 1, wait: 3 })).toBe(false);
});

check("DISCONNECT changes the expiry, up and down [MQTT-3.14.2.2.2]", async () => {
  const [down, up, gone] = await Promise.all([
    survives({ connect: 30, disconnect: 0 }),
    survives({ connect: 1, disconnect: 30, wait: 3 }),
    survives({ connect: 30, disconnect: 1, wait: 3 }),
  ]);
  expect([down, up, gone]).toEqual([false, true, false]);
});

check("a connection that comes back in time stops the clock, and its own expiry counts", async () => {
  const clientId = uniqueName("x");
  await (await device.connect(5, { clientId, properties: expiry(5) })).disconnect();
  const second = await device.attempt(5, { clientId, clean: false, properties: expiry(30) });
  expect(second.connack.sessionPresent).toBe(true);
  await seconds(7);
  expect(await second.client.fence()).toEqual([]);
  await second.client.disconnect();
  const third = await device.attempt(5, { clientId, clean: false });
  expect(third.connack.sessionPresent).toBe(true);
  await third.client.disconnect();
});

check("Clean Start drops the old session and says so [MQTT-3.1.2-4]", async () => {
  const topic = device.scope();
  const clientId = uniqueName("x");
  const first = await device.connect(5, { clientId, properties: expiry(30) });
  await first.subscribe({ filter: topic("a"), qos: 1 });
  await first.disconnect();
  const second = await device.attempt(5, { clientId, properties: expiry(30) });
  expect(second.connack.sessionPresent).toBe(false);
  await second.client.publish({ topic: topic("a"), qos: 1 });
  expect(await second.client.fence()).toEqual([]);
  await second.client.disconnect(0, expiry(0));
});

check("a queued session of 5.0 is there for 3.1.1, and the other way", async () => {
  const topic = device.scope();
  const clientId = uniqueName("x");
  const first = await device.connect(5, { clientId, properties: expiry(60) });
  await first.subscribe({ filter: topic("a"), qos: 1 });
  await first.disconnect();
  const publisher = await device.connect(4);
  await publisher.publish({ topic: topic("a"), qos: 1, payload: "one" });
  const second = await device.connect(4, { clientId, clean: false });
  expect((await second.message()).payload.toString()).toBe("one");
  await second.disconnect();
  await publisher.publish({ topic: topic("a"), qos: 1, payload: "two" });
  const third = await device.connect(5, { clientId, clean: false });
  expect((await third.message()).payload.toString()).toBe("two");
  await third.disconnect();
  publisher.drop();
});

check("an assigned client id names the session, and is told [MQTT-3.1.3-7]", async () => {
  const first = await device.attempt(5, { clientId: "", properties: expiry(30) });
  const clientId = propertyOf(first.connack, "assignedClientIdentifier");
  expect(clientId).toEqual(expect.stringMatching(/^.+$/));
  await first.client.disconnect();
  const second = await device.attempt(5, { clientId: String(clientId), clean: false });
  expect(second.connack.sessionPresent).toBe(true);
  expect(propertyOf(second.connack, "assignedClientIdentifier")).toBeUndefined();
  await second.client.disconnect();
  const another = await device.attempt(5, { clientId: "" });
  expect(propertyOf(another.connack, "assignedClientIdentifier")).not.toBe(clientId);
  await another.client.disconnect();
});
