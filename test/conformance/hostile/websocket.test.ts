/** MQTT over WebSocket (section 6): frames, subprotocols, and how packets lie in them. */
import { describe, expect, it } from "vitest";
import { expectNotBusy } from "../support/busy.ts";
import { check } from "../support/check.ts";
import { Client } from "../support/client.ts";
import { ack, connect, disconnect, pingreq, publish, subscribe } from "../support/packets.ts";
import { isSentinel, newDevice, target } from "../support/target.ts";
import { hex } from "../support/wire.ts";

const device = await newDevice();

describe.each([4, 5] as const)("level %i", (level) => {
  const conversation = (topic: string): Buffer =>
    Buffer.concat([
      connect(device.connectFields(level)),
      subscribe(level, 1, [{ filter: topic, qos: 2 }]),
      publish(level, { topic, qos: 1, id: 2, payload: "one" }),
      publish(level, { topic, qos: 2, id: 3, payload: "two" }),
      ack("pubrel", 3),
      pingreq(),
    ]);

  /** Every answer to the conversation is there, whatever the frames were. */
  async function expectAnswers(client: Client, topic: string): Promise<void> {
    const connack = await client.find("connack");
    expectNotBusy(connack, level);
    expect(connack.code).toBe(0);
    expect(await client.find("suback", 1)).toMatchObject({ codes: [2] });
    await client.find("puback", 2);
    await client.find("pubrec", 3);
    await client.find("pubcomp", 3);
    await client.find("pingresp");
    const got = await client.messages(2);
    expect(got.map((message) => [message.topic, message.payload.toString()])).toEqual([
      [topic, "one"],
      [topic, "two"],
    ]);
    client.drop();
  }

  check("takes many packets in one frame [MQTT-6.0.0-2]", async () => {
    const topic = device.scope()("a");
    const client = await device.open(level);
    client.send(conversation(topic));
    await expectAnswers(client, topic);
  });

  check("takes packets one byte a frame [MQTT-6.0.0-2]", async () => {
    const topic = device.scope()("a");
    const client = await device.open(level);
    for (const byte of conversation(topic)) client.send(Buffer.of(byte));
    await expectAnswers(client, topic);
  });

  check("takes packets cut at any byte over two frames [MQTT-6.0.0-2]", async () => {
    const length = conversation(device.scope()("a")).length;
    const cuts = Array.from({ length: 12 }, (_, index) => 1 + Math.floor((index * (length - 2)) / 11));
    for (const at of cuts) {
      const topic = device.scope()("a");
      const bytes = conversation(topic);
      const client = await device.open(level);
      client.send(bytes.subarray(0, at));
      client.send(bytes.subarray(at));
      await expectAnswers(client, topic);
    }
  });

  check("takes packets in pieces of many sizes", async () => {
    for (const size of [2, 3, 5, 7, 11, 64]) {
      const topic = device.scope()("a");
      const bytes = conversation(topic);
      const client = await device.open(level);
      for (let at = 0; at < bytes.length; at += size) client.send(bytes.subarray(at, at + size));
      await expectAnswers(client, topic);
    }
  });

  check("takes a fragmented WebSocket message (RFC 6455, section 5.4)", async () => {
    const topic = device.scope()("a");
    const bytes = conversation(topic);
    const client = await device.open(level);
    client.sendFragmented([bytes.subarray(0, 1), bytes.subarray(1, 20), Buffer.alloc(0), bytes.subarray(20)]);
    await expectAnswers(client, topic);
  });

  check("takes empty frames between packets", async () => {
    const topic = device.scope()("a");
    const client = await device.open(level);
    const bytes = conversation(topic);
    client.send(Buffer.alloc(0));
    client.send(bytes.subarray(0, 10));
    client.send(Buffer.alloc(0));
    client.send(bytes.subarray(10));
    await expectAnswers(client, topic);
  });

  check("closes at a text frame, before CONNECT and after [MQTT-6.0.0-1]", async () => {
    const first = await device.open(level);
    first.sendText("hello");
    await first.ended();
    const second = await device.connect(level);
    second.sendText("hello");
    await second.ended();
    const third = await device.connect(level);
    third.sendText(pingreq().toString("latin1"));
    expect((await third.ended()).unread.filter((answer) => answer.type === "pingresp")).toEqual([]);
  });

  check("answers WebSocket pings", async () => {
    const client = await device.connect(level);
    await client.pingSocket();
    expect(await client.fence()).toEqual([]);
    client.drop();
  });

  check("closes the WebSocket after DISCONNECT", async () => {
    const client = await device.connect(level);
    client.send(disconnect());
    expect((await client.ended()).unread).toEqual([]);
  });

  check("a packet that is never finished is not a packet", async () => {
    const topic = device.scope()("a");
    const watching = await device.connect(level);
    await watching.subscribe({ filter: topic });
    const client = await device.connect(level);
    const bytes = publish(level, { topic });
    client.send(bytes.subarray(0, bytes.length - 1));
    client.drop();
    expect(await watching.fence()).toEqual([]);
    watching.drop();
  });
});

check("picks mqtt out of a list of subprotocols [MQTT-6.0.0-3], [MQTT-6.0.0-4]", async () => {
  for (const protocols of [["mqtt"], ["foo", "mqtt"], ["mqttv3.1", "mqtt", "bar"]]) {
    const client = await Client.open(device.url, 4, "", { protocols });
    expect(client.protocol).toBe("mqtt");
    client.send(connect(device.connectFields(4)));
    const connack = await client.expect("connack");
    expectNotBusy(connack, 4);
    expect(connack.code).toBe(0);
    client.drop();
  }
});

it.runIf(isSentinel)("refuses who offers no subprotocol, or others [MQTT-6.0.0-3]", async () => {
  for (const protocols of [[], ["foo"], ["MQTT"], ["mqttx"], ["mqtt5", "xmqtt"]])
    await expect(Client.open(device.url, 4, "", { protocols })).rejects.toThrow(/answered 4\d\d/);
});

it.runIf(isSentinel)("refuses a path of no organisation, of another's form, and a plain request", async () => {
  const base = target.kind === "sentinel" ? target.base : "";
  const socketBase = base.replace(/^http/, "ws");
  for (const path of [
    "/mqtt",
    "/mqtt/",
    "/mqtt/org_01jzzzzzzzzzzzzzzzzzzzzzzz",
    "/mqtt/demo/x",
    "/mqtt/..",
    "/mqtt/%00",
  ])
    await expect(Client.open(`${socketBase}${path}`, 4, "")).rejects.toThrow();
  const plain = await fetch(device.url.replace(/^ws/, "http"));
  expect(plain.status).toBeGreaterThanOrEqual(400);
  await plain.arrayBuffer();
});

it.runIf(isSentinel)("closes a WebSocket on which no CONNECT comes", async () => {
  const silent = await device.open(4);
  const half = await device.open(5);
  half.send(hex("1026"));
  // The measure of ten seconds: a client that falls silent is gone after one and a half times its keep-alive.
  const fifteenSeconds = await device.connect(4, { keepAlive: 10 });
  await fifteenSeconds.ended();
  // The local runtime ends the TCP connection of a socket that never sent anything only when the object sleeps.
  expect([silent.isClosing, half.isClosing]).toEqual([true, true]);
});
