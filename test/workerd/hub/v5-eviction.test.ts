import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import type { PublishPacket } from "../../../core/mqtt/packets.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { aliasCharactersMax, clientIdCharactersMax } from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { resetIngest } from "./fake-ingest.ts";
import {
  ack,
  attachmentSizes,
  Client,
  countRows,
  enrol,
  evict,
  goodbye,
  newOrg,
  nextAlarm,
  passTime,
  publishPacket,
  type Received,
  ringAlarm,
  stopClock,
  type TestDevice,
  textOf,
} from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

async function scene(): Promise<{ org: OrgId; device: TestDevice; x: string }> {
  const org = newOrg();
  const device = await enrol(org);
  return { org, device, x: device.topic("x") };
}

function published(received: Received): PublishPacket & { readonly packetId: number } {
  if (received.type !== "publish" || received.packetId === null)
    throw new Error(`no message above QoS 0: ${JSON.stringify(received)}`);
  return { ...received, packetId: received.packetId };
}

describe("an eviction between every two packets of 5.0", () => {
  it("leaves CONNECT, SUBSCRIBE, UNSUBSCRIBE and DISCONNECT as they are", async () => {
    const { org, device, x } = await scene();
    const client = await Client.open(org, {}, 5);
    await evict(org);
    const properties = { sessionExpiryInterval: 100 };
    const connack = await client.connect({ clientId: "a", username: device.id, password: device.token, properties });
    expect(connack).toMatchObject({ type: "connack", reasonCode: 0, sessionPresent: false });
    await evict(org);
    expect(
      await client.subscribe([x, device.topic("y")], 2, { noLocal: true }, { subscriptionIdentifiers: [7] }),
    ).toEqual([2, 2]);
    await evict(org);
    const unsubscribe = {
      type: "unsubscribe",
      packetId: 9,
      filters: [device.topic("y"), device.topic("z")],
      properties: null,
    } as const;
    expect(await client.ask(unsubscribe)).toMatchObject({ type: "unsuback", codes: [0x00, 0x11] });
    await evict(org);
    client.send(goodbye);
    expect(await client.next()).toMatchObject({ type: "closed", code: 1000 });
    await evict(org);
    const again = await Client.open(org, {}, 5);
    expect(
      await again.connect({ clientId: "a", username: device.id, password: device.token, properties }),
    ).toMatchObject({ sessionPresent: true });
    await evict(org);
    // The options were kept, too: its own message does not come back, another's does with its identifier.
    expect(await again.publish(x, "own")).toMatchObject({ type: "puback" });
    await evict(org);
    const other = await Client.modern(device, "b");
    await evict(org);
    await other.publish(x, "foreign");
    expect(await again.next()).toMatchObject({ type: "publish", properties: { subscriptionIdentifiers: [7] } });
  });

  it.each([1, 2] as const)("carries a message of QoS %i through whole, with its properties, each way", async (qos) => {
    const { org, device, x } = await scene();
    const reader = await Client.modern(device, "reader");
    await reader.subscribe([x], 2, { retainAsPublished: true }, { subscriptionIdentifiers: [3] });
    const writer = await Client.modern(device, "writer");
    const properties = {
      contentType: "a/b",
      correlationData: new Uint8Array([0, 255]),
      userProperties: [
        ["k", "v"],
        ["k", "w"],
      ],
    } as const;
    await evict(org);
    const packet = publishPacket(x, "hello", { qos, packetId: 4, retain: true, properties });
    expect(await writer.ask(packet)).toEqual(ack(qos === 2 ? "pubrec" : "puback", 4));
    await evict(org);
    if (qos === 2) expect(await writer.ask(ack("pubrel", 4))).toEqual(ack("pubcomp", 4));
    await evict(org);
    const first = published(await reader.next());
    expect(first).toMatchObject({
      qos,
      retain: true,
      dup: false,
      properties: { ...properties, subscriptionIdentifiers: [3] },
    });
    await evict(org);
    const { id: username, token: password } = device;
    const again = await Client.open(org, {}, 5);
    await again.connect({ clientId: "reader", username, password, properties: { sessionExpiryInterval: 100 } });
    expect(await again.next()).toEqual({ ...first, dup: true });
    await evict(org);
    if (qos === 1) again.send(ack("puback", first.packetId));
    else expect(await again.ask(ack("pubrec", first.packetId))).toEqual(ack("pubrel", first.packetId));
    await evict(org);
    if (qos === 2) again.send(ack("pubcomp", first.packetId));
    expect(await again.isQuiet()).toBe(true);
    for (const table of ["messages", "releases", "received"])
      expect([table, await countRows(org, table)]).toEqual([table, 0]);
  });

  it("keeps what is retained, with its properties and its time", async () => {
    const { org, device, x } = await scene();
    const writer = await Client.modern(device, "writer");
    const properties = { messageExpiryInterval: 60, userProperties: [["k", "v"]] } as const;
    await writer.ask(publishPacket(x, "v1", { retain: true, properties }));
    await evict(org);
    passTime(20_000);
    const reader = await Client.modern(device, "reader");
    await evict(org);
    await reader.subscribe([x], 1);
    const greeting = published(await reader.next());
    expect(greeting).toMatchObject({ retain: true, properties: { ...properties, messageExpiryInterval: 40 } });
    await evict(org);
    reader.send(ack("puback", greeting.packetId));
    passTime(40_000);
    await evict(org);
    await reader.subscribe([x], 1);
    expect(await reader.isQuiet()).toBe(true);
  });

  it("keeps topic aliases in both directions, which live as long as their connection", async () => {
    const { org, device } = await scene();
    const [x, y] = [device.topic("ключ"), device.topic("y")];
    const client = await Client.modern(device, "both", { properties: { topicAliasMaximum: 2 } });
    await client.subscribe([x, y, device.topic("z")], 0);
    const publish = async (topic: string, topicAlias: number | undefined, expected: object) => {
      await evict(org);
      client.send(publishPacket(topic, "x", { qos: 0, properties: topicAlias === undefined ? null : { topicAlias } }));
      expect(await client.next()).toMatchObject(expected);
    };
    await publish(x, 1, { topic: x, properties: { topicAlias: 1 } });
    await publish("", 1, { topic: "", properties: { topicAlias: 1 } });
    await publish(y, 10, { topic: y, properties: { topicAlias: 2 } });
    await publish("", 10, { topic: "", properties: { topicAlias: 2 } });
    await publish(y, 1, { topic: "", properties: { topicAlias: 2 } });
    await publish("", 1, { topic: "", properties: { topicAlias: 2 } });
    await publish(device.topic("z"), undefined, { topic: device.topic("z"), properties: null });
    await evict(org);
    client.send(publishPacket("", "x", { qos: 0, properties: { topicAlias: 2 } }));
    expect(await client.next()).toMatchObject({ type: "disconnect", reasonCode: reasonCodes.protocol_error });
  });

  it("keeps the client's Receive Maximum: its window neither grows nor closes", async () => {
    const { org, device, x } = await scene();
    const reader = await Client.modern(device, "reader", { properties: { receiveMaximum: 2 } });
    await reader.subscribe([x], 2);
    const writer = await Client.modern(device, "writer");
    for (let n = 0; n < 6; n += 1) {
      await writer.publish(x, `${n}`, n % 2 === 0 ? 1 : 2);
      await evict(org);
    }
    const open = [published(await reader.next()), published(await reader.next())];
    const seen = open.map(textOf);
    while (open.length > 0) {
      expect(await reader.isQuiet()).toBe(true);
      const [{ qos, packetId }] = open.splice(0, 1) as [(typeof open)[number]];
      await evict(org);
      if (qos === 1) reader.send(ack("puback", packetId));
      else {
        expect(await reader.ask(ack("pubrec", packetId))).toEqual(ack("pubrel", packetId));
        await evict(org);
        reader.send(ack("pubcomp", packetId));
      }
      if (seen.length === 6) continue;
      const next = published(await reader.next());
      seen.push(textOf(next));
      open.push(next);
    }
    expect(seen).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(await reader.isQuiet()).toBe(true);
  });

  it("forgets none of what a narrower window could not be sent again at once [MQTT-4.4.0-1]", async () => {
    const { org, device, x } = await scene();
    const wide = await Client.modern(device, "reader");
    await wide.subscribe([x], 1);
    const writer = await Client.modern(device, "writer");
    for (let n = 0; n < 5; n += 1) await writer.publish(x, `${n}`);
    for (let n = 0; n < 5; n += 1) expect(await wide.message(false)).toMatchObject({ text: `${n}`, dup: false });
    const narrow = await Client.modern(device, "reader", { properties: { receiveMaximum: 2 } });
    const open: { readonly packetId: number }[] = [];
    const seen: string[] = [];
    /** Everything that was sent before the answer to a PINGREQ. */
    const takeAll = async () => {
      narrow.send({ type: "pingreq" });
      for (let received = await narrow.next(); received.type !== "pingresp"; received = await narrow.next()) {
        const message = published(received);
        expect(message.dup).toBe(true);
        seen.push(textOf(message));
        open.push(message);
      }
    };
    for (let turn = 0; turn < 5; turn += 1) {
      await takeAll();
      expect(open.length).toBeLessThanOrEqual(2);
      await evict(org);
      for (const { packetId } of open.splice(0, 1)) narrow.send(ack("puback", packetId));
    }
    expect(seen).toEqual(["0", "1", "2", "3", "4"]);
  });
});

describe("time passes while nobody is in memory", () => {
  const willOf = (topic: string, willDelayInterval: number) => {
    const payload = new TextEncoder().encode("lost");
    return { topic, payload, qos: 1, retain: false, properties: { willDelayInterval, contentType: "a/b" } } as const;
  };

  it("for a will with a delay: the alarm is set for it, and rings neither early nor for nothing", async () => {
    const { org, device, x } = await scene();
    const watcher = await Client.modern(device, "watcher");
    await watcher.subscribe([x], 1);
    const mortal = await Client.modern(device, "mortal", { will: willOf(x, 10) });
    await evict(org);
    mortal.drop();
    expect(await watcher.isQuiet()).toBe(true);
    expect(await nextAlarm(org)).toBeLessThanOrEqual(Date.now() + 10_000);
    await evict(org);
    passTime(9_999);
    await ringAlarm(org);
    expect(await watcher.isQuiet()).toBe(true);
    expect(await nextAlarm(org)).toBe(Date.now() + 1);
    await evict(org);
    passTime(1);
    await ringAlarm(org);
    expect(await watcher.next()).toMatchObject({ type: "publish", topic: x, properties: { contentType: "a/b" } });
    expect(await watcher.isQuiet()).toBe(true);
  });

  it("for a will whose owner comes back in time, over two evictions: it is not published", async () => {
    const { org, device, x } = await scene();
    const watcher = await Client.modern(device, "watcher");
    await watcher.subscribe([x], 1);
    const mortal = await Client.modern(device, "mortal", { will: willOf(x, 10) });
    mortal.drop();
    expect(await watcher.isQuiet()).toBe(true);
    await evict(org);
    passTime(9_999);
    await Client.modern(device, "mortal");
    await evict(org);
    passTime(60_000);
    await ringAlarm(org);
    expect(await watcher.isQuiet()).toBe(true);
  });

  it("for a session that expires: it is gone at its time with all it had, and not before", async () => {
    const { org, device, x } = await scene();
    const writer = await Client.modern(device, "writer");
    const brief = await Client.modern(device, "brief", { properties: { sessionExpiryInterval: 30 } });
    await brief.subscribe([x], 1);
    brief.drop();
    expect(await writer.isQuiet()).toBe(true);
    await writer.publish(x, "waits");
    expect(await countRows(org, "messages")).toBe(1);
    await evict(org);
    passTime(29_999);
    await ringAlarm(org);
    expect(await countRows(org, "sessions")).toBe(2);
    expect(await nextAlarm(org)).toBe(Date.now() + 1);
    await evict(org);
    passTime(1);
    await ringAlarm(org);
    for (const [table, rows] of [
      ["sessions", 1],
      ["subscriptions", 0],
      ["messages", 0],
    ] as const)
      expect([table, await countRows(org, table)]).toEqual([table, rows]);
  });

  it("for the keep-alive that the server chose", async () => {
    const { org, device } = await scene();
    const client = await Client.modern(device, "quiet", { keepAliveSeconds: 0 });
    await evict(org);
    passTime(89_999);
    await ringAlarm(org);
    expect(await client.isQuiet()).toBe(true);
    passTime(89_999);
    await ringAlarm(org);
    passTime(1);
    await ringAlarm(org);
    expect(await client.next()).toMatchObject({ type: "disconnect", reasonCode: reasonCodes.keep_alive_timeout });
    expect(await client.next()).toMatchObject({ type: "closed", code: 1008 });
  });
});

describe("a socket's attachment", () => {
  it("holds the longest client id and every alias there can be, in two-byte characters, and survives", async () => {
    const { org, device } = await scene();
    const clientId = "ж".repeat(clientIdCharactersMax);
    const client = await Client.modern(device, clientId, {
      properties: { topicAliasMaximum: 65_535, maximumPacketSize: 65_536 },
    });
    const base = device.topic("");
    // Ten of ours to it, four of its to us: as long as each may be.
    const inbound = Array.from({ length: 10 }, (_, n) =>
      `${base}${n}`.padEnd(Math.floor(aliasCharactersMax / 10), "я"),
    );
    const outbound = Array.from({ length: 4 }, (_, n) => `${base}out${n}`.padEnd(512, "я"));
    await client.subscribe(outbound, 0);
    for (const [index, topic] of inbound.entries())
      expect(await client.ask(publishPacket(topic, "x", { properties: { topicAlias: index + 1 } }))).toMatchObject({
        type: "puback",
      });
    for (const [index, topic] of outbound.entries())
      expect(await client.ask(publishPacket(topic, "x", { qos: 0 }))).toMatchObject({
        topic,
        properties: { topicAlias: index + 1 },
      });
    expect(Math.max(...(await attachmentSizes(org)))).toBeGreaterThan(aliasCharactersMax + 4 * 512);
    await evict(org);
    for (const [index] of inbound.entries())
      expect(await client.ask(publishPacket("", "x", { properties: { topicAlias: index + 1 } }))).toMatchObject({
        type: "puback",
      });
    for (const [index, topic] of outbound.entries())
      expect(await client.ask(publishPacket(topic, "x", { qos: 0 }))).toMatchObject({
        topic: "",
        properties: { topicAlias: index + 1 },
      });
  });
});
