import { describe, expect, it } from "vitest";
import type { Packet } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { outboxBytesMax, retainedTopicsMax } from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { ack, Bench, connectPacket, deviceId, publishPacket, topicOf, userId } from "./harness.ts";

const [one, two] = [deviceId(1), deviceId(2)];
const x = topicOf(one, "x");
const sample = JSON.stringify({ id: "s1", at: "2026-01-01T00:00:00Z", metrics: { a: 1 } });

function scene(properties: Properties | null = null): Bench {
  const broker = new Bench();
  broker.know(one, two);
  broker.modern("s", one, { ...properties, sessionExpiryInterval: 100 });
  broker.device("old", one, { clientId: "old" });
  for (const socket of ["s", "old"]) broker.take(socket);
  return broker;
}

const codesOf = (packets: readonly Packet[]) =>
  packets.map((packet) => ("reasonCode" in packet ? packet.reasonCode : null));

describe("PUBACK and PUBREC", () => {
  it("say 0x10 at QoS 1 when nobody is there to hear it, 0x00 when somebody is, though he may be away", () => {
    const broker = scene();
    broker.publish("s", x);
    expect(codesOf(broker.take("s"))).toEqual([reasonCodes.no_matching_subscribers]);
    broker.subscribe("old", x);
    broker.do({ kind: "socket_closed", socket: "old" });
    broker.publish("s", x);
    expect(codesOf(broker.take("s"))).toEqual([reasonCodes.success]);
  });

  it("say 0x00 for what goes to history, whoever else is there", () => {
    const broker = scene();
    broker.publish("s", topicOf(one, "telemetry"), { text: sample });
    broker.publish("s", topicOf(one, "telemetry"), { text: sample, qos: 2 });
    expect(codesOf(broker.take("s"))).toEqual([0, 0]);
  });

  it.each<[string, string, Properties | undefined]>([
    ["its own commands", topicOf(one, "commands"), undefined],
    ["its own desired", topicOf(one, "desired", "x"), undefined],
    ["another device", topicOf(two, "x"), undefined],
    ["a look-alike of itself", `${topicOf(one)}x/status`, undefined],
    ["out of its namespace", topicOf(one, "..", two, "x"), undefined],
    ["another tenant", x.replace("org_0", "org_1"), undefined],
    ["$SYS", "$SYS/broker/uptime", undefined],
    ["a topic that looks shared", `$share/g/${x}`, undefined],
    ["answers at its own commands", x, { responseTopic: topicOf(one, "commands") }],
    ["answers at its own desired", x, { responseTopic: topicOf(one, "desired") }],
    ["answers at another device", x, { responseTopic: topicOf(two, "x") }],
    ["answers at $SYS", x, { responseTopic: "$SYS/x" }],
    ["answers outside", x, { responseTopic: "x" }],
  ])(
    "refuse %s with 0x87 and the connection stays; 3.1.1 has no such word, so it ends [MQTT-3.3.5-2]",
    (_name, topic, properties) => {
      const broker = scene();
      broker.user("owner", userId(1), "owner");
      broker.subscribe("owner", topicOf(one, "#"), topicOf(two, "#"));
      broker.take("owner");
      for (const qos of [1, 2] as const)
        broker.publish("s", topic, { qos, retain: true, ...(properties && { properties }) });
      const types = broker.take("s");
      expect(types.map(({ type }) => type)).toEqual(["puback", "pubrec"]);
      expect(codesOf(types)).toEqual([reasonCodes.not_authorized, reasonCodes.not_authorized]);
      // QoS 0 has no answer: it is dropped.
      broker.publish("s", topic, { qos: 0, retain: true, ...(properties && { properties }) });
      expect([broker.take("s"), broker.closed.size, broker.storedReceived, broker.texts("owner")]).toEqual([
        [],
        0,
        0,
        [],
      ]);
      if (properties !== undefined) return;
      for (const qos of [0, 1, 2] as const) {
        broker.device("legacy", one, { clientId: "old" });
        broker.take("legacy");
        broker.publish("legacy", topic, { qos, retain: true });
        expect([broker.take("legacy"), broker.closed.has("legacy")]).toEqual([[], true]);
        broker.closed.clear();
      }
      expect(broker.texts("owner").filter((text) => text === "x")).toEqual([]);
    },
  );

  it("allow answers where the asker may publish, and users where they may read", () => {
    const broker = scene();
    broker.publish("s", x, { properties: { responseTopic: topicOf(one, "answers", "1") } });
    broker.user("owner", userId(1), "owner");
    broker.take("owner");
    const ask = (responseTopic: string) =>
      broker.publish("owner", topicOf(one, "commands"), { properties: { responseTopic } });
    ask(topicOf(one, "replies", "1"));
    ask(topicOf(two, "commands"));
    expect(codesOf(broker.take("s"))).toEqual([0x10]);
    expect(codesOf(broker.take("owner"))).toEqual([0, reasonCodes.not_authorized]);
  });

  it("say 0x97 where a quota is full: history, retained topics; and what was refused may come again", () => {
    const broker = scene();
    broker.state.outboxBytes = outboxBytesMax;
    for (const qos of [1, 2] as const)
      broker.publish("s", topicOf(one, "telemetry"), { text: sample, qos, packetId: 5 });
    broker.publish("s", topicOf(one, "telemetry"), { text: sample, qos: 0 });
    expect(codesOf(broker.take("s"))).toEqual([reasonCodes.quota_exceeded, reasonCodes.quota_exceeded]);
    broker.state.outboxBytes = 0;
    broker.publish("s", topicOf(one, "telemetry"), { text: sample, qos: 2, packetId: 5 });
    expect(codesOf(broker.take("s"))).toEqual([reasonCodes.success]);
    for (let n = 0; n < retainedTopicsMax - 1; n += 1) broker.publish("s", topicOf(one, `t${n}`), { retain: true });
    broker.take("s");
    broker.publish("s", topicOf(one, "more"), { retain: true });
    broker.publish("s", topicOf(one, "t0"), { retain: true, text: "other" });
    broker.publish("s", topicOf(one, "t1"), { retain: true, text: "" });
    broker.publish("s", topicOf(one, "more"), { retain: true });
    expect(codesOf(broker.take("s"))).toEqual([reasonCodes.quota_exceeded, 0x10, 0x10, 0x10]);
  });

  it("say why, but only to who wants to know [MQTT-3.1.2-29]", () => {
    for (const [requestProblemInformation, told] of [
      [undefined, true],
      [1, true],
      [0, false],
    ] as const) {
      const broker = scene(requestProblemInformation === undefined ? null : { requestProblemInformation });
      broker.publish("s", topicOf(two, "x"));
      const [puback] = broker.take("s");
      expect(puback).toMatchObject({
        properties: told ? { reasonString: expect.stringContaining("not allowed") } : null,
      });
      // CONNACK and DISCONNECT may say it all the same.
      broker.do({ kind: "put_device", device: one, tokenSha256: "new" });
      expect(broker.take("s")).toMatchObject([
        { type: "disconnect", properties: { reasonString: expect.any(String) } },
      ]);
    }
  });
});

describe("what travels with a message", () => {
  const properties: Properties = {
    payloadFormatIndicator: 1,
    contentType: "application/json",
    responseTopic: topicOf(one, "answers"),
    correlationData: new Uint8Array([0, 255]),
    userProperties: [
      ["b", "1"],
      ["a", "2"],
      ["b", "1"],
    ],
  };

  it("arrives unaltered and in order [MQTT-3.3.2-17], now, later, retained, at every QoS; 3.1.1 sees none of it", () => {
    const broker = scene();
    broker.modern("reader", one, { sessionExpiryInterval: 100 });
    broker.subscribeAt(2, "reader", x);
    broker.subscribeAt(2, "old", x);
    broker.take("reader");
    for (const qos of [0, 1, 2] as const) broker.publish("s", x, { qos, retain: true, properties });
    const now = broker.takeMessages("reader");
    broker.do({ kind: "socket_closed", socket: "reader" });
    broker.publish("s", x, { properties });
    broker.modern("again", one, { sessionExpiryInterval: 100 }, { clientId: "reader" });
    const later = broker.takeMessages("again");
    broker.subscribe("again", x);
    const retained = broker.takeMessages("again");
    expect([now.length, later.length, retained.length]).toEqual([3, 3, 1]);
    for (const message of [...now, ...later, ...retained]) expect(message.properties).toEqual(properties);
    for (const message of broker.takeMessages("old")) expect(message.properties).toBeNull();
  });
});

describe("DISCONNECT says why the connection ends (section 4.13)", () => {
  const refusedBytes = {
    kind: "utf8_malformed",
    clause: "MQTT-1.5.4-1",
    reasonCode: 0x81,
    level: null,
    silent: false,
  } as const;
  it.each<[string, number, (broker: Bench) => void]>([
    ["a second CONNECT [MQTT-3.1.0-2]", 0x82, (broker) => broker.send("s", connectPacket({ level: 5 }))],
    ["AUTH without a method", 0x82, (broker) => broker.send("s", { type: "auth", reasonCode: 0, properties: null })],
    ["bytes that are no packet", 0x81, (broker) => broker.do({ kind: "refused", socket: "s", refusal: refusedBytes })],
    ["a topic with a wildcard [MQTT-3.3.2-2]", 0x81, (broker) => broker.send("s", publishPacket("a/#"))],
    ["a takeover", 0x8e, (broker) => broker.modern("s2", one, null, { clientId: "s" })],
    ["the keep-alive", 0x8d, (broker) => broker.pass(90)],
    ["a device that was removed", 0x87, (broker) => broker.do({ kind: "remove_device", device: one })],
    ["a token that was replaced", 0x87, (broker) => broker.do({ kind: "put_device", device: one, tokenSha256: "new" })],
    [
      "an end that the shell asks for",
      0x97,
      (broker) =>
        broker.do({
          kind: "close_socket",
          socket: "s",
          close: { code: 1008, reason: "held", reasonCode: 0x97, told: true },
        }),
    ],
  ])("%s: %i, before the close", (_name, reasonCode, end) => {
    const broker = scene();
    end(broker);
    const [disconnect, ...more] = broker.take("s");
    expect(disconnect).toMatchObject({
      type: "disconnect",
      reasonCode,
      // In words where a person can mend it, in a code alone where a program must.
      properties: reasonCode === 0x81 || reasonCode === 0x82 ? null : { reasonString: broker.closed.get("s") },
    });
    expect(more).toEqual([]);
    expect(broker.state.sockets.has("s")).toBe(false);
  });

  it("a user's: his token, his login, his role", () => {
    for (const [end, reasonCode] of [
      [(broker: Bench) => broker.do({ kind: "put_member", user: userId(1), role: null }), 0x87],
      [(broker: Bench) => broker.do({ kind: "put_member", user: userId(1), role: "viewer" }), 0x87],
      [(broker: Bench) => broker.do({ kind: "end_session", sid: "ses_1", user: null }), 0x87],
    ] as const) {
      const broker = scene();
      broker.user("owner", userId(1), "owner");
      broker.take("owner");
      end(broker);
      expect(broker.take("owner")).toMatchObject([{ type: "disconnect", reasonCode }]);
    }
    const broker = scene();
    broker.do({ kind: "put_member", user: userId(1), role: "owner" });
    const identity = { kind: "user", user: userId(1), sid: "s", expiresAtMs: broker.now + 30_000 } as const;
    broker.connect("brief", identity, { level: 5, clientId: "brief", keepAliveSeconds: 0 });
    broker.take("brief");
    broker.pass(29);
    expect(broker.take("brief")).toEqual([]);
    broker.pass(1);
    expect(broker.take("brief")).toMatchObject([{ type: "disconnect", reasonCode: reasonCodes.maximum_connect_time }]);
  });

  it("never to 3.1.1, which has none from a server, nor before CONNACK, nor after a goodbye", () => {
    const broker = scene();
    broker.send("old", connectPacket());
    broker.do({ kind: "socket_opened", socket: "fresh", upgrade: null });
    broker.send("fresh", { type: "pingreq" });
    broker.do({ kind: "socket_opened", socket: "silent", upgrade: null });
    broker.pass(10);
    broker.send("s", { type: "disconnect", reasonCode: 0, properties: null });
    for (const socket of ["old", "fresh", "silent", "s"])
      expect([broker.take(socket), broker.closed.has(socket)]).toEqual([[], true]);
  });
});

describe("PUBREL and PUBCOMP", () => {
  it("of ids that nobody knows: the exchange is over on our side, so it may be on the client's", () => {
    const broker = scene();
    broker.send("s", ack("pubrel", 9));
    expect(broker.take("s")).toMatchObject([{ type: "pubcomp", packetId: 9 }]);
    broker.send("s", ack("pubrec", 9));
    expect(broker.take("s")).toMatchObject([{ type: "pubrel", packetId: 9 }]);
    for (const type of ["puback", "pubcomp"] as const) broker.send("s", ack(type, 9));
    expect([broker.take("s"), broker.closed.size]).toEqual([[], 0]);
  });
});
