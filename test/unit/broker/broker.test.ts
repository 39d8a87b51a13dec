import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDeviceTopic, topicWithinRights } from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName } from "../../../core/topics/topic-name.ts";
import { connectionSteps } from "../../../durable-objects/tenant-hub/broker/connect.ts";
import { deadlineOf } from "../../../durable-objects/tenant-hub/broker/deadlines.ts";
import {
  inflightMax,
  outboxBytesMax,
  queueAwayMessagesMax,
  retainedTopicsMax,
  subscriptionsMax,
} from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { readRights } from "../../../durable-objects/tenant-hub/broker/rights.ts";
import { ack, Bench, connectPacket, deviceId, disconnectPacket, org, textOf, topicOf, userId } from "./harness.ts";

const [one, two] = [deviceId(1), deviceId(2)];

function bench(): Bench {
  const made = new Bench();
  made.know(one, two);
  return made;
}

describe("connecting", () => {
  it("goes through its steps in this order", () => {
    expect(connectionSteps.map((connectionStep) => connectionStep.name)).toEqual([
      "checkClientId",
      "checkMethod",
      "authenticate",
      "authorize",
      "limitConnects",
      "checkWill",
      "endExpiredSession",
      "limitSessions",
      "takeOver",
      "openSession",
      "attachSocket",
      "acknowledgeConnection",
      "announcePresence",
      "deliverWaiting",
    ]);
  });

  it.each([
    ["an empty client id with a lasting session", { clientId: "", clean: false }, 0x85],
    ["a client id of 257 characters", { clientId: "x".repeat(257) }, 0x85],
  ])("refuses %s", (_name, options, reasonCode) => {
    const broker = bench();
    broker.device("s", one, options);
    expect(broker.take("s")).toEqual([{ type: "connack", sessionPresent: false, reasonCode, properties: null }]);
    expect(broker.closed.has("s")).toBe(true);
  });

  it.each<[string, (broker: Bench) => void]>([
    ["lost his membership", (broker) => broker.do({ kind: "put_member", user: userId(1), role: null })],
    ["logged out", (broker) => broker.do({ kind: "end_session", sid: "ses_1", user: userId(1) })],
    ["was logged out", (broker) => broker.do({ kind: "end_session", sid: "ses_1", user: null })],
    ["outlived his token", (broker) => broker.pass(1)],
    ["is still welcome", () => {}],
  ])("judges a user who %s while his credentials were judged by what is known now", (name, meanwhile) => {
    const broker = bench();
    const user = userId(1);
    broker.do({ kind: "put_member", user, role: "owner" });
    broker.do({ kind: "socket_opened", socket: "s", upgrade: null });
    const identity = { kind: "user", user, sid: "ses_1", expiresAtMs: broker.now + 1000 } as const;
    broker.send("s", connectPacket());
    expect(broker.take("s")).toEqual([]);
    meanwhile(broker);
    broker.do({ kind: "authenticated", socket: "s", identity });
    const reasonCode = name === "is still welcome" ? 0 : 0x87;
    expect(broker.take("s")).toEqual([{ type: "connack", sessionPresent: false, reasonCode, properties: null }]);
  });

  it("keeps two devices with one client id apart", () => {
    const broker = bench();
    broker.device("a", one);
    broker.device("b", two);
    expect(broker.closed.size).toBe(0);
    broker.device("c", one);
    expect([...broker.closed.keys()]).toEqual(["a"]);
  });
});

describe("store, then acknowledge", () => {
  it("puts every write that a PUBACK answers for before the PUBACK", () => {
    const broker = bench();
    broker.device("reader", one, { clientId: "reader" });
    broker.subscribe("reader", topicOf(one, "telemetry"));
    broker.device("writer", one, { clientId: "writer" });
    const before = broker.written.length;
    const text = JSON.stringify({ id: "s1", at: "2026-01-01T00:00:00Z", metrics: { a: 1 } });
    broker.publish("writer", topicOf(one, "telemetry"), { retain: true, text });
    expect(broker.written.slice(before).map(({ kind }) => kind)).toEqual([
      "put_retained",
      "append_outbox",
      "put_message",
    ]);
    const puback = broker.sent.find(({ packet }) => packet.type === "puback");
    expect(puback?.writesBefore).toBe(broker.written.length);
  });

  it("closes instead of acknowledging telemetry that has no room, and drops it at QoS 0", () => {
    const broker = bench();
    broker.device("s", one);
    broker.state.outboxBytes = outboxBytesMax;
    broker.take("s");
    const text = JSON.stringify({ id: "s1", at: "2026-01-01T00:00:00Z", metrics: { a: 1 } });
    broker.publish("s", topicOf(one, "telemetry"), { text, qos: 0 });
    expect(broker.closed.size).toBe(0);
    broker.publish("s", topicOf(one, "events"), { text });
    expect(broker.take("s")).toMatchObject([{ type: "puback" }]);
    broker.publish("s", topicOf(one, "telemetry"), { text });
    expect(broker.take("s")).toEqual([]);
    expect(broker.closed.get("s")).toContain("try later");
  });
});

describe("the window and the queue", () => {
  it(`keeps at most ${inflightMax} messages unacknowledged, and sends the next as each is acknowledged, in order`, () => {
    const broker = bench();
    broker.device("reader", one, { clientId: "reader" });
    broker.subscribe("reader", topicOf(one, "x"));
    broker.device("writer", one, { clientId: "writer" });
    broker.take("reader");
    const texts = Array.from({ length: 3 * inflightMax }, (_, n) => `${n}`);
    for (const text of texts) broker.publish("writer", topicOf(one, "x"), { text });
    const seen: string[] = [];
    const unacknowledged: number[] = [];
    for (let turn = 0; turn < texts.length; turn += 1) {
      for (const packet of broker.takeMessages("reader")) {
        seen.push(textOf(packet));
        unacknowledged.push(packet.packetId ?? 0);
      }
      expect(unacknowledged.length).toBe(Math.min(inflightMax, texts.length - turn));
      broker.send("reader", ack("puback", unacknowledged.shift() ?? 0));
    }
    expect(seen).toEqual(texts);
    expect(broker.storedMessages).toBe(0);
  });

  it("keeps no QoS 0 message for an absent session, and drops the newest when its queue is full", () => {
    const broker = bench();
    broker.device("reader", one, { clientId: "reader" });
    broker.subscribe("reader", topicOf(one, "x"));
    broker.send("reader", disconnectPacket());
    broker.device("writer", one, { clientId: "writer" });
    broker.publish("writer", topicOf(one, "x"), { text: "zero", qos: 0 });
    expect(broker.storedMessages).toBe(0);
    for (let n = 0; n < queueAwayMessagesMax; n += 1) broker.publish("writer", topicOf(one, "x"), { text: `${n}` });
    broker.publish("writer", topicOf(one, "x"), { text: "too many" });
    expect(broker.storedMessages).toBe(queueAwayMessagesMax);
    broker.device("reader", one, { clientId: "reader" });
    expect(broker.texts("reader")).toEqual(Array.from({ length: queueAwayMessagesMax }, (_, n) => `${n}`));
  });
});

describe("bounds", () => {
  it("refuse the filter after the last", () => {
    const broker = bench();
    broker.device("s", one);
    for (let n = 0; n < subscriptionsMax; n += 1) broker.subscribe("s", topicOf(one, `t${n}`));
    broker.take("s");
    broker.subscribe("s", topicOf(one, "one more"), topicOf(one, "t0"));
    expect(broker.take("s")).toMatchObject([{ type: "suback", codes: [0x80, 1] }]);
  });

  it("close at the retained topic after the last, and never keep presence out", () => {
    const broker = bench();
    broker.device("s", one);
    for (let n = 0; n < retainedTopicsMax - 1; n += 1) broker.publish("s", topicOf(one, `t${n}`), { retain: true });
    expect(broker.closed.size).toBe(0);
    broker.publish("s", topicOf(one, "one more"), { retain: true });
    expect(broker.closed.get("s")).toContain(`${retainedTopicsMax} topics`);
    expect(broker.state.devices.get(one)?.online).toBe(false);
  });
});

describe("a shared subscription", () => {
  it("gives each message to one member of the group, in turn", () => {
    const broker = bench();
    const filter = `$share/g/${topicOf(one, "x")}`;
    for (const socket of ["a", "b"]) {
      broker.device(socket, one, { clientId: socket });
      broker.subscribe(socket, filter);
    }
    broker.device("writer", one, { clientId: "writer" });
    for (let n = 0; n < 10; n += 1) broker.publish("writer", topicOf(one, "x"), { text: `${n}`, qos: 0 });
    const [a, b] = [broker.texts("a"), broker.texts("b")];
    expect([...a, ...b].sort()).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
    expect([a.length, b.length]).toEqual([5, 5]);
  });
});

describe("a deadline", () => {
  it("is one and a half times the keep-alive after the last packet, to the millisecond [MQTT-3.1.2-22]", () => {
    const broker = bench();
    broker.device("s", one, { keepAliveSeconds: 7 });
    broker.now += 10_499;
    broker.do({ kind: "tick" });
    expect(broker.closed.size).toBe(0);
    expect(deadlineOf(broker.state.sockets.get("s")!)?.atMs).toBe(broker.now + 1);
    broker.now += 1;
    broker.do({ kind: "tick" });
    expect(broker.closed.get("s")).toContain("keep-alive");
  });
});

describe("whatever anybody does", () => {
  const sockets = ["d1", "d2", "viewer", "owner"] as const;
  const levels = fc.constantFrom("telemetry", "status", "commands", "desired", "x", "#", "+", "..", "");
  const topics = fc
    .tuple(fc.constantFrom<string>(one, two, "+", "#"), levels, fc.constantFrom("", "$share/g/"))
    .map(([device, level, share]) => share + topicOf(device as never, level));
  const actions = fc.array(
    fc.record({
      socket: fc.constantFrom(...sockets),
      act: fc.constantFrom("connect", "subscribe", "publish", "drop", "disconnect", "ack"),
      topic: topics,
      qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
      answer: fc.constantFrom("puback" as const, "pubrec" as const, "pubrel" as const, "pubcomp" as const),
      retain: fc.boolean(),
      clean: fc.boolean(),
    }),
    { minLength: 20, maxLength: 80 },
  );

  it("no one is sent a message outside what he may read, and memory agrees with storage", () => {
    let delivered = 0;
    fc.assert(
      fc.property(actions, (list) => {
        const broker = bench();
        const viewer = userId(1);
        const owner = userId(2);
        broker.do({ kind: "put_member", user: viewer, role: "viewer" });
        broker.do({ kind: "put_member", user: owner, role: "owner" });
        const group = { devices: new Set([one]), members: new Set([viewer]) };
        broker.do({ kind: "put_group", group: "grp_1" as never, content: group });
        const later = { sid: "s", expiresAtMs: Number.MAX_SAFE_INTEGER };
        const identities = {
          d1: { kind: "device", device: one },
          d2: { kind: "device", device: two },
          viewer: { kind: "user", user: viewer, ...later },
          owner: { kind: "user", user: owner, ...later },
        } as const;
        const live = new Map<string, string>();
        let serial = 0;
        for (const who of sockets) {
          live.set(who, `${who}-first`);
          broker.connect(`${who}-first`, identities[who]);
          broker.subscribe(`${who}-first`, topicOf(who === "d2" ? two : one, "#"), `sentinel/${org}/#`);
        }
        for (const { socket: who, act, topic, qos, answer, retain, clean } of list) {
          const socket = live.get(who);
          if (act === "connect") {
            const name = `${who}-${serial++}`;
            live.set(who, name);
            broker.connect(name, identities[who], { clean });
          } else if (socket === undefined) continue;
          else if (act === "subscribe") broker.subscribeAt(qos, socket, topic);
          else if (act === "publish") broker.publish(socket, topic, { qos, retain });
          else if (act === "drop") broker.do({ kind: "socket_closed", socket });
          else if (act === "disconnect") broker.send(socket, disconnectPacket());
          else broker.send(socket, ack(answer, 1));
        }
        for (const { socket, packet } of broker.sent) {
          if (packet.type !== "publish") continue;
          const identity = identities[socket.split("-")[0] as keyof typeof identities];
          const name = parseTopicName(packet.topic);
          const topic = name === null ? null : parseDeviceTopic(name);
          expect(topic).not.toBeNull();
          if (topic !== null) expect(topicWithinRights(topic, readRights(broker.state, identity))).toBe(true);
          delivered += 1;
        }
        let known = 0;
        let released = 0;
        let received = 0;
        for (const session of broker.state.sessions.values()) {
          known += session.queue.length + session.inflight.size;
          released += session.released.size;
          received += session.received.size;
          if (session.socket !== null) expect(broker.state.sockets.get(session.socket)?.session).toBe(session);
        }
        expect(known).toBe(broker.storedMessages);
        expect([released, received]).toEqual([broker.storedReleases, broker.storedReceived]);
      }),
      { numRuns: 400 },
    );
    expect(delivered).toBeGreaterThan(100);
  });
});
