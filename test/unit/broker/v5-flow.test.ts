import { describe, expect, it } from "vitest";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import {
  inflightBytesMax,
  inflightMax,
  queueConnectedBytesMax,
  receivedMax,
  receiveMaximum,
  unheardBytesMax,
} from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { ack, Bench, deviceId, disconnectPacket, topicOf } from "./harness.ts";

const one = deviceId(1);
const x = topicOf(one, "x");

/** A reader of 5.0 with these properties, and a writer. */
function scene(properties: { receiveMaximum?: number; maximumPacketSize?: number } = {}): Bench {
  const broker = new Bench();
  broker.know(one);
  broker.modern("writer", one);
  broker.modern("reader", one, { ...properties, sessionExpiryInterval: 100 });
  broker.subscribeAt(2, "reader", x);
  broker.take("reader");
  return broker;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `${from + n}`);

describe("the client's Receive Maximum (sections 3.1.2.11.3 and 4.9)", () => {
  it("is never overrun at QoS 1, and each PUBACK makes room for one, in order [MQTT-3.3.4-9]", () => {
    const broker = scene({ receiveMaximum: 3 });
    for (const text of numbers(0, 10)) broker.publish("writer", x, { text });
    const seen: string[] = [];
    const open: number[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      for (const { packetId, payload } of broker.takeMessages("reader")) {
        seen.push(new TextDecoder().decode(payload));
        open.push(packetId ?? 0);
      }
      expect(open.length).toBe(Math.min(3, 10 - turn));
      broker.send("reader", ack("puback", open.shift() ?? 0));
    }
    expect(seen).toEqual(numbers(0, 10));
  });

  it("counts QoS 2 until its PUBCOMP, not its PUBREC (section 4.9)", () => {
    const broker = scene({ receiveMaximum: 1 });
    for (const text of ["1", "2"]) broker.publish("writer", x, { qos: 2, text });
    const [first] = broker.takeMessages("reader");
    broker.send("reader", ack("pubrec", first?.packetId ?? 0));
    expect(broker.take("reader")).toMatchObject([{ type: "pubrel" }]);
    broker.send("reader", ack("pubcomp", first?.packetId ?? 0));
    expect(broker.texts("reader")).toEqual(["2"]);
  });

  it("counts QoS 2 no longer when PUBREC refuses it, and such a message is over [MQTT-4.3.3-4]", () => {
    const broker = scene({ receiveMaximum: 1 });
    for (const text of ["1", "2"]) broker.publish("writer", x, { qos: 2, text });
    const [first] = broker.takeMessages("reader");
    broker.send("reader", ack("pubrec", first?.packetId ?? 0, reasonCodes.quota_exceeded));
    expect(broker.texts("reader")).toEqual(["2"]);
    expect([broker.storedMessages, broker.storedReleases]).toEqual([1, 0]);
  });

  it("ends an exchange at a refusing PUBACK just as at any other", () => {
    const broker = scene({ receiveMaximum: 1 });
    for (const text of ["1", "2"]) broker.publish("writer", x, { text });
    const [first] = broker.takeMessages("reader");
    broker.send("reader", ack("puback", first?.packetId ?? 0, reasonCodes.not_authorized));
    expect(broker.texts("reader")).toEqual(["2"]);
    expect(broker.storedMessages).toBe(1);
  });

  it("leaves QoS 0 alone [MQTT-3.3.4-9], even when it is used up", () => {
    const broker = scene({ receiveMaximum: 1 });
    broker.publish("writer", x, { text: "1" });
    broker.publish("writer", x, { text: "2" });
    broker.publish("writer", x, { qos: 0, text: "zero" });
    expect(broker.texts("reader")).toEqual(["1", "zero"]);
  });

  it("holds for what is sent again, and the rest follows in the first order [MQTT-4.6.0-1]", () => {
    const broker = scene();
    for (const text of numbers(0, 6)) broker.publish("writer", x, { text });
    broker.do({ kind: "socket_closed", socket: "reader" });
    for (const text of numbers(6, 9)) broker.publish("writer", x, { text });
    broker.modern("again", one, { receiveMaximum: 2, sessionExpiryInterval: 100 }, { clientId: "reader" });
    const seen: [string, boolean][] = [];
    for (let turn = 0; turn < 9; turn += 1) {
      const messages = broker.takeMessages("again");
      // New ones come behind all of them.
      if (turn === 0) broker.publish("writer", x, { text: "9" });
      expect(messages.length).toBe(turn === 0 ? 2 : turn < 9 ? 1 : 0);
      for (const { payload, dup } of messages) seen.push([new TextDecoder().decode(payload), dup]);
      const [oldest] = broker.state.sessions.get(`${one} reader` as never)?.inflight.keys() ?? [];
      broker.send("again", ack("puback", oldest ?? 0));
    }
    for (const { payload, dup } of broker.takeMessages("again")) seen.push([new TextDecoder().decode(payload), dup]);
    expect(seen).toEqual(numbers(0, 10).map((text, n) => [text, n < 6]));
  });

  it("counts the PUBRELs that a reconnect sends again as exchanges", () => {
    const broker = scene();
    for (const text of ["1", "2", "3"]) broker.publish("writer", x, { qos: 2, text });
    const ids = broker.takeMessages("reader").map(({ packetId }) => packetId ?? 0);
    for (const id of ids.slice(0, 2)) broker.send("reader", ack("pubrec", id));
    broker.modern("again", one, { receiveMaximum: 2, sessionExpiryInterval: 100 }, { clientId: "reader" });
    expect(broker.take("again").map(({ type }) => type)).toEqual(["connack", "pubrel", "pubrel"]);
    broker.send("again", ack("pubcomp", ids[0] ?? 0));
    expect(broker.takeMessages("again")).toMatchObject([{ dup: true, packetId: ids[2] }]);
  });

  it("that is absent, or larger than our own window, is the window", () => {
    for (const properties of [{}, { receiveMaximum: 65_535 }]) {
      const broker = scene(properties);
      for (let n = 0; n < inflightMax + 1; n += 1) broker.publish("writer", x);
      expect(broker.takeMessages("reader").length).toBe(inflightMax);
    }
  });

  it("belongs to its connection: the next one without is not bound by it", () => {
    const broker = scene({ receiveMaximum: 1 });
    for (const text of numbers(0, 5)) broker.publish("writer", x, { text });
    broker.modern("again", one, null, { clientId: "reader" });
    expect(broker.texts("again")).toEqual(numbers(0, 5));
  });
});

describe("our Receive Maximum", () => {
  it.each([
    [5, receiveMaximum],
    [4, receivedMax],
  ] as const)(
    "towards level %i: one exchange too many ends the connection, with 0x93 where that can be said",
    (level, most) => {
      const broker = new Bench();
      broker.know(one);
      broker.device("s", one, { level, properties: null });
      for (let packetId = 1; packetId <= most; packetId += 1) broker.publish("s", x, { qos: 2, packetId });
      for (let packetId = 1; packetId <= 3; packetId += 1) broker.publish("s", x, { qos: 2, packetId, dup: true });
      broker.send("s", ack("pubrel", 1));
      broker.publish("s", x, { qos: 2, packetId: 1 });
      expect(broker.closed.size).toBe(0);
      broker.take("s");
      broker.publish("s", x, { qos: 2, packetId: most + 1 });
      const answer = { type: "disconnect", reasonCode: reasonCodes.receive_maximum_exceeded };
      expect(broker.take("s")).toMatchObject(level === 5 ? [answer] : []);
      expect(broker.closed.has("s")).toBe(true);
    },
  );

  it("does not count QoS 1, or exchanges that were refused", () => {
    const broker = scene();
    for (let packetId = 1; packetId <= 2 * receiveMaximum; packetId += 1) {
      broker.publish("writer", x, { qos: 1, packetId });
      broker.publish("writer", topicOf(one, "commands"), { qos: 2, packetId });
    }
    expect([broker.closed.size, broker.storedReceived]).toEqual([0, 0]);
  });
});

describe("the client's Maximum Packet Size (section 3.1.2.11.4)", () => {
  const bytesOf = (broker: Bench) =>
    Math.max(...broker.sent.filter(({ socket }) => socket === "reader").map(({ bytes }) => bytes));

  it.each([0, 1, 2] as const)(
    "drops what is larger, to the byte, as if it had been sent, at QoS %i [MQTT-3.1.2-25]",
    (qos) => {
      const measure = scene();
      measure.publish("writer", x, { qos, text: "y".repeat(300) });
      const size = bytesOf(measure);
      const broker = scene({ maximumPacketSize: size });
      broker.publish("writer", x, { qos, text: "y".repeat(301) });
      broker.publish("writer", x, { qos, text: "y".repeat(300) });
      broker.publish("writer", x, { qos, text: "small" });
      expect(broker.texts("reader").map(({ length }) => length)).toEqual([300, 5]);
      expect(broker.storedMessages).toBe(qos === 0 ? 0 : 2);
      expect(broker.closed.size).toBe(0);
    },
  );

  it("counts everything that the packet carries for this client", () => {
    const broker = scene({ maximumPacketSize: 200 });
    broker.subscribeWith({ qos: 1, identifier: 268_435_455 }, "reader", x);
    broker.publish("writer", x, { properties: { userProperties: [["k", "v".repeat(120)]] } });
    broker.publish("writer", x, { text: "fits" });
    expect(broker.texts("reader")).toEqual(["fits"]);
  });

  it("drops what waited, what is retained and what is sent again, and lets the rest through", () => {
    const broker = scene();
    const long = "y".repeat(300);
    broker.publish("writer", x, { retain: true, text: long });
    broker.publish("writer", x, { qos: 2, text: "sent" });
    broker.do({ kind: "socket_closed", socket: "reader" });
    broker.publish("writer", x, { text: long });
    broker.publish("writer", x, { text: "waited" });
    broker.take("reader");
    broker.modern("reader", one, { maximumPacketSize: 200, receiveMaximum: 1, sessionExpiryInterval: 100 });
    broker.subscribe("reader", x);
    const [first] = broker.takeMessages("reader");
    expect(first).toMatchObject({ dup: true, qos: 2 });
    broker.send("reader", ack("pubrec", first?.packetId ?? 0));
    broker.send("reader", ack("pubcomp", first?.packetId ?? 0));
    const [second] = broker.takeMessages("reader");
    expect(second).toMatchObject({ dup: false, payload: new TextEncoder().encode("waited") });
    broker.send("reader", ack("puback", second?.packetId ?? 0));
    expect([broker.take("reader"), broker.storedMessages]).toEqual([[], 0]);
  });

  it("is kept by every other packet, whose reason string goes first [MQTT-3.4.2-2], [MQTT-3.2.2-19], [MQTT-3.14.2-3]", () => {
    const broker = scene();
    const tight = { maximumPacketSize: 20, receiveMaximum: 1 };
    broker.modern("tight", one, tight);
    broker.publish("tight", topicOf(one, "commands"), { qos: 1 });
    broker.publish("tight", topicOf(one, "commands"), { qos: 2 });
    broker.publish("tight", "a/+");
    broker.modern("refused", one, { maximumPacketSize: 20, authenticationMethod: "x" });
    const sizes = broker.sent.filter(({ socket }) => socket !== "reader" && socket !== "writer");
    expect(sizes.map(({ packet }) => packet.type)).toEqual(["connack", "puback", "pubrec", "disconnect", "connack"]);
    for (const { packet, bytes } of sizes) expect([packet.type, Math.max(bytes, 20)]).toEqual([packet.type, 20]);
  });
});

describe("a packet over our Maximum Packet Size", () => {
  it("ends the connection with 0x95 (section 3.2.2.3.6)", () => {
    const broker = scene();
    const reasonCode = reasonCodes.packet_too_large;
    const refusal = {
      kind: "packet_too_large",
      clause: "MQTT-3.2.2-15",
      reasonCode,
      level: null,
      silent: false,
    } as const;
    broker.do({ kind: "refused", socket: "reader", refusal });
    expect(broker.take("reader")).toMatchObject([{ type: "disconnect", reasonCode }]);
    expect(broker.closed.get("reader")).toContain("packet_too_large");
  });
});

describe("a slow reader", () => {
  const big = "y".repeat(60 * 1024);

  it("has a bounded number of bytes on its way, a bounded queue behind it, and the newest is dropped", () => {
    const broker = scene();
    const onItsWay = Math.ceil(inflightBytesMax / big.length);
    const published = onItsWay + Math.ceil(queueConnectedBytesMax / big.length) + 20;
    for (let n = 0; n < published; n += 1) broker.publish("writer", x, { text: `${n} ${big}` });
    const session = broker.state.sessions.get(`${one} reader` as never);
    expect(broker.takeMessages("reader").length).toBeLessThanOrEqual(onItsWay);
    expect(session?.inflightBytes).toBeLessThan(inflightBytesMax + 2 * big.length);
    expect(session?.queueBytes).toBeLessThanOrEqual(queueConnectedBytesMax);
    expect(broker.storedMessages).toBeLessThan(published);
    // Everybody else is served as ever, and it gets all that was kept when it reads on, in order.
    expect(broker.take("writer").filter(({ type }) => type === "puback").length).toBe(published);
    expect(broker.closed.size).toBe(0);
    const seen: number[] = [];
    for (let id = session?.inflight.keys().next(); id?.done === false; id = session?.inflight.keys().next())
      broker.send("reader", ack("puback", id.value ?? 0));
    for (const text of broker.texts("reader")) seen.push(Number(text.split(" ")[0]));
    expect(seen).toEqual(seen.toSorted((m, n) => m - n));
    expect(broker.storedMessages).toBe(0);
  });

  it("is sent no more QoS 0 than the byte budget since anything came from it, and again once it speaks", () => {
    const broker = scene();
    const text = "y".repeat(60 * 1024);
    const most = Math.floor(unheardBytesMax / text.length);
    let got = 0;
    for (let n = 0; n < most + 50; n += 1) {
      broker.publish("writer", x, { qos: 0, text });
      got += broker.takeMessages("reader").length;
    }
    expect(got).toBeLessThanOrEqual(most);
    expect(got).toBeGreaterThan(most - 5);
    broker.send("reader", { type: "pingreq" });
    broker.publish("writer", x, { qos: 0, text: "again" });
    expect(broker.texts("reader")).toEqual(["again"]);
  });

  it("that goes away keeps what is in its bounds", () => {
    const broker = scene({ receiveMaximum: 1 });
    for (const text of numbers(0, 200)) broker.publish("writer", x, { text });
    broker.send("reader", disconnectPacket());
    broker.modern("again", one, null, { clientId: "reader" });
    expect(broker.texts("again")).toEqual(numbers(0, 200));
  });
});
