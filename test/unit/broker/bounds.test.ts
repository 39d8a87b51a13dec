import { describe, expect, it } from "vitest";
import { deviceSessionsMax } from "../../../core/limits.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import {
  queueAwayBytesMax,
  queueAwayMessagesMax,
  retainedBytesMax,
  retainedDeviceBytesMax,
  retainedTopicsMax,
  subscriptionCharactersMax,
  subscriptionsMax,
} from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { Bench, connectPacket, deviceId, disconnectPacket, topicOf } from "./harness.ts";

const [one, two] = [deviceId(1), deviceId(2)];
const x = topicOf(one, "x");
const lasting = { sessionExpiryInterval: 0xffff_ffff };

function bench(): Bench {
  const made = new Bench();
  made.know(one, two);
  return made;
}

const codesOf = (broker: Bench, socket: string) =>
  broker
    .take(socket)
    .flatMap((packet) => (packet.type === "suback" ? packet.codes : "reasonCode" in packet ? packet.reasonCode : []));

describe("sessions of a device", () => {
  it("are bounded: a further one pushes out the longest disconnected, and is refused while all are connected", () => {
    const broker = bench();
    for (let n = 0; n < deviceSessionsMax; n += 1) broker.modern(`c${n}`, one, lasting);
    broker.modern("more", one, lasting);
    expect(broker.take("more")).toMatchObject([{ type: "connack", reasonCode: reasonCodes.quota_exceeded }]);
    expect(broker.closed.get("more")).toContain(`${deviceSessionsMax} sessions`);
    for (const name of ["c7", "c3"]) {
      broker.send(name, disconnectPacket());
      broker.now += 1;
    }
    broker.modern("more", one, lasting);
    expect(codesOf(broker, "more")).toEqual([0]);
    const names = [...broker.state.sessions.values()].map(({ clientId }) => clientId);
    expect([names.includes("c7"), names.includes("c3"), names.length]).toEqual([false, true, deviceSessionsMax]);
    // One's bound is not another's, and coming back needs no new place.
    broker.modern("c0", two, lasting);
    broker.modern("c1b", one, lasting, { clientId: "c1" });
    expect([codesOf(broker, "c0").at(-1), codesOf(broker, "c1b")]).toEqual([0, [0]]);
  });
});

describe("subscriptions of a session", () => {
  it("are bounded in number: 0x97 for the one after the last, 0x80 in 3.1.1, and replacing one needs no place", () => {
    for (const [level, code] of [
      [5, reasonCodes.quota_exceeded],
      [4, reasonCodes.unspecified_error],
    ] as const) {
      const broker = bench();
      broker.device("s", one, { level });
      for (let n = 0; n < subscriptionsMax; n += 1) broker.subscribe("s", topicOf(one, `t${n}`));
      broker.take("s");
      broker.subscribe("s", topicOf(one, "more"), topicOf(one, "t0"), topicOf(one, "more"));
      expect(codesOf(broker, "s")).toEqual([code, 1, code]);
      broker.unsubscribe("s", topicOf(one, "t5"));
      broker.take("s");
      broker.subscribe("s", topicOf(one, "more"));
      expect(codesOf(broker, "s")).toEqual([1]);
    }
  });

  it("are bounded in characters, all together", () => {
    const broker = bench();
    broker.modern("s", one);
    broker.take("s");
    const long = (n: number) => topicOf(one, `${n}`.padEnd(10_000, "y"));
    const fitting = Math.floor(subscriptionCharactersMax / long(0).length);
    for (let n = 0; n <= fitting; n += 1) broker.subscribe("s", long(n));
    expect(codesOf(broker, "s")).toEqual([...Array<number>(fitting).fill(1), reasonCodes.quota_exceeded]);
    expect(broker.closed.size).toBe(0);
  });
});

describe("the queue of an absent session", () => {
  it.each([
    ["messages", queueAwayMessagesMax, "y"],
    ["bytes", Math.floor(queueAwayBytesMax / 60_000), "y".repeat(59_800)],
  ])(
    "is bounded in %s: the newest is dropped, what was promised is kept, and its publisher hears nothing of it",
    (_name, most, text) => {
      const broker = bench();
      broker.modern("reader", one, lasting);
      broker.subscribe("reader", x);
      broker.send("reader", disconnectPacket());
      broker.modern("writer", one);
      broker.take("writer");
      for (let n = 0; n < most + 10; n += 1) broker.publish("writer", x, { text: `${n} ${text}` });
      expect(broker.storedMessages).toBe(most);
      expect(new Set(codesOf(broker, "writer"))).toEqual(new Set([0]));
      broker.modern("again", one, lasting, { clientId: "reader" });
      expect(broker.texts("again").map((got) => Number(got.split(" ")[0]))).toEqual(
        Array.from({ length: most }, (_, n) => n),
      );
    },
  );

  it("is each session's own: a full one costs its neighbour nothing", () => {
    const broker = bench();
    for (const name of ["full", "empty"]) {
      broker.modern(name, one, lasting);
      broker.subscribe(name, topicOf(one, name === "full" ? "#" : "x"));
      broker.send(name, disconnectPacket());
    }
    broker.modern("writer", one);
    for (let n = 0; n < queueAwayMessagesMax; n += 1) broker.publish("writer", topicOf(one, "y"));
    broker.publish("writer", x, { text: "mine" });
    broker.modern("empty", one, lasting);
    expect(broker.texts("empty")).toEqual(["mine"]);
  });
});

describe("the mailbox of a device that takes no commands", () => {
  it("is bounded like any queue, and counts as no session", () => {
    const broker = bench();
    const payload = new TextEncoder().encode("go");
    for (let n = 0; n < queueAwayMessagesMax + 10; n += 1) broker.do({ kind: "publish_command", device: one, payload });
    expect(broker.storedMessages).toBe(queueAwayMessagesMax);
    for (let n = 0; n < deviceSessionsMax; n += 1) broker.modern(`c${n}`, one, lasting);
    expect(broker.closed.size).toBe(0);
    broker.subscribe("c0", topicOf(one, "commands"));
    expect(broker.texts("c0").length).toBe(queueAwayMessagesMax);
  });
});

describe("a reader that has stalled", () => {
  it("counts as reading for a ping only while nothing waits for its acknowledgement", () => {
    const broker = bench();
    broker.modern("reader", one, { ...lasting, receiveMaximum: 1 });
    broker.subscribe("reader", x);
    broker.modern("writer", one);
    broker.publish("writer", x, { qos: 0 });
    const unheard = (): number => broker.state.sockets.get("reader")?.unheardBytes ?? 0;
    expect(unheard()).toBeGreaterThan(0);
    broker.send("reader", { type: "pingreq" });
    expect(unheard()).toBe(0);
    broker.publish("writer", x, { qos: 1 });
    broker.publish("writer", x, { qos: 0 });
    broker.send("reader", { type: "pingreq" });
    expect(unheard()).toBeGreaterThan(0);
    for (const packet of broker.take("reader")) {
      if (packet.type !== "publish" || packet.packetId === null) continue;
      broker.send("reader", { type: "puback", packetId: packet.packetId, reasonCode: 0, properties: null });
    }
    expect(unheard()).toBe(0);
  });
});

describe("turning away", () => {
  it("is for who comes: a second CONNECT of a connected client is what it always is", () => {
    const broker = bench();
    broker.modern("s", one);
    broker.take("s");
    broker.do({ kind: "shed", socket: "s", packet: connectPacket({ level: 5 }), retryAfterSeconds: 3 });
    expect(codesOf(broker, "s")).toEqual([reasonCodes.protocol_error]);
    broker.do({ kind: "socket_opened", socket: "t", upgrade: null });
    broker.do({ kind: "shed", socket: "t", packet: connectPacket({ level: 5 }), retryAfterSeconds: 3 });
    expect(broker.take("t")).toMatchObject([
      { type: "connack", reasonCode: 0x88, properties: { reasonString: "busy; retry after 3 s" } },
    ]);
  });
});

describe("retained messages", () => {
  function writer(): Bench {
    const broker = bench();
    broker.modern("s", one);
    broker.modern("other", two);
    for (const socket of ["s", "other"]) broker.take(socket);
    return broker;
  }

  it("are bounded in topics for each device, presence always has its own, and others have theirs", () => {
    const broker = writer();
    for (let n = 0; n < retainedTopicsMax + 5; n += 1) broker.publish("s", topicOf(one, `t${n}`), { retain: true });
    expect(codesOf(broker, "s").filter((code) => code === reasonCodes.quota_exceeded).length).toBe(6);
    broker.publish("other", topicOf(two, "t"), { retain: true });
    expect(codesOf(broker, "other")).toEqual([reasonCodes.no_matching_subscribers]);
    broker.do({ kind: "socket_closed", socket: "s" });
    broker.modern("late", one);
    broker.subscribe("late", topicOf(one, "status"));
    expect(broker.texts("late")).toMatchObject([expect.stringContaining("online")]);
  });

  it("are bounded in bytes for each device, and replacing one counts only what it grows by", () => {
    const broker = writer();
    const text = "y".repeat(60_000);
    const most = Math.floor(retainedDeviceBytesMax / 60_300);
    for (let n = 0; n < most + 2; n += 1) broker.publish("s", topicOf(one, `t${n}`), { retain: true, text });
    const codes = codesOf(broker, "s");
    expect(codes.slice(0, most)).toEqual(Array(most).fill(reasonCodes.no_matching_subscribers));
    expect(codes.at(-1)).toBe(reasonCodes.quota_exceeded);
    broker.publish("s", topicOf(one, "t0"), { retain: true, text });
    broker.publish("s", topicOf(one, "t1"), { retain: true, text: "" });
    broker.publish("s", topicOf(one, "new"), { retain: true, text });
    expect(codesOf(broker, "s")).toEqual([0x10, 0x10, 0x10]);
  });

  it("are bounded in bytes for the tenant, and counted down when they go", () => {
    const broker = writer();
    const before = broker.state.retainedBytes;
    broker.publish("s", x, { retain: true, text: "y".repeat(1000) });
    const weight = broker.state.retainedBytes - before;
    expect(weight).toBeGreaterThan(1000);
    broker.publish("s", x, { retain: true, text: "" });
    expect(broker.state.retainedBytes).toBe(before);
    broker.state.retainedBytes = retainedBytesMax - weight + 1;
    broker.publish("s", x, { retain: true, text: "y".repeat(1000) });
    broker.publish("s", x, { retain: true, text: "y".repeat(999) });
    expect(codesOf(broker, "s")).toEqual([0x10, 0x10, reasonCodes.quota_exceeded, 0x10]);
  });
});
