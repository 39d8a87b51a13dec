/** What travels with a message, what counts down, topic aliases of the server's, and reason codes (5.0, section 3.3.2.3). */
import { expect } from "vitest";
import { type AnswerOf, propertiesOf, propertyOf } from "../support/answers.ts";
import { check, expectFarewell, seconds } from "../support/check.ts";
import { ack, publish } from "../support/packets.ts";
import { newDevice, uniqueName } from "../support/target.ts";

const device = await newDevice();

check(
  "user properties, content type, format, response topic and correlation data pass through, in order [MQTT-3.3.2-17]",
  async () => {
    const topic = device.scope();
    const client = await device.connect(5);
    await client.subscribe({ filter: topic("a"), qos: 2 });
    const binary = Buffer.from("00ff80", "hex");
    for (const qos of [0, 1, 2]) {
      await client.publish({
        topic: topic("a"),
        qos,
        properties: [
          ["userProperty", ["b", "2"]],
          ["payloadFormatIndicator", 1],
          ["userProperty", ["a", "1"]],
          ["contentType", "text/plain"],
          ["responseTopic", topic("answers")],
          ["correlationData", binary],
          ["userProperty", ["b", ""]],
        ],
      });
      const message = await client.message();
      expect(propertiesOf(message, "userProperty")).toEqual([
        ["b", "2"],
        ["a", "1"],
        ["b", ""],
      ]);
      const rest = ["payloadFormatIndicator", "contentType", "responseTopic", "correlationData"] as const;
      expect(rest.map((name) => propertyOf(message, name))).toEqual([1, "text/plain", topic("answers"), binary]);
      expect(message.properties).toHaveLength(7);
    }
    client.drop();
  },
);

check("properties stay with a retained and with a queued message", async () => {
  const topic = device.scope();
  const clientId = uniqueName("p");
  const away = await device.connect(5, { clientId, properties: [["sessionExpiryInterval", 60]] });
  await away.subscribe({ filter: topic("a"), qos: 1 });
  await away.disconnect();
  const client = await device.connect(5);
  const properties = [
    ["userProperty", ["a", "2"]],
    ["userProperty", ["c", "3"]],
    ["contentType", "x"],
  ] as const;
  await client.publish({ topic: topic("a"), qos: 1, retain: true, properties });
  await client.subscribe({ filter: topic("a"), qos: 1 });
  const back = await device.connect(5, { clientId, clean: false });
  for (const message of [await client.message(), await back.message()]) {
    expect(propertiesOf(message, "userProperty")).toEqual([
      ["a", "2"],
      ["c", "3"],
    ]);
    expect(propertyOf(message, "contentType")).toBe("x");
  }
  await client.publish({ topic: topic("a"), qos: 1, retain: true, payload: "" });
  client.drop();
  await back.disconnect();
});

check("a 3.1.1 subscriber gets the message without its properties", async () => {
  const topic = device.scope();
  const old = await device.connect(4);
  await old.subscribe({ filter: topic("a"), qos: 1 });
  const client = await device.connect(5);
  await client.publish({ topic: topic("a"), qos: 1, payload: "plain", properties: [["userProperty", ["a", "b"]]] });
  expect((await old.message()).payload.toString()).toBe("plain");
  old.drop();
  client.drop();
});

check(
  "a message expires in the queue, and what is left of its time is told [MQTT-3.3.2-5], [MQTT-3.3.2-6]",
  async () => {
    const topic = device.scope();
    const clientId = uniqueName("e");
    const subscriber = await device.connect(5, { clientId, properties: [["sessionExpiryInterval", 60]] });
    await subscriber.subscribe({ filter: topic("a"), qos: 2 });
    await subscriber.disconnect();
    const publisher = await device.connect(5);
    for (const qos of [1, 2])
      for (const interval of [1, 30])
        await publisher.publish({
          topic: topic("a"),
          qos,
          payload: `${interval}`,
          properties: [["messageExpiryInterval", interval]],
        });
    await publisher.publish({ topic: topic("a"), qos: 1, payload: "for ever" });
    await seconds(3);
    const back = await device.connect(5, { clientId, clean: false });
    const messages = await back.messages(3);
    expect(messages.map((message) => message.payload.toString())).toEqual(["30", "30", "for ever"]);
    const left = messages.map((message) => propertyOf(message, "messageExpiryInterval"));
    for (const interval of left.slice(0, 2)) {
      expect(interval).toBeLessThanOrEqual(28);
      expect(interval).toBeGreaterThan(0);
    }
    expect(left[2]).toBeUndefined();
    expect(await back.fence()).toEqual([]);
    publisher.drop();
    await back.disconnect(0, [["sessionExpiryInterval", 0]]);
  },
);

check("a retained message expires too, and counts down for who comes late", async () => {
  const topic = device.scope();
  const client = await device.connect(5);
  await client.publish({ topic: topic("short"), qos: 1, retain: true, properties: [["messageExpiryInterval", 1]] });
  await client.publish({ topic: topic("long"), qos: 1, retain: true, properties: [["messageExpiryInterval", 30]] });
  await seconds(3);
  await client.subscribe({ filter: topic("+"), qos: 1 });
  const message = await client.message();
  expect(message.topic).toBe(topic("long"));
  expect(propertyOf(message, "messageExpiryInterval")).toBeLessThanOrEqual(28);
  expect(await client.fence()).toEqual([]);
  await client.publish({ topic: topic("long"), qos: 1, retain: true, payload: "" });
  client.drop();
});

check("a message that is delivered at once has its whole time", async () => {
  const topic = device.scope();
  const client = await device.connect(5);
  await client.subscribe({ filter: topic("a"), qos: 0 });
  await client.publish({ topic: topic("a"), properties: [["messageExpiryInterval", 1000]] });
  const interval = Number(propertyOf(await client.message(), "messageExpiryInterval"));
  expect(interval).toBeLessThanOrEqual(1000);
  expect(interval).toBeGreaterThan(980);
  client.drop();
});

check("a client's topic alias is its own, and is not passed on [MQTT-3.3.2-10]", async () => {
  const topic = device.scope();
  const one = await device.connect(5);
  const two = await device.connect(5);
  await one.subscribe({ filter: topic("+"), qos: 1 });
  one.send(publish(5, { topic: topic("a"), properties: [["topicAlias", 1]] }));
  two.send(publish(5, { topic: topic("b"), properties: [["topicAlias", 1]] }));
  const first = await one.messages(2);
  expect(first.map((message) => message.topic).sort()).toEqual([topic("a"), topic("b")]);
  expect(first.flatMap((message) => propertiesOf(message, "topicAlias"))).toEqual([]);
  one.send(publish(5, { topic: "", properties: [["topicAlias", 1]] }));
  expect((await one.message()).topic).toBe(topic("a"));
  two.send(publish(5, { topic: "", properties: [["topicAlias", 1]] }));
  expect((await one.message()).topic).toBe(topic("b"));
  one.drop();
  two.drop();
});

check("a topic alias ends with its connection [MQTT-3.3.2-7]", async () => {
  const topic = device.scope();
  const clientId = uniqueName("a");
  const options = { clientId, clean: false, properties: [["sessionExpiryInterval", 60]] } as const;
  const first = await device.connect(5, options);
  await first.publish({ topic: topic("a"), qos: 1, properties: [["topicAlias", 1]] });
  await first.disconnect();
  const second = await device.connect(5, options);
  second.send(publish(5, { topic: "", qos: 1, id: 1, properties: [["topicAlias", 1]] }));
  await expectFarewell(second, 0x94, 0x82);
  await (await device.connect(5, { clientId })).disconnect();
});

check(
  "the server's topic aliases stay within what the client allows, and say the topic first [MQTT-3.1.2-26], [MQTT-3.1.2-27]",
  async () => {
    const topic = device.scope();
    const client = await device.connect(5, { properties: [["topicAliasMaximum", 2]] });
    const none = await device.connect(5);
    for (const each of [client, none]) await each.subscribe({ filter: topic("+"), qos: 1 });
    const publisher = await device.connect(5);
    const names = ["a", "b", "c", "a", "b", "c", "a", "a"];
    for (const [index, name] of names.entries())
      await publisher.publish({ topic: topic(name), qos: 1, payload: `${index}` });
    const known = new Map<number, string>();
    for (const [index, name] of names.entries()) {
      const message: AnswerOf<"publish"> = await client.message();
      const alias = propertyOf(message, "topicAlias");
      if (typeof alias === "number") {
        expect(alias).toBeGreaterThanOrEqual(1);
        expect(alias).toBeLessThanOrEqual(2);
        if (message.topic !== "") known.set(alias, message.topic);
      }
      const resolved = message.topic === "" ? known.get(Number(alias)) : message.topic;
      expect([resolved, message.payload.toString()]).toEqual([topic(name), `${index}`]);
    }
    for (const message of await none.messages(names.length)) {
      expect(propertyOf(message, "topicAlias")).toBeUndefined();
      expect(message.topic).not.toBe("");
    }
    for (const each of [client, none, publisher]) each.drop();
  },
);

check("an alias of the server's is not relied on after a reconnection", async () => {
  const topic = device.scope();
  const clientId = uniqueName("a");
  const options = {
    clientId,
    clean: false,
    properties: [
      ["sessionExpiryInterval", 60],
      ["topicAliasMaximum", 5],
    ],
  } as const;
  const first = await device.connect(5, options);
  await first.subscribe({ filter: topic("a"), qos: 1 });
  const publisher = await device.connect(5);
  for (const payload of ["1", "2", "3"]) await publisher.publish({ topic: topic("a"), qos: 1, payload });
  await first.fence();
  first.drop();
  const second = await device.connect(5, options);
  expect((await second.message()).topic).toBe(topic("a"));
  publisher.drop();
  await second.disconnect(0, [["sessionExpiryInterval", 0]]);
});

check("PUBACK and PUBREC say that nobody subscribes, or nothing [MQTT-3.4.2.1]", async () => {
  const topic = device.scope();
  const client = await device.connect(5);
  expect(await client.publish({ topic: topic("nobody"), qos: 1 })).toBe(0x10);
  await client.subscribe({ filter: topic("somebody"), qos: 0 });
  expect(await client.publish({ topic: topic("somebody"), qos: 1 })).toBe(0);
  client.send(publish(5, { topic: topic("somebody"), qos: 2, id: 900 }));
  expect((await client.find("pubrec", 900)).code).toBe(0);
  client.send(ack("pubrel", 900));
  expect((await client.find("pubcomp", 900)).code).toBe(0);
  client.drop();
});

check("a PUBREL of nothing is answered with 0x92, or as if it were something [MQTT-3.6.2.1]", async () => {
  const client = await device.connect(5);
  client.send(ack("pubrel", 77));
  expect([0, 0x92]).toContain((await client.expect("pubcomp")).code);
  client.drop();
});
