import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Packet } from "../../../core/mqtt/packets.ts";
import { deviceId, subscription, topicOf } from "./harness.ts";
import { ModelClient } from "./model-client.ts";
import { type Death, SqliteShell } from "./sqlite-shell.ts";

const one = deviceId(1);

type Action =
  | { readonly act: "publish"; readonly who: number; readonly topic: number; readonly qos: 1 | 2; readonly n: number }
  | { readonly act: "up" | "down"; readonly who: number; readonly n: number; readonly commit: boolean }
  | { readonly act: "drop"; readonly who: number; readonly told: boolean }
  /** `takeover`: even though the old connection lives. */
  | { readonly act: "reconnect"; readonly who: number; readonly takeover: boolean }
  | { readonly act: "duplicate"; readonly who: number; readonly n: number }
  | { readonly act: "evict" }
  | { readonly act: "crash"; readonly death: Death };

const who = fc.nat({ max: 2 });
const death: fc.Arbitrary<Death> = fc.oneof(
  fc.constantFrom("uncommitted" as const, "unsent" as const),
  fc.record({ statements: fc.nat({ max: 12 }) }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant("publish" as const),
      who,
      topic: fc.nat({ max: 1 }),
      qos: fc.constantFrom<1 | 2>(2, 2, 2, 1),
      n: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      act: fc.constantFrom("up" as const, "down" as const),
      who,
      n: fc.integer({ min: 1, max: 12 }),
      commit: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("drop" as const), who, told: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant("reconnect" as const),
      who,
      takeover: fc.nat({ max: 7 }).map((n) => n === 0),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("duplicate" as const), who, n: fc.nat({ max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("evict" as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("crash" as const), death }) },
);

/** Published in one run: below what an absent session's queue holds, presence messages included. */
const publishedMax = 80;

/** Three clients of one device, each of which publishes to and reads everybody's topics, and their network. */
class World {
  readonly clients = [new ModelClient("a", "A"), new ModelClient("b", "B"), new ModelClient("c", "B")];
  /** By topic, in order; each topic has one publisher, because order is a promise to one (section 4.6). */
  readonly published = new Map<string, { qos: number; text: string }[]>();
  readonly seen = { dup: 0, pubrel: 0, evictions: 0 };
  /** Who has heard nothing but CONNACK and PUBREL since it connected. */
  private readonly fresh = new Set<ModelClient>();
  private total = 0;
  private serial = 0;
  private readonly shell = new SqliteShell((socket, received) => this.arrive(socket, received));

  constructor() {
    this.shell.run({ kind: "put_device", device: one, tokenSha256: "x" });
    for (const client of this.clients) {
      const socket = this.open(client);
      this.up(client, false);
      const subscriptions = [subscription(topicOf(one, "#"), { qos: 2 })];
      this.shell.run({
        kind: "packet",
        socket,
        packet: { type: "subscribe", packetId: 1, subscriptions, properties: null },
      });
      this.shell.run({ kind: "socket_closed", socket });
      this.shell.commit();
      client.disconnected();
    }
  }

  private arrive(socket: string, received: Packet | "closed"): void {
    const client = this.clients.find((known) => known.socket === socket);
    if (client === undefined) return;
    if (received === "closed") {
      client.disconnected();
      return;
    }
    if (received.type === "publish" && received.dup) this.seen.dup += 1;
    if (received.type === "connack") this.fresh.add(client);
    else if (received.type !== "pubrel") this.fresh.delete(client);
    else if (this.fresh.has(client)) this.seen.pubrel += 1;
    client.down.push(received);
  }

  private open(client: ModelClient): string {
    const socket = `${client.name}-${this.serial++}`;
    this.shell.identities.set(socket, { kind: "device", device: one });
    this.shell.run({ kind: "socket_opened", socket, upgrade: null });
    client.connect(socket);
    return socket;
  }

  private up(client: ModelClient, commit: boolean): void {
    const packet = client.up.shift();
    if (packet === undefined || client.socket === null) return;
    this.shell.run({ kind: "packet", socket: client.socket, packet });
    if (commit) this.shell.commit();
  }

  perform(action: Action): void {
    const client = this.clients["who" in action ? action.who : 0];
    if (client === undefined) throw new Error("no such client");
    switch (action.act) {
      case "evict":
        this.evict();
        return;
      case "crash":
        this.shell.crash(action.death);
        for (const each of this.clients) each.disconnected();
        return;
      case "publish":
        this.publish(client, action.topic, action.qos, action.n);
        return;
      case "up":
        for (let n = 0; n < action.n; n += 1) this.up(client, action.commit);
        return;
      case "down":
        for (let n = 0; n < action.n; n += 1) client.take();
        return;
      case "drop": {
        const { socket } = client;
        client.disconnected();
        if (socket !== null && action.told) this.shell.lose(socket);
        return;
      }
      case "reconnect":
        if (client.socket === null || action.takeover) this.open(client);
        return;
      case "duplicate":
        client.duplicate(action.n);
    }
  }

  private evict(): void {
    this.shell.commit();
    const before = this.shell.exchanges();
    this.shell.evict();
    expect(this.shell.exchanges()).toEqual(before);
    this.seen.evictions += 1;
  }

  private publish(client: ModelClient, number: number, qos: 1 | 2, count: number): void {
    const topic = topicOf(one, `${client.name}${number}`);
    for (let n = 0; n < count && this.total < publishedMax; n += 1) {
      const text = `${this.total++}`;
      this.published.set(topic, [...(this.published.get(topic) ?? []), { qos, text }]);
      client.publish(topic, qos, text);
    }
  }

  /** The network is kind from here on: everything that was begun ends. */
  settle(): void {
    for (let turn = 0; !this.clients.every((client) => client.idle); turn += 1) {
      if (turn > 2000) throw new Error("the exchange never ends");
      for (const client of this.clients) {
        if (client.socket === null) this.open(client);
        this.up(client, true);
        this.shell.commit();
        client.take();
      }
    }
  }

  check(): void {
    for (const client of this.clients) {
      for (const [topic, messages] of this.published) {
        const got = client.delivered.filter((message) => message.topic === topic);
        const exactly = (qos: number, from: readonly { qos: number; text: string }[]) =>
          from.filter((message) => message.qos === qos).map(({ text }) => text);
        expect(exactly(2, got)).toEqual(exactly(2, messages));
        expect([...new Set(exactly(1, got))]).toEqual(exactly(1, messages));
      }
    }
    for (const table of ["messages", "releases", "received"])
      expect([table, this.shell.count(table)]).toEqual([table, 0]);
  }
}

describe("QoS 2 over a bad network", () => {
  it("reaches every subscriber exactly once and in order, whatever the network and the object do", () => {
    const seen = { dup: 0, pubrel: 0, evictions: 0, delivered: 0 };
    fc.assert(
      fc.property(fc.array(action, { minLength: 30, maxLength: 150, size: "max" }), (actions) => {
        const world = new World();
        for (const each of actions) world.perform(each);
        world.settle();
        world.check();
        seen.dup += world.seen.dup;
        seen.pubrel += world.seen.pubrel;
        seen.evictions += world.seen.evictions;
        for (const { delivered } of world.clients) seen.delivered += delivered.length;
      }),
      { numRuns: 250 },
    );
    // The runs went where it is hard, or they prove nothing.
    expect(seen.dup).toBeGreaterThan(200);
    expect(seen.pubrel).toBeGreaterThan(50);
    expect(seen.evictions).toBeGreaterThan(200);
    expect(seen.delivered).toBeGreaterThan(5000);
  }, 600_000);
});
