import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceId } from "../../../core/ids.ts";
import type { Packet, QoS, RetainHandling } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { inflightMax } from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { ack, connectPacket, deviceId, disconnectPacket, publishPacket, subscription, topicOf } from "./harness.ts";
import { type Client, type ModelMessage, SpecModel } from "./spec-model.ts";
import { SqliteShell } from "./sqlite-shell.ts";

const [one, two] = [deviceId(1), deviceId(2)];
const never = 0xffff_ffff;

const clients: readonly (Client & { readonly device: DeviceId })[] = [
  { name: "a", device: one, level: 5 },
  { name: "b", device: one, level: 5 },
  { name: "old", device: one, level: 4 },
  { name: "other", device: two, level: 5 },
];

interface Connect {
  readonly act: "connect";
  readonly who: number;
  readonly clean: boolean;
  readonly expirySeconds: number;
  readonly receiveMaximum: number;
  readonly will: { readonly qos: QoS; readonly retain: boolean; readonly delaySeconds: number } | null;
}
interface Subscribe {
  readonly act: "subscribe";
  readonly who: number;
  readonly filter: number;
  readonly foreign: boolean;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: RetainHandling;
  readonly identifier: number | null;
}
interface Publish {
  readonly act: "publish";
  readonly who: number;
  readonly topic: number;
  readonly foreign: boolean;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly empty: boolean;
  readonly expirySeconds: number | null;
  /** The object dies with it: before the commit, or before anything of it has left. */
  readonly death: "uncommitted" | "unsent" | null;
}
/** What a client does while it is connected. */
type OfClient =
  | Subscribe
  | Publish
  | { readonly act: "unsubscribe"; readonly who: number; readonly filter: number }
  | { readonly act: "lose"; readonly who: number }
  | { readonly act: "leave"; readonly who: number; readonly withWill: boolean; readonly expirySeconds: number | null }
  | { readonly act: "answer"; readonly who: number; readonly n: number }
  | { readonly act: "release"; readonly who: number; readonly again: boolean };
type Action = Connect | OfClient | { readonly act: "pass"; readonly seconds: number } | { readonly act: "evict" };

const qos = fc.constantFrom<QoS>(0, 1, 1, 2, 2);
const who = fc.nat({ max: clients.length - 1 });
const seldom = fc.nat({ max: 9 }).map((n) => n === 0);
const act = <T extends string>(name: T) => fc.constant(name);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: act("connect"),
      who,
      clean: seldom,
      expirySeconds: fc.constantFrom(0, 5, 20, never, never),
      receiveMaximum: fc.constantFrom(1, 2, 5, 65_535),
      will: fc.option(fc.record({ qos, retain: fc.boolean(), delaySeconds: fc.constantFrom(0, 3, 10) })),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      act: act("subscribe"),
      who,
      filter: fc.nat({ max: 5 }),
      foreign: seldom,
      qos,
      noLocal: fc.boolean(),
      retainAsPublished: fc.boolean(),
      retainHandling: fc.constantFrom<RetainHandling>(0, 1, 2),
      identifier: fc.option(fc.integer({ min: 1, max: 3 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: act("unsubscribe"), who, filter: fc.nat({ max: 5 }) }) },
  {
    weight: 16,
    arbitrary: fc.record({
      act: act("publish"),
      who,
      topic: fc.nat({ max: 2 }),
      foreign: seldom,
      qos,
      retain: fc.boolean(),
      empty: seldom,
      expirySeconds: fc.option(fc.constantFrom(5, 20)),
      death: fc
        .nat({ max: 29 })
        .map((n) => (n === 0 ? ("uncommitted" as const) : n === 1 ? ("unsent" as const) : null)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: act("lose"), who }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: act("leave"),
      who,
      withWill: fc.boolean(),
      expirySeconds: fc.option(fc.constantFrom(0, 20)),
    }),
  },
  { weight: 14, arbitrary: fc.record({ act: act("answer"), who, n: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ act: act("release"), who, again: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ act: act("pass"), seconds: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ act: act("evict") }) },
);

/** What a client has on its side of a connection. */
class Hands {
  socket: string | null = null;
  readonly inbox: Packet[] = [];
  /** QoS 2 messages of its own whose PUBREL it has not sent. */
  exchanges: Packet[] = [];
  /** What its last request was answered with. */
  answer: Packet | null = null;

  drop(): void {
    this.socket = null;
    this.inbox.length = 0;
  }
}

/** The clients and their broker, with the model of the specification looking at every packet. */
class World {
  readonly seen = { messages: 0, dup: 0, shared: 0, wills: 0, deaths: 0, evictions: 0, refused: 0 };
  private readonly shell = new SqliteShell((socket, received) => this.arrive(socket, received));
  private readonly model = new SpecModel(this.shell.now);
  private readonly hands = new Map(clients.map((client) => [client, new Hands()]));
  private serial = 0;

  constructor() {
    for (const device of [one, two]) this.shell.run({ kind: "put_device", device, tokenSha256: device });
    this.shell.commit();
  }

  private handsOf(client: Client): Hands {
    const found = this.hands.get(client as (typeof clients)[number]);
    if (found === undefined) throw new Error("no such client");
    return found;
  }

  private arrive(socket: string, received: Packet | "closed"): void {
    const [client] = clients.filter((known) => this.handsOf(known).socket === socket);
    if (client === undefined) return;
    if (received === "closed") throw new Error(`${client.name} was closed`);
    const hands = this.handsOf(client);
    if (received.type === "publish") {
      const wrong = this.model.judge(client, received);
      if (wrong !== null)
        throw new Error(
          `${client.name}: ${wrong}: ${new TextDecoder().decode(received.payload)} ${JSON.stringify(received)}`,
        );
      this.seen.messages += 1;
      if (received.dup) this.seen.dup += 1;
      if (received.topic.includes("/s/")) this.seen.shared += 1;
      if (received.topic.includes("/t/w-")) this.seen.wills += 1;
      if (received.qos > 0) hands.inbox.push(received);
    } else if (received.type === "pubrel") {
      const session = this.model.sessions.get(client.name);
      const resumed = session?.pubrels.shift();
      if (resumed !== undefined) expect(resumed).toBe(received.packetId);
      expect(session?.released.has(received.packetId)).toBe(true);
      hands.inbox.push(received);
    } else {
      hands.answer = received;
    }
  }

  /** A packet of the client's, and everything that it causes. */
  private ask(client: Client, packet: Packet): Packet | null {
    const hands = this.handsOf(client);
    hands.answer = null;
    if (hands.socket === null) throw new Error("nobody is connected there");
    this.shell.run({ kind: "packet", socket: hands.socket, packet });
    this.shell.commit();
    return hands.answer;
  }

  perform(action: Action): void {
    if (action.act === "pass") this.pass(action.seconds);
    else if (action.act === "evict") {
      this.shell.evict();
      this.seen.evictions += 1;
    } else {
      const client = clients[action.who];
      if (client === undefined) throw new Error("no such client");
      if (action.act === "connect") this.connect(client, action);
      else if (this.handsOf(client).socket !== null) this.performConnected(client, action);
    }
    expect(this.model.overdue()).toBeNull();
  }

  private performConnected(client: (typeof clients)[number], action: OfClient): void {
    const hands = this.handsOf(client);
    switch (action.act) {
      case "lose": {
        const { socket } = hands;
        hands.drop();
        this.model.lose(client, false);
        if (socket !== null) this.shell.lose(socket);
        return;
      }
      case "leave":
        this.leave(client, action.withWill, action.expirySeconds);
        return;
      case "subscribe":
        this.subscribe(client, action);
        return;
      case "unsubscribe": {
        const filter = filterOf(client.device, action.filter);
        this.model.unsubscribe(client, filter);
        expect(
          this.ask(client, { type: "unsubscribe", packetId: 1, filters: [filter], properties: null }),
        ).toMatchObject({ type: "unsuback" });
        return;
      }
      case "publish":
        this.publish(client, action);
        return;
      case "answer":
        for (let n = 0; n < action.n && hands.inbox.length > 0; n += 1) this.answer(client);
        return;
      case "release": {
        const packet = hands.exchanges.shift();
        if (packet?.type !== "publish" || packet.packetId === null) return;
        if (action.again)
          expect(this.ask(client, { ...packet, dup: true })).toMatchObject({ type: "pubrec", reasonCode: 0 });
        expect(this.ask(client, ack("pubrel", packet.packetId))).toMatchObject({ type: "pubcomp", reasonCode: 0 });
      }
    }
  }

  private connect(client: (typeof clients)[number], asked: Omit<Connect, "act" | "who">): void {
    const hands = this.handsOf(client);
    const socket = `${client.name}-${this.serial++}`;
    const modern = client.level === 5;
    const expirySeconds = modern ? asked.expirySeconds : asked.clean ? 0 : never;
    const receiveMaximum = modern ? Math.min(asked.receiveMaximum, inflightMax) : inflightMax;
    const will = this.willOf(client, asked.will);
    hands.drop();
    const present = this.model.connect(client, {
      socket,
      receiveMaximum,
      clean: asked.clean,
      expirySeconds,
      will: will === null ? null : { ...will.message, delaySeconds: will.delaySeconds },
    });
    if (!present) hands.exchanges = [];
    hands.socket = socket;
    this.shell.identities.set(socket, { kind: "device", device: client.device });
    this.shell.run({ kind: "socket_opened", socket, upgrade: null });
    const properties = modern ? { sessionExpiryInterval: expirySeconds, receiveMaximum: asked.receiveMaximum } : null;
    const { clean } = asked;
    const connect = { clientId: client.name, level: client.level, keepAliveSeconds: 0, clean, properties };
    const connack = this.ask(client, connectPacket({ ...connect, will: will?.packet ?? null }));
    expect(connack).toMatchObject({ type: "connack", reasonCode: 0, sessionPresent: present });
  }

  private willOf(client: (typeof clients)[number], asked: Connect["will"]) {
    if (asked === null) return null;
    const topic = topicOf(client.device, "t", `w-${client.name}`);
    const text = `w${this.serial++}`;
    const modern = client.level === 5;
    const delaySeconds = modern ? asked.delaySeconds : 0;
    const payload = new TextEncoder().encode(text);
    const properties = modern && delaySeconds > 0 ? { willDelayInterval: delaySeconds } : null;
    const packet = { topic, payload, qos: asked.qos, retain: asked.retain, properties };
    return { delaySeconds, packet, message: { topic, text, qos: asked.qos, retain: asked.retain, expiresAtMs: null } };
  }

  private leave(client: Client, withWill: boolean, expirySeconds: number | null): void {
    const hands = this.handsOf(client);
    const { socket } = hands;
    const modern = client.level === 5;
    const lasts = this.model.sessions.get(client.name)?.expirySeconds !== 0;
    const changed = modern && lasts ? expirySeconds : null;
    hands.drop();
    this.model.lose(client, !(modern && withWill), changed);
    const properties: Properties | null = changed === null ? null : { sessionExpiryInterval: changed };
    if (socket === null) return;
    this.shell.run({ kind: "packet", socket, packet: disconnectPacket(modern && withWill ? 4 : 0, properties) });
    this.shell.commit();
  }

  private subscribe(client: (typeof clients)[number], asked: Subscribe): void {
    const foreign = client.device === one ? two : one;
    const filter = filterOf(asked.foreign ? foreign : client.device, asked.filter);
    const modern = client.level === 5;
    const options = {
      qos: asked.qos,
      // A will is the server's to publish: No Local stays where none is.
      noLocal: modern && asked.noLocal && asked.filter < 2,
      retainAsPublished: modern && asked.retainAsPublished,
      retainHandling: modern ? asked.retainHandling : (0 as const),
      identifier: modern ? asked.identifier : null,
    };
    if (!asked.foreign) this.model.subscribe(client, filter, options);
    else this.seen.refused += 1;
    const properties = options.identifier === null ? null : { subscriptionIdentifiers: [options.identifier] };
    const suback = this.ask(client, {
      type: "subscribe",
      packetId: 1,
      subscriptions: [subscription(filter, options)],
      properties,
    });
    expect(suback).toMatchObject({ type: "suback", codes: [asked.foreign ? 0x87 : asked.qos] });
  }

  private publish(client: (typeof clients)[number], asked: Publish): void {
    const modern = client.level === 5;
    // In 3.1.1 a forbidden topic ends the connection: told elsewhere.
    const refused = asked.foreign && modern;
    const device = refused ? (client.device === one ? two : one) : client.device;
    const names =
      [
        ["t", "a"],
        ["t", "b"],
        ["s", "x"],
      ][asked.topic] ?? [];
    const topic = topicOf(device, ...names);
    const serial = this.serial++;
    const text = asked.empty && asked.retain ? "" : `${serial}`;
    const expirySeconds = modern ? asked.expirySeconds : null;
    const { qos, retain } = asked;
    const expiresAtMs = expirySeconds === null ? null : this.shell.now + expirySeconds * 1000;
    const message: ModelMessage = { topic, text, qos, retain, expiresAtMs };
    const packet = publishPacket(topic, {
      qos,
      retain,
      text,
      packetId: 1 + serial,
      ...(expirySeconds === null ? {} : { properties: { messageExpiryInterval: expirySeconds } }),
    });
    const hands = this.handsOf(client);
    if (asked.death !== null) {
      if (!refused && asked.death === "unsent") this.model.publish(message, client);
      if (!refused && asked.death === "unsent" && qos === 2) hands.exchanges.push(packet);
      if (hands.socket !== null) this.shell.run({ kind: "packet", socket: hands.socket, packet });
      this.die(asked.death);
      return;
    }
    if (refused) this.seen.refused += 1;
    else this.model.publish(message, client);
    const answer = this.ask(client, packet);
    if (qos === 0) expect(answer).toBeNull();
    else expect(answer).toMatchObject({ type: qos === 2 ? "pubrec" : "puback", packetId: packet.packetId });
    if (qos > 0 && answer !== null && "reasonCode" in answer)
      expect(answer.reasonCode).toBeOneOf(refused ? [0x87] : qos === 1 ? [0, 0x10] : [0]);
    if (qos === 2 && !refused) hands.exchanges.push(packet);
  }

  private die(death: "uncommitted" | "unsent"): void {
    this.seen.deaths += 1;
    if (death === "unsent") this.model.unsent();
    const connected = clients.filter((client) => this.handsOf(client).socket !== null);
    for (const client of connected) {
      this.handsOf(client).drop();
      this.model.lose(client, false);
    }
    for (const client of clients) if (!this.model.sessions.has(client.name)) this.handsOf(client).exchanges = [];
    this.shell.crash(death);
  }

  private answer(client: Client): void {
    const [packet] = this.handsOf(client).inbox.splice(0, 1);
    if (packet === undefined || !("packetId" in packet) || packet.packetId === null) return;
    const type =
      packet.type === "pubrel" ? "pubcomp" : packet.type === "publish" && packet.qos === 2 ? "pubrec" : "puback";
    this.model.acknowledged(client, type, packet.packetId);
    this.ask(client, ack(type, packet.packetId));
  }

  private pass(seconds: number): void {
    for (const client of clients) if (this.handsOf(client).socket !== null) this.ask(client, { type: "pingreq" });
    for (let second = 0; second < seconds; second += 1) {
      this.model.tick();
      this.shell.now += 1000;
      this.shell.run({ kind: "tick" });
      this.shell.commit();
    }
  }

  /** Everybody comes back and answers all there is; then nothing may be owed. */
  settle(): void {
    for (const client of clients) {
      if (this.handsOf(client).socket !== null) continue;
      this.connect(client, { clean: false, expirySeconds: never, receiveMaximum: 65_535, will: null });
    }
    for (let turn = 0; clients.some((client) => this.handsOf(client).inbox.length > 0); turn += 1) {
      if (turn > 2000) throw new Error("the exchange never ends");
      for (const client of clients) this.answer(client);
      expect(this.model.overdue()).toBeNull();
    }
    for (const client of clients)
      while (this.handsOf(client).exchanges.length > 0)
        this.performConnected(client, { act: "release", who: 0, again: false });
    for (const session of this.model.sessions.values()) {
      const { nowMs } = this.model;
      const alive = session.owed.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs);
      expect([session.flying.size, session.released.size, alive]).toEqual([0, 0, []]);
    }
    const lost = this.model.shared.filter(
      ({ taker, mayBeLost, message }) => taker === null && !mayBeLost && message.expiresAtMs === null,
    );
    expect(lost).toEqual([]);
    for (const table of ["messages", "releases", "received"])
      expect([table, this.shell.count(table)]).toEqual([table, 0]);
  }
}

/** Shared subscriptions have topics of their own, so that whatever comes there is theirs. */
function filterOf(device: DeviceId, index: number): string {
  const all = [
    topicOf(device, "t", "a"),
    topicOf(device, "t", "b"),
    topicOf(device, "t", "+"),
    topicOf(device, "t", "#"),
    `$share/g/${topicOf(device, "s", "x")}`,
    `$share/h/${topicOf(device, "s", "+")}`,
  ];
  return all[index] ?? "";
}

/** Everybody is there and listens, so that the rest of a run has something to go wrong with. */
const beginning: readonly Action[] = clients.flatMap((_client, who) => {
  const options = {
    qos: 2,
    noLocal: false,
    retainAsPublished: who % 2 === 0,
    retainHandling: 0,
    identifier: null,
  } as const;
  const listen = (filter: number) => ({ act: "subscribe", who, filter, foreign: false, ...options }) as const;
  const lasting = { clean: false, expirySeconds: never, receiveMaximum: 65_535, will: null } as const;
  return [{ act: "connect", who, ...lasting }, listen(3), listen(4 + (who % 2))];
});

describe("whatever clients of 5.0 and 3.1.1 do, and whenever the object sleeps or dies", () => {
  it("everyone is sent exactly what the specification owes him", () => {
    const seen = { messages: 0, dup: 0, shared: 0, wills: 0, deaths: 0, evictions: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(action, { minLength: 40, maxLength: 150, size: "max" }), (actions) => {
        const world = new World();
        for (const each of [...beginning, ...actions]) world.perform(each);
        world.settle();
        for (const key of Object.keys(seen) as (keyof typeof seen)[]) seen[key] += world.seen[key];
      }),
      { numRuns: 300 },
    );
    // The runs went where it is hard, or they prove nothing.
    expect(seen.messages).toBeGreaterThan(6000);
    for (const key of ["dup", "shared", "wills", "deaths", "evictions", "refused"] as const)
      expect([key, Math.min(seen[key], 100)]).toEqual([key, 100]);
  }, 600_000);
});
