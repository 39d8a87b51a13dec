/** What outlives a connection before 5.0, and in 5.0 with an expiry: subscriptions, queues, exchanges. */
import { describe, expect, it } from "vitest";
import { expectNotBusy } from "../support/busy.ts";
import { check, expectFarewell } from "../support/check.ts";
import { ack, connect, disconnect, publish } from "../support/packets.ts";
import { type ConnectOptions, isSentinel, newDevice, uniqueName } from "../support/target.ts";
import type { Level } from "../support/wire.ts";

const device = await newDevice();
const levels = [3, 4, 5] as const;

/** A session that outlives its connection, in the words of each version. */
function lasting(level: Level, clientId = uniqueName("s")): ConnectOptions & { clientId: string } {
  return { clientId, clean: false, ...(level === 5 ? { properties: [["sessionExpiryInterval", 300]] as const } : {}) };
}

/** Ends a session for good, so that a device has room for its others. */
async function forget(level: Level, clientId: string): Promise<void> {
  const client = await device.connect(level, { clientId });
  await client.disconnect();
}

describe.each(levels)("level %i", (level: Level) => {
  check("says whether there was a session [MQTT-3.2.2-2]", async () => {
    const options = lasting(level);
    const first = await device.attempt(level, options);
    expect(first.connack.sessionPresent).toBe(false);
    await first.client.disconnect();
    const second = await device.attempt(level, options);
    // 3.1 has no such flag.
    expect(second.connack.sessionPresent).toBe(level !== 3);
    await second.client.disconnect();
    const clean = await device.attempt(level, { clientId: options.clientId });
    expect(clean.connack.sessionPresent).toBe(false);
    await clean.client.disconnect();
    const after = await device.attempt(level, options);
    expect(after.connack.sessionPresent).toBe(false);
    await after.client.disconnect();
    await forget(level, options.clientId);
  });

  check("keeps subscriptions and queues QoS 1 and 2 for a client that is away [MQTT-3.1.2-5]", async () => {
    const topic = device.scope();
    const options = lasting(level);
    const subscriber = await device.connect(level, options);
    await subscriber.subscribe({ filter: topic("q/#"), qos: 2 });
    await subscriber.disconnect();
    const publisher = await device.connect(level);
    for (const qos of [1, 2, 1, 2]) await publisher.publish({ topic: topic(`q/${qos}`), qos, payload: `${qos}` });
    const back = await device.connect(level, options);
    expect((await back.messages(4)).map((message) => message.qos)).toEqual([1, 2, 1, 2]);
    expect(await back.fence()).toEqual([]);
    await publisher.publish({ topic: topic("q/now"), qos: 0 });
    expect((await back.message()).topic).toBe(topic("q/now"));
    publisher.drop();
    await back.disconnect();
    await forget(level, options.clientId);
  });

  check("forgets a clean session at its end [MQTT-3.1.2-6]", async () => {
    const topic = device.scope();
    const clientId = uniqueName("s");
    const first = await device.connect(level, { clientId });
    await first.subscribe({ filter: topic("a"), qos: 1 });
    await first.disconnect();
    const second = await device.connect(level, lasting(level, clientId));
    await second.publish({ topic: topic("a"), qos: 1 });
    expect(await second.fence()).toEqual([]);
    await second.disconnect();
    await forget(level, clientId);
  });

  check("delivers QoS 1 again with DUP and the same identifier after a reconnection [MQTT-4.4.0-1]", async () => {
    const topic = device.scope();
    const options = lasting(level);
    const subscriber = await device.connect(level, options);
    await subscriber.subscribe({ filter: topic("a"), qos: 1 });
    const publisher = await device.connect(level);
    await publisher.publish({ topic: topic("a"), qos: 1, payload: "twice" });
    const first = await subscriber.expect("publish");
    expect(first.dup).toBe(false);
    subscriber.drop();
    const back = await device.connect(level, options);
    const again = await back.expect("publish");
    expect(again).toMatchObject({ id: first.id, dup: true, qos: 1 });
    back.send(ack("puback", again.id));
    expect(await back.fence()).toEqual([]);
    await back.disconnect();
    const third = await device.connect(level, options);
    expect(await third.fence()).toEqual([]);
    publisher.drop();
    await third.disconnect();
    await forget(level, options.clientId);
  });

  check("goes on with a QoS 2 delivery where it was cut, at each step [MQTT-4.3.3-8]", async () => {
    const topic = device.scope();
    const options = lasting(level);
    const subscriber = await device.connect(level, options);
    await subscriber.subscribe({ filter: topic("a"), qos: 2 });
    const publisher = await device.connect(level);
    await publisher.publish({ topic: topic("a"), qos: 2 });
    const { id } = await subscriber.expect("publish");
    subscriber.drop();
    const second = await device.connect(level, options);
    expect(await second.expect("publish")).toMatchObject({ id, dup: true });
    second.send(ack("pubrec", id));
    expect((await second.expect("pubrel")).id).toBe(id);
    second.drop();
    const third = await device.connect(level, options);
    expect((await third.expect("pubrel")).id).toBe(id);
    third.send(ack("pubcomp", id));
    expect(await third.fence()).toEqual([]);
    await third.disconnect();
    const fourth = await device.connect(level, options);
    expect(await fourth.fence()).toEqual([]);
    publisher.drop();
    await fourth.disconnect();
    await forget(level, options.clientId);
  });

  check("takes a QoS 2 message once, however often it comes, also over reconnections [MQTT-4.3.3-10]", async () => {
    const topic = device.scope();
    const options = lasting(level);
    const subscriber = await device.connect(level);
    await subscriber.subscribe({ filter: topic("once"), qos: 2 });
    const send = (dup: boolean): Buffer => publish(level, { topic: topic("once"), qos: 2, id: 42, dup });
    const first = await device.connect(level, options);
    first.send(send(false));
    await first.expect("pubrec");
    first.send(send(true), send(true));
    await first.expect("pubrec");
    await first.expect("pubrec");
    first.drop();
    const second = await device.connect(level, options);
    second.send(send(true));
    await second.expect("pubrec");
    second.send(ack("pubrel", 42));
    expect((await second.expect("pubcomp")).id).toBe(42);
    second.send(ack("pubrel", 42));
    expect((await second.expect("pubcomp")).id).toBe(42);
    await subscriber.message();
    expect(await subscriber.fence()).toEqual([]);
    // The identifier is free again: the same one is a new message now.
    second.send(send(false));
    await second.expect("pubrec");
    second.send(ack("pubrel", 42));
    await second.expect("pubcomp");
    await subscriber.message();
    subscriber.drop();
    await second.disconnect();
    await forget(level, options.clientId);
  });

  check("a second connection with the client id takes the session over [MQTT-3.1.4-2]", async () => {
    const topic = device.scope();
    const options = lasting(level);
    const first = await device.connect(level, options);
    await first.subscribe({ filter: topic("a"), qos: 1 });
    const second = await device.attempt(level, options);
    expect(second.connack.sessionPresent).toBe(level !== 3);
    await expectFarewell(first, 0x8e);
    await second.client.publish({ topic: topic("a"), qos: 1 });
    expect((await second.client.message()).topic).toBe(topic("a"));
    await second.client.disconnect();
    await forget(level, options.clientId);
  });

  check("sends what was queued before what comes now", async () => {
    const topic = device.scope();
    const options = lasting(level);
    const subscriber = await device.connect(level, options);
    await subscriber.subscribe({ filter: topic("+"), qos: 1 });
    await subscriber.disconnect();
    const publisher = await device.connect(level);
    const count = 50;
    for (let index = 0; index < count; index += 1)
      await publisher.publish({ topic: topic("n"), qos: 1, payload: `${index}` });
    const back = await device.connect(level, options);
    await publisher.publish({ topic: topic("n"), qos: 1, payload: `${count}` });
    const got = (await back.messages(count + 1)).map((message) => Number(message.payload.toString()));
    expect(got).toEqual(Array.from({ length: count + 1 }, (_, index) => index));
    publisher.drop();
    await back.disconnect();
    await forget(level, options.clientId);
  });

  check("takes packets that are sent before the CONNACK [MQTT-3.1.4-5]", async () => {
    const topic = device.scope();
    const client = await device.open(level);
    const fields = device.connectFields(level);
    client.send(connect(fields), publish(level, { topic: topic("early"), qos: 1, id: 5 }));
    const connack = await client.expect("connack");
    expectNotBusy(connack, level);
    expect(connack.code).toBe(0);
    expect((await client.expect("puback")).id).toBe(5);
    client.drop();
  });

  check("is done with a connection at DISCONNECT: what follows is not read [MQTT-3.14.4-2]", async () => {
    const topic = device.scope();
    const subscriber = await device.connect(level);
    await subscriber.subscribe({ filter: topic("late"), qos: 0 });
    const client = await device.connect(level);
    client.send(disconnect(), publish(level, { topic: topic("late") }));
    await client.ended();
    expect(await subscriber.fence()).toEqual([]);
    subscriber.drop();
  });
});

check("keeps 32 sessions of one device and their messages apart", async () => {
  const many = await newDevice();
  const topic = many.scope();
  const names = Array.from({ length: 32 }, (_, index) => uniqueName(`many${index}-`));
  for (const [index, clientId] of names.entries()) {
    const client = await many.connect(4, { clientId, clean: false });
    await client.subscribe({ filter: topic(`${index}`), qos: 1 });
    await client.disconnect();
  }
  const publisher = await many.connect(4, { clientId: names[0]!, clean: false });
  for (const index of names.keys())
    await publisher.publish({ topic: topic(`${index}`), qos: 1, payload: `for ${index}` });
  expect((await publisher.message()).payload.toString()).toBe("for 0");
  await publisher.disconnect();
  for (const [index, clientId] of names.entries()) {
    const { client, connack } = await many.attempt(4, { clientId, clean: false });
    expect(connack.sessionPresent).toBe(true);
    if (index > 0) expect((await client.message()).payload.toString()).toBe(`for ${index}`);
    expect(await client.fence()).toEqual([]);
    await client.disconnect();
  }
});

it.runIf(isSentinel)(
  "refuses a 33rd connection of a device with 0x97 while 32 are connected, and pushes out the longest away",
  async () => {
    const many = await newDevice();
    const connected = await Promise.all(Array.from({ length: 32 }, () => many.connect(5)));
    const { client, connack } = await many.attempt(5);
    expect(connack.code).toBe(0x97);
    await client.ended();
    await connected[0]!.disconnect();
    await (await many.connect(5)).disconnect();
    for (const each of connected.slice(1)) each.drop();
  },
);
