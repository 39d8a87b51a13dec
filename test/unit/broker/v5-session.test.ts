import { describe, expect, it } from "vitest";
import { packetBytesMax } from "../../../core/limits.ts";
import type { ConnackPacket, ConnectPacket } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import {
  keepAliveSecondsMax,
  keepAliveWatchedSecondsMax,
  linkProperty,
  linkWatched,
  receiveMaximum,
  topicAliasMaximum,
} from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { Bench, deviceId, disconnectPacket, topicOf, userId } from "./harness.ts";

const [one, two] = [deviceId(1), deviceId(2)];
const x = topicOf(one, "x");

function bench(): Bench {
  const made = new Bench();
  made.know(one, two);
  return made;
}

function connackOf(broker: Bench, socket: string): ConnackPacket {
  const [connack] = broker.take(socket);
  if (connack?.type !== "connack") throw new Error(`no CONNACK came first: ${JSON.stringify(connack)}`);
  return connack;
}

/** Connects as the agent; true when its session was there. */
function present(broker: Bench, socket: string, expiry: number | null, options: Partial<ConnectPacket> = {}): boolean {
  const properties: Properties | null = expiry === null ? null : { sessionExpiryInterval: expiry };
  broker.modern(socket, one, properties, { clientId: "agent", keepAliveSeconds: 0, ...options });
  return connackOf(broker, socket).sessionPresent;
}

describe("Session Expiry Interval (section 3.1.2.11.2)", () => {
  it.each([null, 0])("of %j ends the session with its connection", (expiry) => {
    const broker = bench();
    present(broker, "a", expiry);
    broker.subscribe("a", x);
    broker.do({ kind: "socket_closed", socket: "a" });
    expect(broker.state.sessions.size).toBe(0);
    expect(present(broker, "b", expiry)).toBe(false);
  });

  it.each([0, 1])(
    "ends the session neither before its time nor after, alarm or no alarm: rung %i times [MQTT-3.1.2-23]",
    (rings) => {
      for (const [milliseconds, there] of [
        [9_999, true],
        [10_000, false],
      ] as const) {
        const broker = bench();
        present(broker, "a", 10);
        broker.subscribe("a", x);
        broker.do({ kind: "socket_closed", socket: "a" });
        broker.now += milliseconds;
        for (let ring = 0; ring < rings; ring += 1) broker.do({ kind: "tick" });
        expect(broker.state.sessions.size).toBe(rings === 0 || there ? 1 : 0);
        expect(present(broker, "b", 10)).toBe(there);
        broker.publish("b", x, { qos: 0 });
        expect(broker.texts("b")).toEqual(there ? ["x"] : []);
      }
    },
  );

  it("counts from the end of the connection, not from CONNECT, and only while there is none", () => {
    const broker = bench();
    present(broker, "a", 10);
    broker.pass(80);
    expect(broker.closed.size).toBe(0);
    broker.do({ kind: "socket_closed", socket: "a" });
    broker.pass(9);
    expect(present(broker, "b", 10)).toBe(true);
    broker.pass(80);
    expect(broker.state.sessions.size).toBe(1);
  });

  it("of 0xFFFFFFFF never ends it, and neither does a lasting session of 3.1.1", () => {
    for (const lasting of [{}, { level: 4 as const, properties: null }]) {
      const broker = bench();
      present(broker, "a", 0xffff_ffff, lasting);
      broker.do({ kind: "socket_closed", socket: "a" });
      broker.pass(100 * 365 * 86_400);
      expect(present(broker, "b", 0xffff_ffff, lasting)).toBe(true);
    }
  });

  it("is the newest CONNECT's", () => {
    const broker = bench();
    present(broker, "a", 1000);
    broker.do({ kind: "socket_closed", socket: "a" });
    present(broker, "b", 10);
    broker.do({ kind: "socket_closed", socket: "b" });
    broker.pass(10);
    expect(present(broker, "c", 10)).toBe(false);
  });

  it.each([
    ["shortened", 1000, 10, 9, 10],
    ["lengthened", 10, 1000, 999, 1000],
    ["ended", 1000, 0, null, 0],
  ])("is %s by DISCONNECT (section 3.14.2.2.2)", (_name, first, then, alive, dead) => {
    for (const [after, there] of [
      [alive, true],
      [dead, false],
    ] as const) {
      if (after === null) continue;
      const broker = bench();
      present(broker, "a", first);
      broker.send("a", disconnectPacket(reasonCodes.success, { sessionExpiryInterval: then }));
      broker.pass(after);
      expect(present(broker, "b", 0)).toBe(there);
    }
  });

  it("may not come to life in DISCONNECT [MQTT-3.14.2-2]: 0x82, and the session ends", () => {
    const broker = bench();
    present(broker, "a", 0);
    broker.send("a", disconnectPacket(reasonCodes.success, { sessionExpiryInterval: 10 }));
    expect(broker.take("a")).toMatchObject([{ type: "disconnect", reasonCode: reasonCodes.protocol_error }]);
    expect(broker.state.sessions.size).toBe(0);
  });

  it("of 0 may be repeated in DISCONNECT", () => {
    const broker = bench();
    present(broker, "a", 0);
    broker.send("a", disconnectPacket(reasonCodes.success, { sessionExpiryInterval: 0 }));
    expect([broker.take("a"), broker.closed.get("a")]).toEqual([[], "goodbye"]);
  });
});

describe("Clean Start", () => {
  it("discards what was, whether it lasted or not [MQTT-3.1.2-4]", () => {
    const broker = bench();
    present(broker, "a", 1000);
    broker.subscribe("a", x);
    broker.do({ kind: "socket_closed", socket: "a" });
    broker.modern("w", one);
    broker.publish("w", x);
    expect(broker.storedMessages).toBe(1);
    expect(present(broker, "b", 1000, { clean: true })).toBe(false);
    expect([broker.storedMessages, broker.texts("b")]).toEqual([0, []]);
    broker.publish("w", x, { qos: 0 });
    expect(broker.texts("b")).toEqual([]);
  });

  it("begins a session that lasts as long as it says: the two are independent (section 4.1.1)", () => {
    const broker = bench();
    present(broker, "a", 10, { clean: true });
    broker.do({ kind: "socket_closed", socket: "a" });
    expect(present(broker, "b", 10)).toBe(true);
  });

  it("of 3.1.1 ends with its connection [MQTT-3.1.2-6]", () => {
    const broker = bench();
    broker.device("a", one, { clean: true });
    broker.do({ kind: "socket_closed", socket: "a" });
    expect(broker.state.sessions.size).toBe(0);
  });

  it("is what a session may change versions with", () => {
    const broker = bench();
    broker.device("old", one);
    broker.subscribeAt(1, "old", x);
    broker.do({ kind: "socket_closed", socket: "old" });
    broker.modern("w", one);
    broker.publish("w", x, { properties: { contentType: "text/plain" } });
    expect(present(broker, "new", 10)).toBe(true);
    broker.publish("w", x, { properties: { contentType: "text/plain" } });
    broker.do({ kind: "socket_closed", socket: "new" });
    broker.device("older", one);
    expect(connackOf(broker, "older").sessionPresent).toBe(true);
  });
});

describe("a takeover [MQTT-3.1.4-3]", () => {
  it("tells the older connection of 5.0 with 0x8E, one of 3.1.1 by the close alone", () => {
    const broker = bench();
    present(broker, "a", 10);
    expect(present(broker, "b", 10)).toBe(true);
    expect(broker.take("a")).toMatchObject([{ type: "disconnect", reasonCode: reasonCodes.session_taken_over }]);
    expect(broker.closes.get("a")?.reason).toContain("taken over");
    broker.device("c", one, { clientId: "agent" });
    broker.take("b");
    broker.take("c");
    expect(present(broker, "d", 10)).toBe(true);
    expect([broker.take("c"), broker.closed.has("c")]).toEqual([[], true]);
  });

  it("finds no session where the older one ended with its connection (section 3.1.2.11.2)", () => {
    const broker = bench();
    present(broker, "a", 0);
    expect(present(broker, "b", 0)).toBe(false);
    broker.publish("b", x, { qos: 0 });
    expect(broker.closed.has("a")).toBe(true);
  });

  it("is never another credential's: sessions are a principal's and a client id's", () => {
    const broker = bench();
    present(broker, "a", 10);
    broker.modern("b", two, null, { clientId: "agent" });
    broker.user("c", userId(1), "owner", { clientId: "agent" });
    broker.user("d", userId(2), "owner", { clientId: "agent" });
    // Look-alikes of the key "principal client-id".
    broker.modern("e", two, null, { clientId: `${one} agent` });
    broker.modern("f", one, null, { clientId: " agent" });
    expect(broker.closed.size).toBe(0);
    expect(broker.state.sessions.size).toBe(6);
  });

  it("happens to whoever takes an id that was assigned, too", () => {
    const broker = bench();
    present(broker, "a", 10, { clientId: "" });
    const [session] = broker.state.sessions.values();
    expect(present(broker, "b", 10, { clientId: session?.clientId ?? "" })).toBe(true);
    expect(broker.closed.has("a")).toBe(true);
    broker.modern("c", two, null, { clientId: session?.clientId ?? "" });
    expect(broker.closed.has("b")).toBe(false);
  });
});

describe("CONNACK of 5.0", () => {
  it("says what we take [MQTT-3.2.2-14 ff.], and nothing else when nothing is to be said", () => {
    const broker = bench();
    broker.modern("s", one);
    expect(connackOf(broker, "s")).toEqual({
      type: "connack",
      sessionPresent: false,
      reasonCode: reasonCodes.success,
      properties: { receiveMaximum, maximumPacketSize: packetBytesMax, topicAliasMaximum },
    });
  });

  it("assigns a client id to whoever has none, each its own [MQTT-3.2.2-16], and its session may be resumed", () => {
    const broker = bench();
    const ids = ["a", "b"].map((socket) => {
      broker.modern(socket, one, { sessionExpiryInterval: 10 }, { clientId: "" });
      return connackOf(broker, socket).properties?.assignedClientIdentifier ?? "";
    });
    expect(new Set(ids.filter((id) => id.length > 0)).size).toBe(2);
    broker.do({ kind: "socket_closed", socket: "a" });
    expect(present(broker, "c", 10, { clientId: ids[0] ?? "" })).toBe(true);
  });

  it.each<[string, number, boolean, number | undefined]>([
    ["none", 0, false, keepAliveSecondsMax],
    ["one in bounds", keepAliveSecondsMax, false, undefined],
    ["one over bounds", keepAliveSecondsMax + 1, false, keepAliveSecondsMax],
    ["none, and a link that is watched", 0, true, keepAliveWatchedSecondsMax],
    ["an hour, and a link that is watched", keepAliveWatchedSecondsMax, true, undefined],
    ["18 h, and a link that is watched", 0xffff, true, keepAliveWatchedSecondsMax],
  ])(
    "answers %s with a Server Keep Alive, and holds the client to it [MQTT-3.2.2-21]",
    (_name, asked, watched, told) => {
      const broker = bench();
      const properties: Properties | null = watched ? { userProperties: [[linkProperty, linkWatched]] } : null;
      broker.modern("s", one, properties, { keepAliveSeconds: asked });
      expect(connackOf(broker, "s").properties?.serverKeepAlive).toBe(told);
      const seconds = told ?? asked;
      broker.now += seconds * 1500 - 1;
      broker.do({ kind: "tick" });
      expect(broker.closed.size).toBe(0);
      broker.now += 1;
      broker.do({ kind: "tick" });
      expect(broker.take("s")).toMatchObject([{ type: "disconnect", reasonCode: reasonCodes.keep_alive_timeout }]);
    },
  );

  it("leaves the keep-alive of 3.1.1 alone: it can't be told of another", () => {
    const broker = bench();
    broker.device("s", one, { keepAliveSeconds: 0 });
    broker.pass(86_400);
    expect(broker.closed.size).toBe(0);
  });

  it("names where answers go, but only to who asks [MQTT-3.1.2-28], and he may publish there", () => {
    const broker = bench();
    broker.modern("quiet", one, { requestResponseInformation: 0 });
    expect(connackOf(broker, "quiet").properties?.responseInformation).toBeUndefined();
    broker.modern("s", one, { requestResponseInformation: 1 });
    const base = connackOf(broker, "s").properties?.responseInformation;
    expect(base).toBe(topicOf(one, ""));
    broker.subscribe("s", `${base}answers/s`);
    broker.publish("quiet", `${base}answers/s`, { properties: { responseTopic: `${base}answers/quiet` } });
    expect(broker.texts("s")).toEqual(["x"]);
  });
});

describe("a CONNECT that is refused", () => {
  it.each<[string, Partial<ConnectPacket>, number]>([
    [
      "an authentication method",
      { properties: { authenticationMethod: "SCRAM" } },
      reasonCodes.bad_authentication_method,
    ],
    ["a client id that is too long", { clientId: "x".repeat(257) }, reasonCodes.client_identifier_not_valid],
  ])("for %s gets CONNACK with code and reason, then the close [MQTT-3.2.2-7]", (_name, options, reasonCode) => {
    const broker = bench();
    broker.modern("s", one, null, options);
    expect(broker.take("s")).toEqual([
      { type: "connack", sessionPresent: false, reasonCode, properties: { reasonString: broker.closed.get("s") } },
    ]);
    expect(broker.state.sessions.size).toBe(0);
  });

  it.each([
    ["bad_credentials", reasonCodes.bad_user_name_or_password, 0x86],
    ["unavailable", reasonCodes.server_unavailable, 0x88],
  ] as const)("for %s is told so by each version in its own words", (kind, modern, legacy) => {
    const broker = bench();
    broker.connect("five", { kind }, { level: 5 });
    broker.connect("four", { kind });
    expect(connackOf(broker, "five")).toMatchObject({
      reasonCode: modern,
      properties: { reasonString: expect.any(String) },
    });
    expect(connackOf(broker, "four")).toMatchObject({ reasonCode: legacy, properties: null });
  });

  it("because there is no time for it is told when to come back (0x88)", () => {
    const broker = bench();
    for (const level of [4, 5] as const) {
      const socket = `s${level}`;
      broker.do({ kind: "socket_opened", socket, upgrade: null });
      const connect = { type: "connect", level, clean: true, keepAliveSeconds: 0, clientId: "x", will: null } as const;
      const packet = { ...connect, username: null, password: null, properties: null };
      broker.do({ kind: "shed", socket, packet, retryAfterSeconds: 7 });
      expect(connackOf(broker, socket).reasonCode).toBe(reasonCodes.server_unavailable);
      expect(broker.closed.get(socket)).toContain("retry after 7 s");
    }
  });

  it("of an unknown device is told no more than one with a wrong token", () => {
    const broker = bench();
    broker.modern("s", deviceId(99));
    broker.connect("t", { kind: "bad_credentials" }, { level: 5 });
    expect(broker.take("s")).toEqual(broker.take("t"));
  });

  it("whose bytes are wrong is told in its own version's form, if it came as far as that", () => {
    const refusal = { kind: "will_qos_3", clause: "MQTT-3.1.2-12", reasonCode: reasonCodes.malformed_packet } as const;
    for (const [level, answer] of [
      [5, [{ type: "connack", reasonCode: reasonCodes.malformed_packet }]],
      [4, []],
      [null, []],
    ] as const) {
      const broker = bench();
      broker.do({ kind: "socket_opened", socket: "s", upgrade: null });
      broker.do({ kind: "refused", socket: "s", refusal: { ...refusal, level, silent: false } });
      expect(broker.take("s")).toMatchObject(answer);
      expect(broker.closed.get("s")).toContain("MQTT-3.1.2-12");
    }
  });

  it("asking for a version that nobody speaks is told 0x01 in 3.1.1's form [MQTT-3.1.2-2]", () => {
    const broker = bench();
    broker.do({ kind: "socket_opened", socket: "s", upgrade: null });
    const reasonCode = reasonCodes.unsupported_protocol_version;
    broker.do({
      kind: "refused",
      socket: "s",
      refusal: { kind: "protocol_level", clause: "MQTT-3.1.2-2", reasonCode, level: 6, silent: false },
    });
    expect(broker.take("s")).toEqual([{ type: "connack", sessionPresent: false, reasonCode, properties: null }]);
  });
});

describe("3.1", () => {
  it("has no empty client id, clean or not (its section 3.1), and everything else of 3.1.1", () => {
    const broker = bench();
    for (const clean of [false, true]) {
      broker.device("s", one, { level: 3, clientId: "", clean });
      expect(connackOf(broker, "s").reasonCode).toBe(reasonCodes.client_identifier_not_valid);
    }
    broker.device("t", one, { level: 3 });
    broker.subscribeAt(2, "t", x);
    broker.publish("t", x, { qos: 2 });
    expect(broker.take("t").map(({ type }) => type)).toEqual(["connack", "suback", "publish", "pubrec"]);
  });
});
