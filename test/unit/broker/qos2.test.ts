import { describe, expect, it } from "vitest";
import type { Packet, QoS } from "../../../core/mqtt/packets.ts";
import { inflightMax, outboxBytesMax, receivedMax } from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { ack, Bench, deviceId, textOf, topicOf, userId } from "./harness.ts";

const one = deviceId(1);

describe("a QoS 2 message from a client", () => {
  const x = topicOf(one, "x");

  function pair(): Bench {
    const broker = new Bench();
    broker.know(one);
    broker.device("reader", one, { clientId: "reader" });
    broker.subscribe("reader", x);
    broker.device("writer", one, { clientId: "writer" });
    broker.take("reader");
    broker.take("writer");
    return broker;
  }

  it("is stored with its packet id, in one go, before its PUBREC", () => {
    const broker = pair();
    const before = broker.written.length;
    const telemetry = topicOf(one, "telemetry");
    broker.subscribe("reader", telemetry);
    const text = JSON.stringify({ id: "s1", at: "2026-01-01T00:00:00Z", metrics: { a: 1 } });
    broker.publish("writer", telemetry, { qos: 2, retain: true, packetId: 7, text });
    const kinds = broker.written.slice(before).map(({ kind }) => kind);
    expect(kinds).toEqual(["put_subscription", "put_received", "put_retained", "append_outbox", "put_message"]);
    const pubrec = broker.sent.find(({ packet }) => packet.type === "pubrec");
    expect(pubrec?.packet).toEqual(ack("pubrec", 7));
    expect(pubrec?.writesBefore).toBe(broker.written.length);
  });

  it("goes onward once, however often and with whatever DUP it comes before its PUBREL [MQTT-4.3.3-2]", () => {
    const broker = pair();
    for (const dup of [false, true, false]) broker.publish("writer", x, { qos: 2, packetId: 7, dup, text: "once" });
    expect(broker.take("writer")).toEqual([1, 2, 3].map(() => ack("pubrec", 7)));
    expect(broker.texts("reader")).toEqual(["once"]);
  });

  it("is a new one under the same id after the PUBREL", () => {
    const broker = pair();
    for (const text of ["first", "second"]) {
      broker.publish("writer", x, { qos: 2, packetId: 7, text });
      broker.send("writer", ack("pubrel", 7));
    }
    expect(broker.take("writer").map(({ type }) => type)).toEqual(["pubrec", "pubcomp", "pubrec", "pubcomp"]);
    expect(broker.texts("reader")).toEqual(["first", "second"]);
    expect(broker.storedReceived).toBe(0);
  });

  it("is acknowledged again also when its topic is no longer allowed, but never when that is no topic", () => {
    const broker = pair();
    const owner = userId(1);
    broker.do({ kind: "put_member", user: owner, role: "owner" });
    broker.connect("owner", { kind: "user", user: owner, sid: "s", expiresAtMs: Number.MAX_SAFE_INTEGER });
    broker.publish("owner", topicOf(one, "commands"), { qos: 2, packetId: 7 });
    broker.do({ kind: "remove_device", device: one });
    broker.take("owner");
    broker.publish("owner", topicOf(one, "commands"), { qos: 2, packetId: 7, dup: true });
    expect(broker.take("owner")).toEqual([ack("pubrec", 7)]);
    broker.publish("owner", "a/+", { qos: 2, packetId: 7, dup: true });
    expect(broker.closed.get("owner")).toContain("MQTT-3.3.2-2");
  });

  it("gets a PUBCOMP for a PUBREL that nobody knows [MQTT-4.3.3-11]", () => {
    const broker = pair();
    const before = broker.written.length;
    broker.send("writer", ack("pubrel", 99));
    expect(broker.take("writer")).toEqual([ack("pubcomp", 99)]);
    expect(broker.written.length).toBe(before);
  });

  it("closes with the bound's name when too many wait for their PUBREL, duplicates not counted", () => {
    const broker = pair();
    for (let packetId = 1; packetId <= receivedMax; packetId += 1) broker.publish("writer", x, { qos: 2, packetId });
    broker.publish("writer", x, { qos: 2, packetId: 1, dup: true });
    expect(broker.closed.size).toBe(0);
    broker.publish("writer", x, { qos: 2, packetId: receivedMax + 1 });
    expect(broker.closed.get("writer")).toContain("more QoS 2 messages than Receive Maximum");
    broker.device("again", one, { clientId: "writer" });
    for (let packetId = 1; packetId <= 2; packetId += 1) broker.send("again", ack("pubrel", packetId));
    broker.publish("again", x, { qos: 2, packetId: receivedMax + 1 });
    expect(broker.take("again").at(-1)).toEqual(ack("pubrec", receivedMax + 1));
  });

  it("is forgotten with its session: a clean one begins without ids", () => {
    const broker = pair();
    broker.publish("writer", x, { qos: 2, packetId: 7, text: "old" });
    broker.device("anew", one, { clientId: "writer", clean: true });
    expect(broker.storedReceived).toBe(0);
    broker.publish("anew", x, { qos: 2, packetId: 7, text: "new" });
    expect(broker.texts("reader")).toEqual(["old", "new"]);
  });

  it("is not acknowledged while history has no room, and its id stays free", () => {
    const broker = pair();
    broker.state.outboxBytes = outboxBytesMax;
    const text = JSON.stringify({ id: "s1", at: "2026-01-01T00:00:00Z", metrics: { a: 1 } });
    broker.publish("writer", topicOf(one, "telemetry"), { qos: 2, packetId: 7, text });
    expect(broker.take("writer")).toEqual([]);
    expect(broker.closed.get("writer")).toContain("try later");
    expect(broker.storedReceived).toBe(0);
  });
});

describe("a QoS 2 message to a client", () => {
  const x = topicOf(one, "x");

  function pair(): Bench {
    const broker = new Bench();
    broker.know(one);
    broker.device("writer", one, { clientId: "writer" });
    broker.device("reader", one, { clientId: "reader" });
    broker.subscribeAt(2, "reader", x);
    return broker;
  }
  const publish = (broker: Bench, text: string, qos: QoS = 2) => {
    broker.publish("writer", x, { qos, text });
  };
  /** `text@id`, with `!` for DUP; other packets as `type@id`. */
  const brief = (packets: readonly Packet[]) =>
    packets.flatMap((packet) => {
      if (packet.type === "publish")
        return `${new TextDecoder().decode(packet.payload)}${packet.dup ? "!" : ""}@${packet.packetId}`;
      return "packetId" in packet ? `${packet.type}@${packet.packetId}` : [];
    });

  it("is granted 2 and delivered at the lower of its own and the granted QoS", () => {
    const broker = pair();
    expect(broker.take("reader")).toContainEqual({ type: "suback", packetId: 1, codes: [2], properties: null });
    for (const granted of [0, 1, 2] as const) {
      broker.subscribeAt(granted, "reader", x);
      broker.take("reader");
      for (const qos of [0, 1, 2] as const) publish(broker, `${qos}`, qos);
      const got = broker.take("reader").flatMap((packet) => (packet.type === "publish" ? packet.qos : []));
      expect(got).toEqual([0, 1, 2].map((qos) => Math.min(qos, granted)));
    }
  });

  it("comes once, at the highest QoS of the filters that match [MQTT-3.3.5-1]", () => {
    const broker = pair();
    broker.subscribeAt(1, "reader", topicOf(one, "#"));
    broker.subscribeAt(0, "reader", topicOf(one, "+"));
    broker.take("reader");
    publish(broker, "once");
    expect(broker.take("reader")).toMatchObject([{ type: "publish", qos: 2 }]);
  });

  it("goes PUBLISH, PUBREL and then its id is free, each step stored before its answer", () => {
    const broker = pair();
    broker.take("reader");
    publish(broker, "m");
    expect(brief(broker.take("reader"))).toEqual(["m@1"]);
    broker.send("reader", ack("pubrec", 1));
    expect([broker.storedMessages, broker.storedReleases]).toEqual([0, 1]);
    expect(broker.sent.at(-1)).toMatchObject({ packet: { type: "pubrel" }, writesBefore: broker.written.length });
    expect(brief(broker.take("reader"))).toEqual(["pubrel@1"]);
    broker.send("reader", ack("pubcomp", 1));
    expect(broker.storedReleases).toBe(0);
    expect(broker.take("reader")).toEqual([]);
  });

  it("is resumed after a reconnect: PUBREL in the order of the PUBRECs, then PUBLISH with DUP in the first order", () => {
    const broker = pair();
    for (const text of ["a", "b", "c", "d"]) publish(broker, text);
    publish(broker, "e", 1);
    broker.send("reader", ack("pubrec", 3));
    broker.send("reader", ack("pubrec", 2));
    broker.take("reader");
    for (const socket of ["second", "third"]) {
      broker.device(socket, one, { clientId: "reader" });
      expect(brief(broker.take(socket))).toEqual(["pubrel@3", "pubrel@2", "a!@1", "d!@4", "e!@5"]);
    }
    for (const packetId of [3, 2]) broker.send("third", ack("pubcomp", packetId));
    for (const packetId of [1, 4]) broker.send("third", ack("pubrec", packetId));
    broker.send("third", ack("puback", 5));
    for (const packetId of [1, 4]) broker.send("third", ack("pubcomp", packetId));
    expect(brief(broker.take("third"))).toEqual(["pubrel@1", "pubrel@4"]);
    broker.device("fourth", one, { clientId: "reader" });
    expect(brief(broker.take("fourth"))).toEqual([]);
    expect([broker.storedMessages, broker.storedReleases]).toEqual([0, 0]);
  });

  it("waits behind what is sent again, presence included [MQTT-4.6.0-1]", () => {
    const broker = new Bench();
    broker.know(one);
    broker.device("reader", one, { clientId: "reader" });
    broker.subscribeAt(2, "reader", topicOf(one, "status"));
    broker.take("reader");
    broker.do({ kind: "socket_closed", socket: "reader" });
    broker.device("second", one, { clientId: "reader" });
    const states = () =>
      broker.take("second").flatMap((packet) => {
        if (packet.type !== "publish") return [];
        return `${JSON.parse(new TextDecoder().decode(packet.payload)).state}${packet.dup ? "!" : ""}`;
      });
    expect(states()).toEqual(["online!", "offline", "online"]);
  });

  it("shares one space of ids and one window with QoS 1, until its PUBCOMP", () => {
    const broker = pair();
    broker.take("reader");
    for (let n = 0; n < inflightMax + 3; n += 1) publish(broker, `${n}`, n % 2 === 0 ? 2 : 1);
    const first = broker.take("reader").flatMap((packet) => (packet.type === "publish" ? packet : []));
    expect(first.length).toBe(inflightMax);
    expect(new Set(first.map(({ packetId }) => packetId)).size).toBe(inflightMax);
    broker.send("reader", ack("pubrec", 1));
    expect(brief(broker.take("reader"))).toEqual(["pubrel@1"]);
    // Two answers, one place: the released one still takes its own.
    broker.send("reader", ack("puback", 2));
    const [next] = broker.takeMessages("reader");
    expect(next).toMatchObject({ packetId: expect.not.toBeOneOf(first.map(({ packetId }) => packetId)) });
    expect(next === undefined ? "nothing" : textOf(next)).toBe(`${inflightMax}`);
    broker.send("reader", ack("pubcomp", 1));
    expect(broker.texts("reader")).toEqual([`${inflightMax + 1}`]);
  });

  it("never takes an id whose PUBCOMP is awaited", () => {
    const broker = pair();
    publish(broker, "m");
    broker.send("reader", ack("pubrec", 1));
    broker.state.lastPacketId = 0xffff;
    broker.take("reader");
    publish(broker, "n");
    expect(brief(broker.take("reader"))).toEqual(["n@2"]);
  });

  it("gets a PUBREL for every PUBREC, a repeated and an unknown one too [MQTT-4.3.3-1]", () => {
    const broker = pair();
    broker.take("reader");
    publish(broker, "m");
    for (const packetId of [1, 1, 99]) broker.send("reader", ack("pubrec", packetId));
    expect(brief(broker.take("reader"))).toEqual(["m@1", "pubrel@1", "pubrel@1", "pubrel@99"]);
    expect(broker.storedReleases).toBe(1);
    broker.send("reader", ack("pubcomp", 99));
    expect(broker.closed.size).toBe(0);
  });

  it.each([
    ["a PUBREC to QoS 1", 1, ["pubrec"]],
    ["a PUBCOMP to QoS 1", 1, ["pubcomp"]],
    ["a PUBACK to QoS 2", 2, ["puback"]],
    ["a PUBACK to QoS 2 after its PUBREC", 2, ["pubrec", "puback"]],
    ["a PUBCOMP before the PUBREC", 2, ["pubcomp"]],
  ] as const)("ends the connection at %s, and is kept for the next one", (_name, qos, answers) => {
    const broker = pair();
    publish(broker, "m", qos);
    broker.take("reader");
    for (const type of answers) broker.send("reader", ack(type, 1));
    expect(broker.closed.get("reader")).toContain("MQTT-4.13.1-1");
    broker.device("again", one, { clientId: "reader" });
    expect(brief(broker.take("again"))).toEqual([answers[0] === "pubrec" && qos === 2 ? "pubrel@1" : "m!@1"]);
  });

  it("may be retained, a will or a waiting command, and keeps its QoS", () => {
    const broker = pair();
    const payload = new TextEncoder().encode("w");
    const will = { topic: x, payload, qos: 2, retain: true, properties: null } as const;
    broker.device("mortal", one, { clientId: "mortal", will });
    broker.take("reader");
    broker.do({ kind: "socket_closed", socket: "mortal" });
    expect(broker.take("reader")).toMatchObject([{ qos: 2, retain: false, payload }]);
    broker.device("late", one, { clientId: "late" });
    broker.subscribeAt(2, "late", x);
    expect(broker.take("late").at(-1)).toMatchObject({ qos: 2, retain: true, payload });
    const owner = userId(1);
    broker.do({ kind: "put_member", user: owner, role: "owner" });
    broker.connect("owner", { kind: "user", user: owner, sid: "s", expiresAtMs: Number.MAX_SAFE_INTEGER });
    const [first, second] = [topicOf(one, "commands"), topicOf(one, "commands", "#")];
    broker.publish("owner", first, { qos: 2, packetId: 1 });
    broker.subscribeAt(1, "late", second);
    broker.take("late");
    broker.subscribeAt(2, "reader", first);
    expect(broker.take("reader")).toMatchObject([{ type: "suback" }]);
    broker.publish("owner", first, { qos: 2, packetId: 2 });
    expect(broker.take("reader")).toMatchObject([{ type: "publish", qos: 2 }]);
  });

  it("is claimed from the mailbox at the QoS that was granted", () => {
    for (const granted of [1, 2] as const) {
      const broker = pair();
      const owner = userId(1);
      broker.do({ kind: "put_member", user: owner, role: "owner" });
      broker.connect("owner", { kind: "user", user: owner, sid: "s", expiresAtMs: Number.MAX_SAFE_INTEGER });
      broker.publish("owner", topicOf(one, "commands"), { qos: 2, packetId: 1 });
      broker.subscribeAt(granted, "reader", topicOf(one, "commands"));
      expect(broker.take("reader").at(-1)).toMatchObject({ type: "publish", qos: granted });
      expect(broker.storedMessages).toBe(1);
    }
  });
});
