import { describe, expect, it } from "vitest";
import type { Will } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { Bench, deviceId, disconnectPacket, publishPacket, topicOf, userId } from "./harness.ts";

const [one, two] = [deviceId(1), deviceId(2)];
const wills = topicOf(one, "wills");

function willOf(properties: Properties | null, options: Partial<Will> = {}): Will {
  return { topic: wills, payload: new TextEncoder().encode("lost"), qos: 1, retain: false, properties, ...options };
}

/** A watcher, and a mortal whose session lasts 100 s and whose will waits 10 s, unless told otherwise. */
function scene(will: Will = willOf({ willDelayInterval: 10 }), sessionExpiryInterval = 100): Bench {
  const broker = new Bench();
  broker.know(one, two);
  broker.device("watcher", one, { clientId: "watcher", keepAliveSeconds: 0 });
  broker.subscribeAt(2, "watcher", topicOf(one, "#"));
  broker.modern("mortal", one, { sessionExpiryInterval }, { will });
  broker.take("watcher");
  return broker;
}

const lose = (broker: Bench) => broker.do({ kind: "socket_closed", socket: "mortal" });
const comeBack = (broker: Bench, clean = false) =>
  broker.modern("again", one, { sessionExpiryInterval: 100 }, { clientId: "mortal", clean });

describe("Will Delay Interval (section 3.1.3.2.2)", () => {
  it("holds the will back for so long, to the millisecond, and publishes it once", () => {
    const broker = scene();
    lose(broker);
    broker.now += 9_999;
    broker.do({ kind: "tick" });
    expect(broker.texts("watcher")).toEqual([]);
    broker.now += 1;
    broker.do({ kind: "tick" });
    expect(broker.texts("watcher")).toEqual(["lost"]);
    broker.pass(1000);
    expect(broker.texts("watcher")).toEqual([]);
  });

  it.each([undefined, 0])("of %j publishes it at once", (willDelayInterval) => {
    const broker = scene(willOf(willDelayInterval === undefined ? null : { willDelayInterval }));
    lose(broker);
    expect(broker.texts("watcher")).toEqual(["lost"]);
  });

  it("is over when the session is, if that is earlier", () => {
    const broker = scene(willOf({ willDelayInterval: 1000 }), 5);
    lose(broker);
    broker.pass(4);
    expect(broker.texts("watcher")).toEqual([]);
    broker.pass(1);
    expect(broker.texts("watcher")).toEqual(["lost"]);
    expect(broker.state.sessions.size).toBe(1);
  });

  it("is over at once when the session ends with its connection", () => {
    const broker = scene(willOf({ willDelayInterval: 1000 }), 0);
    lose(broker);
    expect(broker.texts("watcher")).toEqual(["lost"]);
  });

  it("waits for ever as it was told to, when neither ends", () => {
    const broker = scene(willOf({ willDelayInterval: 0xffff_ffff }), 0xffff_ffff);
    lose(broker);
    broker.pass(0xffff_fffe);
    expect(broker.texts("watcher")).toEqual([]);
    broker.pass(1);
    expect(broker.texts("watcher")).toEqual(["lost"]);
  });

  it("is cancelled by who comes back in time [MQTT-3.1.3-9]", () => {
    const broker = scene();
    lose(broker);
    broker.now += 9_999;
    comeBack(broker);
    broker.pass(1000);
    expect(broker.texts("watcher")).toEqual([]);
  });

  it("is not cancelled by who comes back too late, though the alarm has not rung yet", () => {
    const broker = scene();
    lose(broker);
    broker.now += 10_000;
    comeBack(broker);
    expect(broker.texts("watcher")).toEqual(["lost"]);
  });

  it("is not cancelled by a clean start, which ends the session [MQTT-3.1.4-4]", () => {
    const broker = scene();
    lose(broker);
    comeBack(broker, true);
    expect(broker.texts("watcher")).toEqual(["lost"]);
  });

  it("spares the will at a takeover, which a will without delay does not survive (section 3.1.4)", () => {
    const delayed = scene();
    comeBack(delayed);
    delayed.pass(1000);
    expect(delayed.texts("watcher")).toEqual([]);
    const immediate = scene(willOf(null));
    comeBack(immediate);
    expect(immediate.texts("watcher")).toEqual(["lost"]);
    const anew = scene();
    comeBack(anew, true);
    expect(anew.texts("watcher")).toEqual(["lost"]);
  });
});

describe("a will", () => {
  it("is forgotten at DISCONNECT 0x00 [MQTT-3.14.4-3], whatever its delay", () => {
    for (const will of [willOf(null), willOf({ willDelayInterval: 10 })]) {
      const broker = scene(will);
      broker.send("mortal", disconnectPacket());
      broker.pass(1000);
      expect(broker.texts("watcher")).toEqual([]);
    }
  });

  it.each([reasonCodes.disconnect_with_will, reasonCodes.unspecified_error, reasonCodes.quota_exceeded])(
    "is published at DISCONNECT %i, after its delay (section 3.14.2.1)",
    (reasonCode) => {
      const broker = scene();
      broker.send("mortal", disconnectPacket(reasonCode));
      expect(broker.texts("watcher")).toEqual([]);
      broker.pass(10);
      expect(broker.texts("watcher")).toEqual(["lost"]);
    },
  );

  it("is published at once when DISCONNECT 0x04 ends the session with it", () => {
    const broker = scene();
    broker.send("mortal", disconnectPacket(reasonCodes.disconnect_with_will, { sessionExpiryInterval: 0 }));
    expect(broker.texts("watcher")).toEqual(["lost"]);
  });

  it.each<[string, (broker: Bench) => void]>([
    ["a protocol error", (broker) => broker.send("mortal", publishPacket("a/+", { qos: 0 }))],
    ["a keep-alive that is over", (broker) => broker.pass(90)],
    [
      "bytes that are no packet",
      (broker) => {
        const refusal = {
          kind: "utf8_null",
          clause: "x",
          reasonCode: reasonCodes.malformed_packet,
          level: null,
          silent: false,
        } as const;
        broker.do({ kind: "refused", socket: "mortal", refusal });
      },
    ],
  ])("is published after %s (section 3.1.2.5)", (_name, ending) => {
    const broker = scene(willOf(null));
    ending(broker);
    expect(broker.closed.has("mortal")).toBe(true);
    expect(broker.texts("watcher")).toEqual(["lost"]);
  });

  it("belongs to its connection: the next one without a will has none", () => {
    const broker = scene();
    comeBack(broker);
    broker.do({ kind: "socket_closed", socket: "again" });
    broker.pass(50);
    expect(broker.texts("watcher")).toEqual([]);
  });

  it("carries its properties but the delay, and its expiry counts from its publication (section 3.1.3.2)", () => {
    const broker = scene(
      willOf({
        willDelayInterval: 10,
        messageExpiryInterval: 60,
        payloadFormatIndicator: 1,
        contentType: "text/plain",
        responseTopic: topicOf(one, "answers"),
        correlationData: new Uint8Array([1, 2]),
        userProperties: [
          ["a", "1"],
          ["a", "2"],
        ],
      }),
    );
    broker.modern("modern", one);
    broker.subscribe("modern", wills);
    broker.take("modern");
    lose(broker);
    broker.pass(10);
    expect(broker.takeMessages("modern")[0]?.properties).toEqual({
      messageExpiryInterval: 60,
      payloadFormatIndicator: 1,
      contentType: "text/plain",
      responseTopic: topicOf(one, "answers"),
      correlationData: new Uint8Array([1, 2]),
      userProperties: [
        ["a", "1"],
        ["a", "2"],
      ],
    });
    expect(broker.takeMessages("watcher")[0]?.properties).toBeNull();
  });

  it.each([0, 1, 2] as const)("goes out at its own QoS %i, and stays if it is retained [MQTT-3.1.2-15]", (qos) => {
    const broker = scene(willOf(null, { qos, retain: true }));
    lose(broker);
    expect(broker.takeMessages("watcher")).toMatchObject([{ qos, retain: false }]);
    broker.modern("late", one);
    broker.subscribeAt(2, "late", wills);
    expect(broker.takeMessages("late")).toMatchObject([{ qos, retain: true }]);
  });

  it("is stored with the session that it waits in, and its publication before anything leaves", () => {
    const broker = scene();
    lose(broker);
    const put = broker.written.findLast(({ kind }) => kind === "put_session");
    if (put?.kind !== "put_session") throw new Error("the session was not stored");
    expect(put.session).toMatchObject({ socket: null, willDueAtMs: broker.now + 10_000, will: { topic: wills } });
    broker.pass(10);
    expect(broker.sent.at(-1)?.writesBefore).toBeGreaterThan(0);
    expect(broker.written.at(-1)).toMatchObject({ kind: "put_session", session: { will: null, willDueAtMs: null } });
  });
});

describe("a will's rights", () => {
  it.each<[string, string, number]>([
    ["its own commands", topicOf(one, "commands"), reasonCodes.not_authorized],
    ["its own desired", topicOf(one, "desired"), reasonCodes.not_authorized],
    ["below its own commands", topicOf(one, "commands", "x"), reasonCodes.not_authorized],
    ["another device", topicOf(two, "status"), reasonCodes.not_authorized],
    ["a look-alike", `${topicOf(one)}x/status`, reasonCodes.not_authorized],
    ["out of its namespace", topicOf(one, "..", two, "x"), reasonCodes.not_authorized],
    ["$SYS", "$SYS/x", reasonCodes.not_authorized],
    ["a shared topic", `$share/g/${wills}`, reasonCodes.not_authorized],
    ["a wildcard", topicOf(one, "+"), reasonCodes.topic_name_invalid],
  ])("do not reach %s: CONNACK refuses", (_name, topic, reasonCode) => {
    const broker = scene();
    broker.modern("liar", one, null, { will: willOf(null, { topic }) });
    expect(broker.take("liar")).toMatchObject([{ type: "connack", reasonCode }]);
    broker.device("old liar", one, { clientId: "liar", will: willOf(null, { topic }) });
    expect(broker.take("old liar")).toMatchObject([{ type: "connack", reasonCode: 0x87 }]);
    expect([broker.closed.size, broker.texts("watcher")]).toEqual([2, []]);
  });

  it.each([topicOf(one, "commands"), topicOf(two, "x"), "$SYS/x"])(
    "do not let it ask for answers at %s: whoever answers has more rights than it (section 4.10)",
    (responseTopic) => {
      const broker = scene();
      broker.modern("liar", one, null, { will: willOf({ responseTopic }) });
      expect(broker.take("liar")).toMatchObject([{ type: "connack", reasonCode: reasonCodes.not_authorized }]);
    },
  );

  it("are judged again when it is published: who lost them meanwhile is silent", () => {
    for (const [role, heard] of [
      ["viewer", []],
      ["admin", ["obey"]],
    ] as const) {
      const broker = scene(willOf(null));
      broker.send("mortal", disconnectPacket());
      const payload = new TextEncoder().encode("obey");
      const will = willOf({ willDelayInterval: 10 }, { topic: topicOf(one, "commands"), payload });
      broker.user("owner", userId(1), "owner", { will, properties: { sessionExpiryInterval: 100 } });
      broker.do({ kind: "socket_closed", socket: "owner" });
      broker.do({ kind: "put_member", user: userId(1), role });
      broker.pass(10);
      expect(broker.texts("watcher")).toEqual(heard);
    }
  });

  it("end with its device", () => {
    const broker = scene();
    lose(broker);
    broker.user("owner", userId(1), "owner");
    broker.subscribe("owner", wills);
    broker.take("owner");
    broker.do({ kind: "remove_device", device: one });
    broker.pass(100);
    expect(broker.texts("owner")).toEqual([]);
  });
});
