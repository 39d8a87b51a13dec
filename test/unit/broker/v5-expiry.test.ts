import { describe, expect, it } from "vitest";
import { queueAwayMessagesMax, retainedTopicsMax } from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { ack, Bench, deviceId, disconnectPacket, topicOf, userId } from "./harness.ts";

const one = deviceId(1);
const x = topicOf(one, "x");
const expiring = (messageExpiryInterval: number) => ({ properties: { messageExpiryInterval } });

/** A reader that keeps its session, there or away, and a writer. */
function scene(away: boolean): Bench {
  const broker = new Bench();
  broker.know(one);
  broker.modern("writer", one, null, { keepAliveSeconds: 60 });
  broker.modern("reader", one, { sessionExpiryInterval: 0xffff_ffff });
  broker.subscribeAt(2, "reader", x);
  if (away) broker.send("reader", disconnectPacket());
  broker.take("reader");
  return broker;
}

const comeBack = (broker: Bench, level: 4 | 5 = 5) =>
  broker.device("again", one, {
    level,
    clientId: "reader",
    properties: level === 5 ? { sessionExpiryInterval: 100 } : null,
  });

describe("Message Expiry Interval (section 3.3.2.3.3)", () => {
  it.each([0, 1, 2] as const)("travels unchanged with what is sent at once, at QoS %i [MQTT-3.3.2-6]", (qos) => {
    const broker = scene(false);
    for (const interval of [1, 60, 0xffff_ffff]) {
      broker.publish("writer", x, { qos, ...expiring(interval) });
      expect(broker.takeMessages("reader")).toMatchObject([expiring(interval)]);
    }
  });

  it.each([
    [0, 60],
    [1, 59],
    [30, 30],
    [59, 1],
  ])("after %i s of waiting is %i s of 60 [MQTT-3.3.2-6]", (waited, left) => {
    const broker = scene(true);
    broker.publish("writer", x, expiring(60));
    broker.now += waited * 1000;
    comeBack(broker);
    expect(broker.takeMessages("again")).toMatchObject([expiring(left)]);
  });

  it("never comes to 0 while the message lives", () => {
    const broker = scene(true);
    broker.publish("writer", x, expiring(60));
    broker.now += 59_999;
    comeBack(broker);
    expect(broker.takeMessages("again")).toMatchObject([expiring(1)]);
  });

  it("that is over ends the wait [MQTT-3.3.2-5], and storage forgets the message", () => {
    const broker = scene(true);
    for (const [text, seconds] of [
      ["short", 10],
      ["long", 100],
      ["shorter", 5],
    ] as const)
      broker.publish("writer", x, { text, ...expiring(seconds) });
    broker.publish("writer", x, { text: "for ever" });
    broker.now += 10_000;
    comeBack(broker);
    expect(broker.texts("again")).toEqual(["long", "for ever"]);
    expect(broker.storedMessages).toBe(2);
  });

  it("that is over behind a full window ends the wait, too, and those behind move up", () => {
    const broker = scene(false);
    broker.modern("narrow", one, { receiveMaximum: 1, sessionExpiryInterval: 100 }, { clientId: "reader" });
    for (let n = 0; n < 5; n += 1)
      broker.publish("writer", x, { text: `${n}`, ...expiring(n === 0 || n === 4 ? 100 : 10) });
    const [first] = broker.takeMessages("narrow");
    broker.now += 10_000;
    broker.send("narrow", ack("puback", first?.packetId ?? 0));
    const messages = broker.takeMessages("narrow");
    expect(messages.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(["4"]);
    expect(messages).toMatchObject([expiring(90)]);
  });

  it("does not end an exchange that began: it is sent again with what is left, at least 1 (section 4.4)", () => {
    for (const qos of [1, 2] as const) {
      const broker = scene(false);
      broker.publish("writer", x, { qos, ...expiring(10) });
      const [first] = broker.takeMessages("reader");
      broker.do({ kind: "socket_closed", socket: "reader" });
      broker.now += 20_000;
      comeBack(broker);
      expect(broker.takeMessages("again")).toMatchObject([{ dup: true, packetId: first?.packetId, ...expiring(1) }]);
    }
  });

  it("is judged for a reader of 3.1.1 as for any other, though it can't be told", () => {
    const broker = scene(true);
    broker.publish("writer", x, { text: "short", ...expiring(10) });
    broker.publish("writer", x, { text: "long", ...expiring(100) });
    broker.now += 10_000;
    comeBack(broker, 4);
    expect(broker.takeMessages("again")).toMatchObject([
      { payload: new TextEncoder().encode("long"), properties: null },
    ]);
  });

  it("of 0 is for those who are there", () => {
    const broker = scene(false);
    broker.publish("writer", x, expiring(0));
    expect(broker.texts("reader")).toEqual(["x"]);
    broker.send("reader", disconnectPacket());
    broker.publish("writer", x, expiring(0));
    comeBack(broker);
    expect(broker.takeMessages("again").filter(({ dup }) => !dup)).toEqual([]);
  });
});

describe("a retained message that expires", () => {
  it("greets until then with what is left, and not after [MQTT-3.3.2-5]", () => {
    const broker = scene(false);
    broker.publish("writer", x, { retain: true, ...expiring(60) });
    broker.take("reader");
    for (const [seconds, left] of [
      [20, [expiring(40)]],
      [39, [expiring(1)]],
      [1, []],
    ] as const) {
      broker.now += seconds * 1000;
      broker.subscribe("reader", x);
      const messages = broker.takeMessages("reader");
      expect(messages.length).toBe(left.length);
      expect(messages).toMatchObject(left);
      for (const { packetId } of messages) broker.send("reader", ack("puback", packetId ?? 0));
    }
  });

  it("takes no room after that: a device that only writes such topics never runs out of them", () => {
    const broker = scene(false);
    for (let n = 0; n < 3 * retainedTopicsMax; n += 1) {
      if (n % 32 === 0) broker.pass(10);
      broker.send("writer", { type: "pingreq" });
      broker.take("writer");
      broker.publish("writer", topicOf(one, `t${n}`), { retain: true, ...expiring(10) });
      expect(broker.take("writer")).toMatchObject([{ type: "puback", reasonCode: 0x10 }]);
    }
  });
});

describe("what expired in a queue", () => {
  it("takes no room in it: a message that can still arrive is not turned away for those that can't", () => {
    const broker = scene(true);
    for (let n = 0; n < queueAwayMessagesMax; n += 1) broker.publish("writer", x, expiring(10));
    broker.now += 10_000;
    broker.publish("writer", x, { text: "new" });
    comeBack(broker);
    expect(broker.texts("again")).toEqual(["new"]);
  });
});

describe("a command in the mailbox", () => {
  it("expires there as anywhere, and is counted down", () => {
    const broker = new Bench();
    broker.know(one);
    broker.user("owner", userId(1), "owner");
    const commands = topicOf(one, "commands");
    broker.publish("owner", commands, { text: "short", ...expiring(10) });
    broker.publish("owner", commands, { text: "long", ...expiring(100) });
    broker.now += 10_000;
    broker.modern("agent", one);
    broker.subscribe("agent", commands);
    expect(broker.takeMessages("agent")).toMatchObject([
      { payload: new TextEncoder().encode("long"), ...expiring(90) },
    ]);
  });
});
