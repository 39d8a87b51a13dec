import { describe, expect, it } from "vitest";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { Bench, deviceId, disconnectPacket, subscription, topicOf, userId } from "./harness.ts";

const [one, two] = [deviceId(1), deviceId(2)];
const x = topicOf(one, "x");

/** Two clients of 5.0 and one of 3.1.1, all one device's. */
function bench(): Bench {
  const broker = new Bench();
  broker.know(one, two);
  broker.modern("a", one, { sessionExpiryInterval: 100 });
  broker.modern("b", one, { sessionExpiryInterval: 100 });
  broker.device("old", one, { clientId: "old" });
  for (const socket of ["a", "b", "old"]) broker.take(socket);
  return broker;
}

const refusedWith = (code: number) => [{ type: "disconnect", reasonCode: code }];

describe("No Local (section 3.8.3.1)", () => {
  it("keeps a client's own messages from it [MQTT-3.8.3-3], and nobody else's", () => {
    const broker = bench();
    broker.subscribeWith({ noLocal: true }, "a", x);
    for (const qos of [0, 1, 2] as const) broker.publish("a", x, { qos, text: "own" });
    broker.publish("b", x, { text: "other" });
    expect(broker.texts("a")).toEqual(["other"]);
  });

  it("is the session's, so a message that waits elsewhere is not lost by it", () => {
    const broker = bench();
    broker.subscribeWith({ noLocal: true }, "a", x);
    broker.subscribeWith({ noLocal: true }, "b", x);
    broker.send("b", disconnectPacket());
    broker.publish("a", x, { text: "kept" });
    broker.modern("b2", one, { sessionExpiryInterval: 100 }, { clientId: "b" });
    expect([broker.texts("a"), broker.texts("b2")]).toEqual([[], ["kept"]]);
  });

  it("does not silence another subscription of the same client, whose QoS and identifier then count alone", () => {
    const broker = bench();
    broker.subscribeWith({ noLocal: true, qos: 2, identifier: 1, retainAsPublished: true }, "a", x);
    broker.subscribeWith({ qos: 1, identifier: 2 }, "a", topicOf(one, "+"));
    broker.take("a");
    broker.publish("a", x, { qos: 2, retain: true });
    const own = { qos: 1, retain: false, properties: { subscriptionIdentifiers: [2] } };
    expect(broker.takeMessages("a")).toMatchObject([own]);
    broker.publish("b", x, { qos: 2, retain: true });
    const foreign = { qos: 2, retain: true, properties: { subscriptionIdentifiers: [1, 2] } };
    expect(broker.takeMessages("a")).toMatchObject([foreign]);
  });

  it("on a shared subscription is a protocol error, and nothing beside it is granted [MQTT-3.8.3-4]", () => {
    const broker = bench();
    const subscriptions = [subscription(x), subscription(`$share/g/${x}`, { noLocal: true })];
    broker.send("a", { type: "subscribe", packetId: 1, subscriptions, properties: null });
    expect(broker.take("a")).toMatchObject(refusedWith(reasonCodes.protocol_error));
    expect([...broker.state.sessions.values()].flatMap(({ subscriptions: all }) => [...all])).toEqual([]);
  });
});

describe("Retain As Published (section 3.8.3.1)", () => {
  it("keeps the flag of what is forwarded [MQTT-3.3.1-13]; without it, and in 3.1.1, it is cleared [MQTT-3.3.1-12]", () => {
    const broker = bench();
    broker.subscribeWith({ retainAsPublished: true }, "a", x);
    broker.subscribeWith({}, "b", x);
    broker.subscribe("old", x);
    for (const qos of [0, 1, 2] as const)
      for (const retain of [true, false]) {
        broker.publish("old", x, { qos, retain });
        expect([broker.takeMessages("a"), broker.takeMessages("b"), broker.takeMessages("old")]).toMatchObject([
          [{ retain }],
          [{ retain: false }],
          [{ retain: false }],
        ]);
      }
  });

  it("keeps it for what waited, too", () => {
    const broker = bench();
    broker.subscribeWith({ retainAsPublished: true }, "a", x);
    broker.send("a", disconnectPacket());
    broker.publish("b", x, { retain: true });
    broker.modern("a2", one, null, { clientId: "a" });
    expect(broker.takeMessages("a2")).toMatchObject([{ retain: true }]);
  });

  it("of an empty message says that the topic is cleared", () => {
    const broker = bench();
    broker.publish("b", x, { retain: true });
    broker.subscribeWith({ retainAsPublished: true, retainHandling: 2 }, "a", x);
    broker.publish("b", x, { retain: true, text: "" });
    expect(broker.takeMessages("a")).toMatchObject([{ retain: true, payload: new Uint8Array() }]);
    broker.subscribe("b", x);
    expect(broker.texts("b")).toEqual([]);
  });
});

describe("Retain Handling (section 3.8.3.1)", () => {
  it.each([
    [0, "sends retained messages at every SUBSCRIBE [MQTT-3.3.1-9]", [1, 1, 1]],
    [1, "sends them if the subscription is new, and after an UNSUBSCRIBE it is [MQTT-3.3.1-10]", [1, 0, 1]],
    [2, "sends none [MQTT-3.3.1-11]", [0, 0, 0]],
  ] as const)("%i %s", (retainHandling, _what, expected) => {
    const broker = bench();
    broker.publish("b", x, { retain: true, text: "kept" });
    const greeted: number[] = [];
    for (const turn of [0, 1, 2]) {
      if (turn === 2) broker.unsubscribe("a", x);
      broker.subscribeWith({ retainHandling }, "a", x);
      const messages = broker.takeMessages("a");
      for (const message of messages) expect(message.retain).toBe(true);
      greeted.push(messages.length);
    }
    expect(greeted).toEqual(expected);
    broker.publish("b", x);
    expect(broker.texts("a")).toEqual(["x"]);
  });

  it("1 remembers a subscription through a reconnect, and forgets it with its session", () => {
    const broker = bench();
    broker.publish("b", x, { retain: true, text: "kept" });
    broker.subscribeWith({ retainHandling: 1 }, "a", x);
    broker.send("a", disconnectPacket());
    broker.modern("a2", one, { sessionExpiryInterval: 100 }, { clientId: "a" });
    broker.take("a2");
    broker.subscribeWith({ retainHandling: 1 }, "a2", x);
    expect(broker.texts("a2")).toEqual([]);
    broker.modern("a3", one, null, { clientId: "a", clean: true });
    broker.subscribeWith({ retainHandling: 1 }, "a3", x);
    expect(broker.texts("a3")).toEqual(["kept"]);
  });

  it("sends them after the SUBACK, at the lower QoS, with RETAIN set whatever Retain As Published says [MQTT-3.3.1-8]", () => {
    const broker = bench();
    for (const qos of [0, 1, 2] as const) {
      broker.publish("b", x, { retain: true, qos });
      broker.take("a");
      for (const granted of [0, 1, 2] as const) {
        broker.subscribeWith({ qos: granted }, "a", x);
        expect(broker.take("a")).toMatchObject([
          { type: "suback", codes: [granted] },
          { type: "publish", qos: Math.min(qos, granted), retain: true, dup: false },
        ]);
      }
    }
  });
});

describe("Subscription Identifiers (section 3.8.2.1.2)", () => {
  it("come with every message, one for each subscription that matches and has one [MQTT-3.3.4-3]", () => {
    const broker = bench();
    broker.subscribeWith({ identifier: 268_435_455 }, "a", x);
    broker.subscribeWith({ identifier: 7 }, "a", topicOf(one, "+"));
    broker.subscribeWith({}, "a", topicOf(one, "#"));
    broker.subscribeWith({ identifier: 7 }, "a", topicOf(one, "y"));
    broker.take("a");
    for (const qos of [0, 1, 2] as const) {
      broker.publish("b", x, { qos });
      const [message, ...more] = broker.takeMessages("a");
      expect(more).toEqual([]);
      expect(message?.properties?.subscriptionIdentifiers?.toSorted((m, n) => m - n)).toEqual([7, 268_435_455]);
    }
  });

  it("come with retained messages, with those that waited and with those that are sent again", () => {
    const broker = bench();
    const marked = { properties: { subscriptionIdentifiers: [5] } };
    broker.publish("b", x, { retain: true });
    broker.subscribeWith({ identifier: 5 }, "a", x);
    expect(broker.takeMessages("a")).toMatchObject([marked]);
    broker.publish("b", x);
    broker.take("a");
    broker.send("a", disconnectPacket());
    broker.publish("b", x, { properties: { contentType: "text/plain" } });
    broker.modern("a2", one, null, { clientId: "a" });
    expect(broker.takeMessages("a2")).toMatchObject([
      { dup: true, ...marked },
      { dup: true, ...marked },
      { dup: false, properties: { ...marked.properties, contentType: "text/plain" } },
    ]);
  });

  it("are replaced by the next SUBSCRIBE to the same filter, or taken away", () => {
    const broker = bench();
    for (const identifier of [1, 2]) broker.subscribeWith({ identifier }, "a", x);
    broker.publish("b", x);
    expect(broker.takeMessages("a")).toMatchObject([{ properties: { subscriptionIdentifiers: [2] } }]);
    broker.subscribeWith({}, "a", x);
    broker.publish("b", x);
    expect(broker.takeMessages("a")).toMatchObject([{ properties: null }]);
  });

  it("are each session's own, and never reach 3.1.1", () => {
    const broker = bench();
    broker.subscribeWith({ identifier: 1 }, "a", x);
    broker.subscribeWith({ identifier: 2 }, "b", x);
    broker.subscribeWith({}, "old", x);
    broker.publish("b", x, { properties: { userProperties: [["k", "v"]] } });
    expect(broker.takeMessages("a")[0]?.properties).toEqual({
      userProperties: [["k", "v"]],
      subscriptionIdentifiers: [1],
    });
    expect(broker.takeMessages("b")[0]?.properties?.subscriptionIdentifiers).toEqual([2]);
    expect(broker.takeMessages("old")[0]?.properties).toBeNull();
  });
});

describe("SUBSCRIBE", () => {
  it("to the same filter replaces the subscription [MQTT-3.8.4-3]: its QoS and its options", () => {
    const broker = bench();
    broker.subscribeWith({ qos: 2, noLocal: true, retainAsPublished: true }, "a", x);
    broker.subscribeWith({ qos: 0 }, "a", x);
    broker.publish("a", x, { qos: 2, retain: true });
    expect(broker.takeMessages("a")).toMatchObject([{ qos: 0, retain: false }]);
    expect(broker.state.sessions.get(`${one} a` as never)?.subscriptions.size).toBe(1);
  });

  it("is answered filter by filter, in their order: 0x87 for what is not allowed, 0x80 in 3.1.1 [MQTT-3.8.4-6]", () => {
    const broker = bench();
    const filters = [x, topicOf(two, "x"), topicOf(one, "y"), "#", "$SYS/#", `$share/g/${topicOf(two, "x")}`];
    broker.subscribeAt(2, "a", ...filters);
    broker.subscribeAt(2, "old", ...filters);
    expect(broker.take("a")).toMatchObject([{ type: "suback", codes: [2, 0x87, 2, 0x87, 0x87, 0x87] }]);
    expect(broker.take("old")).toMatchObject([{ type: "suback", codes: [2, 0x80, 2, 0x80, 0x80, 0x80] }]);
    broker.modern("other", two);
    broker.publish("other", topicOf(two, "x"), { text: "secret" });
    expect([broker.texts("a"), broker.texts("old")]).toEqual([[], []]);
  });

  it.each(["a#", "a+/b", "a/#/b", "#/a", "$share//x", "$share/g", "$share/g/", "$share/g+/x", "$share/g#/x", ""])(
    "with the malformed filter %j ends the connection before anything is granted (section 4.7)",
    (filter) => {
      for (const socket of ["a", "old"]) {
        const broker = bench();
        broker.subscribe(socket, x, filter);
        expect(broker.take(socket)).toMatchObject(socket === "a" ? refusedWith(reasonCodes.malformed_packet) : []);
        expect([...broker.state.sessions.values()].flatMap(({ subscriptions: all }) => [...all])).toEqual([]);
        broker.device("again", one, { clientId: socket });
        broker.unsubscribe("again", x, filter);
        expect(broker.closed.has("again")).toBe(true);
      }
    },
  );

  it("and UNSUBSCRIBE of the same filters are one each way: 0x00 for those that were there, 0x11 for others", () => {
    const broker = bench();
    const [share, wild] = [`$share/g/${x}`, topicOf(one, "+")];
    broker.subscribe("a", x, share, wild);
    broker.take("a");
    broker.unsubscribe("a", x, topicOf(one, "y"), share, x);
    expect(broker.take("a")).toEqual([
      { type: "unsuback", packetId: 1, codes: [0x00, 0x11, 0x00, 0x11], properties: null },
    ]);
    broker.publish("b", x);
    // What is left matches still: filters are compared by their characters [MQTT-3.10.4-1].
    expect(broker.texts("a")).toEqual(["x"]);
  });
});

describe("a shared subscription (section 4.8.2)", () => {
  const share = `$share/g/${x}`;

  it("gives each message to one member, whatever its QoS and options, and to every group its own", () => {
    const broker = bench();
    broker.subscribeWith({ qos: 2, identifier: 3 }, "a", share);
    broker.subscribeWith({ qos: 0 }, "b", share);
    broker.subscribeWith({ qos: 1 }, "old", `$share/h/${x}`);
    for (let n = 0; n < 10; n += 1) broker.publish("b", x, { qos: 2, text: `${n}` });
    const [a, b] = [broker.takeMessages("a"), broker.takeMessages("b")];
    expect([a.length, b.length]).toEqual([5, 5]);
    for (const message of a) expect(message).toMatchObject({ qos: 2, properties: { subscriptionIdentifiers: [3] } });
    for (const message of b) expect(message).toMatchObject({ qos: 0, properties: null });
    expect(broker.texts("old").length).toBe(10);
  });

  it("with the same name and another filter is another one", () => {
    const broker = bench();
    broker.subscribe("a", share);
    broker.subscribe("b", `$share/g/${topicOf(one, "+")}`);
    broker.publish("old", x);
    expect([broker.texts("a"), broker.texts("b")]).toEqual([["x"], ["x"]]);
  });

  it("beside one of the client's own gives it both", () => {
    const broker = bench();
    broker.subscribe("a", share, x);
    broker.publish("b", x);
    expect(broker.texts("a")).toEqual(["x", "x"]);
  });

  it("prefers members that are there, and waits for one if none is", () => {
    const broker = bench();
    broker.subscribe("a", share);
    broker.subscribe("b", share);
    broker.send("b", disconnectPacket());
    for (const text of ["1", "2", "3"]) broker.publish("old", x, { text });
    expect(broker.texts("a")).toEqual(["1", "2", "3"]);
    broker.send("a", disconnectPacket());
    for (const text of ["4", "5"]) broker.publish("old", x, { text });
    expect(broker.take("old").filter(({ type }) => type === "puback")).toMatchObject(Array(5).fill({ reasonCode: 0 }));
    const back = ["a", "b"].flatMap((name) => {
      broker.modern(`${name}2`, one, null, { clientId: name });
      return broker.texts(`${name}2`);
    });
    expect(back.filter((text) => text > "3").sort()).toEqual(["4", "5"]);
  });

  it("keeps what a member has not acknowledged for that member [MQTT-4.8.2-5]", () => {
    const broker = bench();
    broker.subscribeAt(2, "a", share);
    broker.publish("old", x, { qos: 2 });
    broker.subscribeAt(2, "b", share);
    broker.take("a");
    broker.do({ kind: "socket_closed", socket: "a" });
    expect(broker.texts("b")).toEqual([]);
    broker.pass(99);
    broker.modern("a2", one, null, { clientId: "a" });
    expect(broker.takeMessages("a2")).toMatchObject([{ dup: true }]);
    expect(broker.texts("b")).toEqual([]);
  });

  it("is sent no retained messages, whatever Retain Handling says", () => {
    const broker = bench();
    broker.publish("b", x, { retain: true });
    for (const retainHandling of [0, 1] as const) {
      broker.subscribeWith({ retainHandling, retainAsPublished: true }, "a", share);
      expect(broker.texts("a")).toEqual([]);
    }
  });

  it("ends for a member at UNSUBSCRIBE and with its session, and goes on for the others", () => {
    const broker = bench();
    for (const socket of ["a", "b", "old"]) broker.subscribe(socket, share);
    broker.unsubscribe("a", share);
    broker.send("b", disconnectPacket(0, { sessionExpiryInterval: 0 }));
    for (const text of ["1", "2", "3"]) broker.publish("a", x, { text });
    expect([broker.texts("a"), broker.texts("old")]).toEqual([[], ["1", "2", "3"]]);
  });

  it("is open to members of different rights, each within his own", () => {
    const broker = bench();
    const tenant = `$share/g/${topicOf(one, "#")}`;
    broker.user("owner", userId(1), "owner");
    broker.subscribe("owner", tenant);
    broker.subscribe("a", tenant);
    broker.modern("other", two);
    broker.subscribe("other", tenant);
    expect(broker.take("other").at(-1)).toMatchObject({ codes: [0x87] });
    for (const text of ["1", "2", "3", "4"]) broker.publish("b", x, { text });
    expect([broker.texts("owner").length, broker.texts("a").length, broker.texts("other")]).toEqual([2, 2, []]);
  });
});
