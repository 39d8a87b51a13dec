/** Messages from publisher to subscriber, in every version: QoS, order, filters, retained messages. */
import { describe, expect } from "vitest";
import { check } from "../support/check.ts";
import { ack, publish } from "../support/packets.ts";
import { type Device, newDevice } from "../support/target.ts";
import type { Level } from "../support/wire.ts";

const levels = [3, 4, 5] as const;
const device: Device = await newDevice();
const other: Device = await newDevice();

describe.each(levels)("level %i", (level: Level) => {
  check("delivers at the lower of the QoS published and the QoS granted [MQTT-3.8.4-6]", async () => {
    const topic = device.scope();
    const publisher = await device.connect(level);
    const subscriber = await device.connect(level);
    for (const granted of [0, 1, 2]) {
      expect(await subscriber.subscribe({ filter: topic(String(granted)), qos: granted })).toEqual([granted]);
      for (const qos of [0, 1, 2]) {
        await publisher.publish({ topic: topic(String(granted)), qos, payload: `${qos}` });
        const message = await subscriber.message();
        expect(message).toMatchObject({
          topic: topic(String(granted)),
          qos: Math.min(qos, granted),
          dup: false,
          retain: false,
        });
        expect(message.payload.toString()).toBe(`${qos}`);
      }
    }
    publisher.drop();
    subscriber.drop();
  });

  check("keeps the order of each QoS [MQTT-4.6.0-6]", async () => {
    const topic = device.scope();
    const publisher = await device.connect(level);
    const subscriber = await device.connect(level);
    await subscriber.subscribe({ filter: topic("+"), qos: 2 });
    const count = 60;
    for (let index = 0; index < count; index += 1) {
      const qos = index % 3;
      publisher.send(publish(level, { topic: topic(`q${qos}`), qos, id: index + 1, payload: String(index) }));
      if (qos === 2) publisher.send(ack("pubrel", index + 1));
    }
    const got = (await subscriber.messages(count)).map(
      (message) => [message.qos, Number(message.payload.toString())] as const,
    );
    for (const qos of [0, 1, 2]) {
      const numbers = got.filter(([of]) => of === qos).map(([, number]) => number);
      expect(numbers).toEqual(Array.from({ length: count / 3 }, (_, index) => index * 3 + qos));
    }
    publisher.drop();
    subscriber.drop();
  });

  check("matches + and # as section 4.7 says, and nothing beside", async () => {
    const topic = device.scope();
    const client = await device.connect(level);
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ["a/+", ["a/b", "a/c", "a/"]],
      ["a/#", ["a", "a/b", "a/c", "a/b/c", "a/", "a//c"]],
      ["+/b", ["a/b", "/b"]],
      ["a/+/c", ["a/b/c", "a//c"]],
      ["+/+", ["a/b", "a/c", "a/", "/b"]],
      ["a//c", ["a//c"]],
      ["A", ["A"]],
      ["+", ["a", "A"]],
      ["#", ["a", "A", "a/b", "a/c", "a/b/c", "a/", "a//c", "/b"]],
    ];
    const names = ["a", "A", "a/b", "a/c", "a/b/c", "a/", "a//c", "/b"];
    for (const [filter, expected] of cases) {
      await client.subscribe({ filter: topic(filter), qos: 0 });
      for (const name of names) client.send(publish(level, { topic: topic(name), payload: "" }));
      const got = (await client.fence()).map((answer) => (answer.type === "publish" ? answer.topic : answer.type));
      expect([filter, got.sort()]).toEqual([filter, expected.map(topic).sort()]);
      await client.unsubscribe(topic(filter));
    }
    client.drop();
  });

  check("delivers once or once each to overlapping filters, with the highest QoS [MQTT-3.3.5-1]", async () => {
    const topic = device.scope();
    const client = await device.connect(level);
    await client.subscribe([
      { filter: topic("a/#"), qos: 2 },
      { filter: topic("a/+"), qos: 1 },
    ]);
    await client.publish({ topic: topic("a/b"), qos: 2 });
    const first = await client.message();
    const more = (await client.fence()).filter((answer) => answer.type === "publish");
    expect([first, ...more].map((answer) => ("qos" in answer ? answer.qos : -1)).sort()).toEqual(
      more.length === 0 ? [2] : [1, 2],
    );
    client.drop();
  });

  check("replaces a subscription by the same filter and stops after UNSUBSCRIBE [MQTT-3.8.4-3]", async () => {
    const topic = device.scope();
    const client = await device.connect(level);
    await client.subscribe({ filter: topic("a"), qos: 2 });
    await client.subscribe({ filter: topic("a"), qos: 0 });
    await client.publish({ topic: topic("a"), qos: 1 });
    expect((await client.message()).qos).toBe(0);
    await client.unsubscribe(topic("a"));
    await client.publish({ topic: topic("a"), qos: 1 });
    expect(await client.fence()).toEqual([]);
    client.drop();
  });

  check("gives a new subscription the retained messages, with the flag [MQTT-3.3.1-6], [MQTT-3.3.1-8]", async () => {
    const topic = other.scope();
    const publisher = await other.connect(level);
    for (const qos of [0, 1, 2])
      await publisher.publish({ topic: topic(`r/${qos}`), qos, retain: true, payload: `old ${qos}` });
    for (const qos of [0, 1, 2])
      await publisher.publish({ topic: topic(`r/${qos}`), qos, retain: true, payload: `new ${qos}` });
    await publisher.fence();
    const subscriber = await other.connect(level);
    await subscriber.subscribe({ filter: topic("r/+"), qos: 2 });
    const got = await subscriber.messages(3);
    expect(
      got.map((message) => [message.topic, message.qos, message.retain, message.payload.toString()]).sort(),
    ).toEqual([0, 1, 2].map((qos) => [topic(`r/${qos}`), qos, true, `new ${qos}`]));
    // To those who subscribe already it is a message like any other [MQTT-3.3.1-9].
    await publisher.publish({ topic: topic("r/1"), qos: 1, retain: true, payload: "newest" });
    expect(await subscriber.message()).toMatchObject({ retain: false });
    for (const qos of [0, 1, 2]) await publisher.publish({ topic: topic(`r/${qos}`), qos, retain: true, payload: "" });
    expect((await subscriber.messages(3)).map((message) => message.payload.length)).toEqual([0, 0, 0]);
    await subscriber.subscribe({ filter: topic("r/#"), qos: 2 });
    expect(await subscriber.fence()).toEqual([]);
    publisher.drop();
    subscriber.drop();
  });

  check("does not retain what is not to be retained [MQTT-3.3.1-12]", async () => {
    const topic = device.scope();
    const client = await device.connect(level);
    await client.publish({ topic: topic("n"), qos: 1, retain: true, payload: "kept" });
    await client.publish({ topic: topic("n"), qos: 1, payload: "passing" });
    await client.subscribe({ filter: topic("n"), qos: 1 });
    expect((await client.message()).payload.toString()).toBe("kept");
    await client.publish({ topic: topic("n"), qos: 1, retain: true, payload: "" });
    client.drop();
  });

  check("sends the retained messages again to a repeated subscription [MQTT-3.8.4-3]", async () => {
    const topic = device.scope();
    const client = await device.connect(level);
    await client.publish({ topic: topic("n"), qos: 1, retain: true, payload: "kept" });
    for (let round = 0; round < 3; round += 1) {
      await client.subscribe({ filter: topic("n"), qos: 1 });
      expect(await client.message()).toMatchObject({ retain: true });
    }
    await client.publish({ topic: topic("n"), qos: 1, retain: true, payload: "" });
    client.drop();
  });

  check("carries a payload up to the largest packet", async () => {
    const topic = device.scope();
    const client = await device.connect(level);
    await client.subscribe({ filter: topic("big"), qos: 1 });
    const payload = Buffer.alloc(65_000, 0xa5);
    await client.publish({ topic: topic("big"), qos: 1, payload });
    expect((await client.message()).payload.equals(payload)).toBe(true);
    client.drop();
  });

  check("takes long topics and many levels", async () => {
    const topic = device.scope();
    const client = await device.connect(level);
    const long = topic("x".repeat(300));
    const deep = topic(Array.from({ length: 20 }, (_, index) => index).join("/"));
    await client.subscribe([{ filter: long }, { filter: `${topic("0")}/#` }]);
    client.send(publish(level, { topic: long }), publish(level, { topic: deep }));
    expect((await client.messages(2)).map((message) => message.topic)).toEqual([long, deep]);
    client.drop();
  });
});

check("passes messages between the versions", async () => {
  const topic = device.scope();
  const clients = await Promise.all(levels.map((level) => device.connect(level)));
  for (const client of clients) await client.subscribe({ filter: topic("t"), qos: 2 });
  for (const sender of clients) {
    await sender.publish({ topic: topic("t"), qos: 2, payload: `from ${sender.level}` });
    for (const receiver of clients) expect((await receiver.message()).payload.toString()).toBe(`from ${sender.level}`);
  }
  for (const client of clients) client.drop();
});
