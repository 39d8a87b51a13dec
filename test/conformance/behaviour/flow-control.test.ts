/** Receive Maximum and Maximum Packet Size, both ways (5.0, sections 3.1.2.11.3, 3.1.2.11.4, 4.9). */
import { expect } from "vitest";
import { propertyOf } from "../support/answers.ts";
import { check, expectFarewell } from "../support/check.ts";
import { ack, publish } from "../support/packets.ts";
import { newDevice, uniqueName } from "../support/target.ts";

const device = await newDevice();
const receiveMaximum = 256;
const packetSizeMax = 65_536;

check("the server says how much it takes at once [MQTT-3.2.2.3]", async () => {
  const { client, connack } = await device.attempt(5);
  expect(propertyOf(connack, "receiveMaximum")).toBe(receiveMaximum);
  expect(propertyOf(connack, "maximumPacketSize")).toBe(packetSizeMax);
  client.drop();
});

check("no more than the client's Receive Maximum is under way to it, at QoS 1 [MQTT-3.3.4-9]", async () => {
  const topic = device.scope();
  const client = await device.connect(5, { properties: [["receiveMaximum", 3]] });
  const publisher = await device.connect(5);
  await client.subscribe({ filter: topic("a"), qos: 1 });
  for (let index = 0; index < 8; index += 1)
    await publisher.publish({ topic: topic("a"), qos: 1, payload: `${index}` });
  const first = await client.fence();
  expect(first.map((answer) => answer.type)).toEqual(["publish", "publish", "publish"]);
  const payloads: string[] = [];
  let unanswered = first;
  while (unanswered.length > 0) {
    for (const message of unanswered) {
      if (message.type !== "publish") throw new Error(message.type);
      payloads.push(message.payload.toString());
      client.send(ack("puback", message.id));
    }
    unanswered = await client.fence();
    expect(unanswered.length).toBeLessThanOrEqual(3);
  }
  expect(payloads).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
  client.drop();
  publisher.drop();
});

check("a QoS 2 message is under way until PUBCOMP, and QoS 0 does not wait [MQTT-3.3.4-9]", async () => {
  const topic = device.scope();
  const client = await device.connect(5, { properties: [["receiveMaximum", 1]] });
  const publisher = await device.connect(5);
  await client.subscribe({ filter: topic("+"), qos: 2 });
  await publisher.publish({ topic: topic("a"), qos: 2, payload: "1" });
  await publisher.publish({ topic: topic("a"), qos: 2, payload: "2" });
  await publisher.publish({ topic: topic("b"), qos: 0, payload: "0" });
  const first = await client.expect("publish");
  expect(await client.expect("publish")).toMatchObject({ qos: 0 });
  client.send(ack("pubrec", first.id));
  await client.expect("pubrel");
  expect(await client.fence()).toEqual([]);
  client.send(ack("pubcomp", first.id));
  expect((await client.message()).payload.toString()).toBe("2");
  client.drop();
  publisher.drop();
});

check("a PUBREC with an error ends the exchange, and nothing more comes of it [MQTT-4.3.3-4]", async () => {
  const topic = device.scope();
  const client = await device.connect(5, { properties: [["receiveMaximum", 1]] });
  const publisher = await device.connect(5);
  await client.subscribe({ filter: topic("a"), qos: 2 });
  for (const payload of ["refused", "taken"]) await publisher.publish({ topic: topic("a"), qos: 2, payload });
  const first = await client.expect("publish");
  client.send(ack("pubrec", first.id, 0x80));
  const second = await client.message();
  expect(second.payload.toString()).toBe("taken");
  expect(await client.fence()).toEqual([]);
  client.drop();
  publisher.drop();
});

check("a PUBACK with an error counts as an answer", async () => {
  const topic = device.scope();
  const clientId = uniqueName("f");
  const options = { clientId, clean: false, properties: [["sessionExpiryInterval", 60]] } as const;
  const client = await device.connect(5, options);
  await client.subscribe({ filter: topic("a"), qos: 1 });
  await client.publish({ topic: topic("a"), qos: 1 });
  const message = await client.find("publish");
  client.send(ack("puback", message.id, 0x87));
  await client.fence();
  await client.disconnect();
  const back = await device.connect(5, options);
  expect(await back.fence()).toEqual([]);
  await back.disconnect(0, [["sessionExpiryInterval", 0]]);
});

check("a QoS 2 message over the server's Receive Maximum is refused with 0x93 [MQTT-3.3.4-7]", async () => {
  const topic = device.scope();
  const client = await device.connect(5);
  const bytes = Array.from({ length: receiveMaximum }, (_, index) =>
    publish(5, { topic: topic("a"), qos: 2, id: index + 1 }),
  );
  client.send(...bytes);
  for (let index = 0; index < receiveMaximum; index += 1) await client.expect("pubrec");
  client.send(publish(5, { topic: topic("a"), qos: 2, id: 60_000 }));
  await expectFarewell(client, 0x93);
});

check("as many as the Receive Maximum may be under way, again and again", async () => {
  const topic = device.scope();
  const client = await device.connect(5);
  for (let round = 0; round < 3; round += 1) {
    const ids = Array.from({ length: 200 }, (_, index) => index + 1);
    client.send(...ids.map((id) => publish(5, { topic: topic("a"), qos: 2, id })));
    for (const id of ids) expect((await client.expect("pubrec")).id).toBe(id);
    client.send(...ids.map((id) => ack("pubrel", id)));
    for (const id of ids) expect((await client.expect("pubcomp")).id).toBe(id);
  }
  client.drop();
});

check("a packet over the server's Maximum Packet Size is refused with 0x95 [MQTT-3.2.2-15]", async () => {
  const topic = device.scope();
  const client = await device.connect(5);
  const around = publish(5, { topic: topic("a"), payload: "" }).length + 2;
  client.send(publish(5, { topic: topic("a"), payload: Buffer.alloc(packetSizeMax - around) }));
  expect(await client.fence()).toEqual([]);
  client.send(publish(5, { topic: topic("a"), payload: Buffer.alloc(packetSizeMax - around + 1) }));
  await expectFarewell(client, 0x95);
});

check(
  "a message over the client's Maximum Packet Size is dropped as if delivered [MQTT-3.1.2-24], [MQTT-3.1.2-25]",
  async () => {
    const topic = device.scope();
    const publisher = await device.connect(5);
    for (const qos of [0, 1, 2]) {
      const client = await device.connect(5, { properties: [["maximumPacketSize", topic("a").length + 40]] });
      await client.subscribe({ filter: topic("a"), qos });
      await publisher.publish({ topic: topic("a"), qos, payload: "x".repeat(60) });
      await publisher.publish({ topic: topic("a"), qos, payload: "small" });
      expect((await client.message()).payload.toString()).toBe("small");
      expect(await client.fence()).toEqual([]);
      client.drop();
    }
    publisher.drop();
  },
);

check("a dropped message makes room for others in the Receive Maximum", async () => {
  const topic = device.scope();
  const publisher = await device.connect(5);
  const client = await device.connect(5, {
    properties: [
      ["maximumPacketSize", topic("a").length + 40],
      ["receiveMaximum", 1],
    ],
  });
  await client.subscribe({ filter: topic("a"), qos: 2 });
  for (let index = 0; index < 5; index += 1)
    await publisher.publish({ topic: topic("a"), qos: 2, payload: "x".repeat(60) });
  await publisher.publish({ topic: topic("a"), qos: 2, payload: "small" });
  expect((await client.message()).payload.toString()).toBe("small");
  client.drop();
  publisher.drop();
});

check("a queued message too large for the connection that comes back is dropped, the next comes", async () => {
  const topic = device.scope();
  const clientId = uniqueName("f");
  const expiry = ["sessionExpiryInterval", 60] as const;
  const first = await device.connect(5, { clientId, properties: [expiry] });
  await first.subscribe({ filter: topic("a"), qos: 1 });
  await first.disconnect();
  const publisher = await device.connect(5);
  await publisher.publish({ topic: topic("a"), qos: 1, payload: "x".repeat(60) });
  await publisher.publish({ topic: topic("a"), qos: 1, payload: "small" });
  const back = await device.connect(5, {
    clientId,
    clean: false,
    properties: [["maximumPacketSize", topic("a").length + 40]],
  });
  expect((await back.message()).payload.toString()).toBe("small");
  await back.disconnect();
  publisher.drop();
});
