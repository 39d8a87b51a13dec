import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PublishPacket } from "../../../core/mqtt/packets.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import {
  aliasCharactersMax,
  aliasesOutMax,
  topicAliasMaximum,
} from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { Bench, deviceId, topicOf, userId } from "./harness.ts";

const [one, two] = [deviceId(1), deviceId(2)];
const x = topicOf(one, "t", "x");
const y = topicOf(one, "t", "y");

function scene(): Bench {
  const broker = new Bench();
  broker.know(one, two);
  broker.device("reader", one, { clientId: "reader" });
  broker.subscribe("reader", topicOf(one, "#"));
  broker.modern("writer", one, { sessionExpiryInterval: 100 });
  broker.user("owner", userId(1), "owner");
  broker.subscribe("owner", topicOf(two, "#"), topicOf(one, "commands"));
  for (const socket of ["reader", "writer", "owner"]) broker.take(socket);
  return broker;
}

function aliased(broker: Bench, topic: string, topicAlias: number, text = "x", qos: 0 | 1 | 2 = 1): void {
  broker.publish("writer", topic, { qos, text, properties: { topicAlias } });
}
const heard = (broker: Bench) =>
  broker.takeMessages("reader").map(({ topic, payload }) => [topic, new TextDecoder().decode(payload)]);

describe("a topic alias from a client (section 3.3.2.3.4)", () => {
  it.each([0, 1, 2] as const)("stands for its topic until it is given another, at QoS %i", (qos) => {
    const broker = scene();
    aliased(broker, x, 1, "1", qos);
    aliased(broker, y, topicAliasMaximum, "2", qos);
    aliased(broker, "", 1, "3", qos);
    aliased(broker, "", topicAliasMaximum, "4", qos);
    aliased(broker, y, 1, "5", qos);
    aliased(broker, "", 1, "6", qos);
    aliased(broker, y, 1, "7", qos);
    expect(heard(broker)).toEqual([
      [x, "1"],
      [y, "2"],
      [x, "3"],
      [y, "4"],
      [y, "5"],
      [y, "6"],
      [y, "7"],
    ]);
  });

  it("is the connection's own: it does not travel on, and the reader's side knows nothing of it", () => {
    const broker = scene();
    broker.modern("modern", one);
    broker.subscribe("modern", x);
    broker.take("modern");
    broker.publish("writer", x, { properties: { topicAlias: 1, contentType: "a/b" } });
    aliased(broker, "", 1);
    expect(broker.takeMessages("modern")).toMatchObject([
      { topic: x, properties: { contentType: "a/b" } },
      { topic: x, properties: null },
    ]);
    broker.publish("modern", "", { properties: { topicAlias: 1 } });
    expect(broker.take("modern")).toMatchObject([{ type: "disconnect", reasonCode: reasonCodes.protocol_error }]);
  });

  it("ends with its connection, though the session goes on", () => {
    const broker = scene();
    aliased(broker, x, 1);
    broker.modern("writer2", one, { sessionExpiryInterval: 100 }, { clientId: "writer" });
    broker.publish("writer2", "", { properties: { topicAlias: 1 } });
    expect(broker.take("writer2").at(-1)).toMatchObject({ type: "disconnect", reasonCode: reasonCodes.protocol_error });
  });

  it.each([
    ["over our maximum", x, topicAliasMaximum + 1, reasonCodes.topic_alias_invalid],
    ["over our maximum, with no topic", "", 65_535, reasonCodes.topic_alias_invalid],
    ["that was never set", "", 1, reasonCodes.protocol_error],
    ["for a wildcard", topicOf(one, "+"), 1, reasonCodes.malformed_packet],
  ])("%s ends the connection [MQTT-3.3.2-9]", (_name, topic, alias, reasonCode) => {
    const broker = scene();
    aliased(broker, topic, alias);
    expect(broker.take("writer")).toMatchObject([{ type: "disconnect", reasonCode }]);
    expect(heard(broker).filter(([name]) => name !== topicOf(one, "status"))).toEqual([]);
  });

  it("for a topic that is not its own is refused each time, whether it comes by name or by alias", () => {
    const broker = scene();
    for (const topic of [topicOf(two, "x"), topicOf(one, "commands"), topicOf(one, "desired"), `${topicOf(one)}x/y`]) {
      aliased(broker, topic, 1, "named");
      aliased(broker, "", 1, "by alias");
      aliased(broker, "", 1, "exactly once", 2);
      expect(broker.take("writer").map((packet) => "reasonCode" in packet && packet.reasonCode)).toEqual([
        0x87, 0x87, 0x87,
      ]);
    }
    aliased(broker, "", 1, "dropped", 0);
    expect([heard(broker), broker.texts("owner"), broker.closed.size]).toEqual([[], [], 0]);
    expect(broker.storedReceived).toBe(0);
  });

  it("is bounded in characters, all together, counted anew when one is replaced", () => {
    const broker = scene();
    const half = topicOf(one, "h".repeat(aliasCharactersMax / 2 - topicOf(one, "").length));
    const other = `${half.slice(0, -1)}i`;
    aliased(broker, half, 1);
    aliased(broker, other, 2);
    aliased(broker, other, 1);
    expect(broker.closed.size).toBe(0);
    broker.take("writer");
    aliased(broker, x, 3);
    expect(broker.take("writer")).toMatchObject([{ type: "disconnect", reasonCode: reasonCodes.quota_exceeded }]);
  });
});

/** What a client makes of its messages: an alias that it was not given is an error. */
class AliasReader {
  readonly #known = new Map<number, string>();

  topicOf({ topic, properties }: PublishPacket): string {
    const alias = properties?.topicAlias;
    if (alias === undefined) return topic;
    if (topic !== "") this.#known.set(alias, topic);
    const known = this.#known.get(alias);
    if (known === undefined) throw new Error(`alias ${alias} was never set`);
    return known;
  }
}

describe("our topic aliases towards a client", () => {
  function readerWith(broker: Bench, topicAliasMaximumOfReader: number | null, socket = "modern"): void {
    const properties = topicAliasMaximumOfReader === null ? {} : { topicAliasMaximum: topicAliasMaximumOfReader };
    broker.modern(socket, one, { ...properties, sessionExpiryInterval: 100 }, { clientId: "modern" });
    broker.subscribe(socket, topicOf(one, "t", "#"));
    broker.take(socket);
  }

  it.each([null, 0])("are none when its maximum is %j [MQTT-3.1.2-27]", (most) => {
    const broker = scene();
    readerWith(broker, most);
    for (let n = 0; n < 3; n += 1) broker.publish("writer", x);
    for (const { topic, properties } of broker.takeMessages("modern")) expect([topic, properties]).toEqual([x, null]);
  });

  it("are never more than its maximum, nor than ours", () => {
    for (const most of [1, 2, 65_535]) {
      const broker = scene();
      readerWith(broker, most);
      const used = new Set<number>();
      const reader = new AliasReader();
      for (let n = 0; n < 40; n += 1) {
        const topic = topicOf(one, "t", `${n % 10}`);
        broker.publish("writer", topic, { qos: 0 });
        for (const message of broker.takeMessages("modern")) {
          expect(reader.topicOf(message)).toBe(topic);
          if (message.properties?.topicAlias !== undefined) used.add(message.properties.topicAlias);
        }
      }
      expect([...used]).toEqual(Array.from({ length: Math.min(most, aliasesOutMax) }, (_, n) => n + 1));
    }
  });

  it("save the topic from its second message on, and keep the other properties", () => {
    const broker = scene();
    readerWith(broker, 10);
    const properties = { contentType: "a/b" };
    for (let n = 0; n < 2; n += 1) broker.publish("writer", x, { properties });
    expect(broker.takeMessages("modern")).toMatchObject([
      { topic: x, properties: { ...properties, topicAlias: 1 } },
      { topic: "", properties: { ...properties, topicAlias: 1 } },
    ]);
  });

  it("begin anew with each connection, for what is sent again and what waited too", () => {
    const broker = scene();
    readerWith(broker, 10);
    for (let n = 0; n < 2; n += 1) broker.publish("writer", x);
    broker.do({ kind: "socket_closed", socket: "modern" });
    broker.publish("writer", x);
    broker.modern("modern2", one, { topicAliasMaximum: 10 }, { clientId: "modern" });
    expect(broker.takeMessages("modern2")).toMatchObject([
      { topic: x, dup: true, properties: { topicAlias: 1 } },
      { topic: "", dup: true, properties: { topicAlias: 1 } },
      { topic: "", dup: false, properties: { topicAlias: 1 } },
    ]);
    broker.modern("modern3", one, null, { clientId: "modern" });
    for (const { topic, properties } of broker.takeMessages("modern3")) expect([topic, properties]).toEqual([x, null]);
  });

  it("always lead back to the topic, whatever is published, at whatever QoS and size", () => {
    const message = fc.record({
      topic: fc.nat({ max: 7 }),
      qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
      length: fc.nat({ max: 40 }),
      retain: fc.boolean(),
    });
    const spread = fc.record({ most: fc.nat({ max: 6 }), size: fc.integer({ min: 170, max: 260 }) });
    let saved = 0;
    fc.assert(
      fc.property(spread, fc.array(message, { minLength: 5, maxLength: 40 }), ({ most, size }, messages) => {
        const broker = scene();
        broker.modern("modern", one, { topicAliasMaximum: most, maximumPacketSize: size, receiveMaximum: 5 });
        broker.subscribeAt(2, "modern", topicOf(one, "t", "#"));
        broker.take("modern");
        const reader = new AliasReader();
        for (const { topic, qos, length, retain } of messages) {
          const name = topicOf(one, "t", `${topic}`);
          broker.publish("writer", name, { qos, retain, text: `${name} ${"y".repeat(length)}` });
        }
        for (const { packet, bytes, socket } of broker.sent) {
          if (socket !== "modern" || packet.type !== "publish") continue;
          expect(bytes).toBeLessThanOrEqual(size);
          if (packet.topic === "") saved += 1;
          expect(reader.topicOf(packet)).toBe(new TextDecoder().decode(packet.payload).split(" ")[0]);
        }
      }),
      { numRuns: 150 },
    );
    expect(saved).toBeGreaterThan(100);
  });
});
