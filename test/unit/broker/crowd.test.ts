import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PublishPacket } from "../../../core/mqtt/packets.ts";
import { unheardBytesMax } from "../../../durable-objects/tenant-hub/broker/limits.ts";
import type { Socket } from "../../../durable-objects/tenant-hub/broker/session.ts";
import { type LiveSocket, liveSocket } from "../../../durable-objects/tenant-hub/live-socket.ts";
import { Outgoing } from "../../../durable-objects/tenant-hub/outgoing.ts";
import { Bench, deviceId, disconnectPacket, publishPacket, topicOf, userId } from "./harness.ts";

const device = deviceId(1);
const topics = [topicOf(device, "x"), topicOf(device, "y")];
const writers = ["writer", "other"];
const readers = Array.from({ length: 7 }, (_, n) => `reader-${n}`);
/** What a message of these tests counts at most: bounds are placed so that a burst crosses them. */
const messageBytes = 256;

interface Reader {
  readonly level: 4 | 5;
  readonly aliases: number;
  readonly packetBytesMax: number | null;
  readonly identifier: number | null;
  readonly qos: 0 | 1;
  /** How many messages fit before it is over its bound; null: all. */
  readonly room: number | null;
}

const readerArbitrary: fc.Arbitrary<Reader> = fc.record({
  level: fc.constantFrom(4, 5),
  aliases: fc.constantFrom(0, 0, 0, 1),
  packetBytesMax: fc.constantFrom(null, null, null, 160),
  identifier: fc.constantFrom(null, null, 7),
  qos: fc.constantFrom(0, 0, 1),
  room: fc.constantFrom(null, null, 1, 3),
});

type Deed =
  | {
      readonly kind: "publish";
      readonly by: string;
      readonly topic: string;
      readonly qos: 0 | 1;
      readonly long: boolean;
    }
  | { readonly kind: "retain" | "ping" | "leave" | "unsubscribe"; readonly by: string };

const burst = fc
  .record({ by: fc.constantFrom(...writers), topic: fc.constantFrom(...topics), times: fc.integer({ min: 1, max: 6 }) })
  .chain(({ by, topic, times }) =>
    fc.array(
      fc.record({
        kind: fc.constant("publish" as const),
        by: fc.constant(by),
        topic: fc.constant(topic),
        qos: fc.constantFrom<(0 | 1)[]>(0, 0, 0, 0, 1),
        long: fc.boolean(),
      }),
      { minLength: times, maxLength: times },
    ),
  );
const between = fc.record({
  kind: fc.constantFrom("retain" as const, "ping" as const, "leave" as const, "unsubscribe" as const),
  by: fc.constantFrom(...readers),
});
const deedsArbitrary = fc
  .array(fc.oneof({ arbitrary: burst, weight: 3 }, { arbitrary: between.map((deed): Deed[] => [deed]), weight: 1 }), {
    maxLength: 12,
  })
  .map((groups): Deed[] => groups.flat());

/** @param apart something that changes nothing happens between any two packets, so that no two are ever one burst */
function outcome(options: readonly Reader[], deeds: readonly Deed[], apart: boolean): unknown {
  const broker = new Bench();
  broker.know(device);
  for (const writer of writers) broker.modern(writer, device);
  for (const [n, reader] of readers.entries()) {
    const option = options[n] as Reader;
    const properties = {
      ...(option.aliases > 0 && { topicAliasMaximum: option.aliases }),
      ...(option.packetBytesMax !== null && { maximumPacketSize: option.packetBytesMax }),
    };
    broker.user(reader, userId(n), "admin", {
      level: option.level,
      properties: option.level === 5 ? properties : null,
    });
    const identifier = option.level === 5 && option.identifier !== null ? { identifier: option.identifier } : {};
    broker.subscribeWith({ qos: option.qos, ...identifier }, reader, ...topics);
    const socket = broker.state.sockets.get(reader);
    if (socket !== undefined && option.room !== null)
      socket.unheardBytes = unheardBytesMax - option.room * messageBytes;
  }
  // The first writer hears itself.
  broker.subscribeWith({ qos: 0 }, "writer", ...topics);
  const nothing = (): void => broker.do({ kind: "outbox_drained", bytes: 0 });
  for (const deed of deeds) {
    if (apart) nothing();
    if (deed.kind === "publish")
      broker.publish(deed.by, deed.topic, {
        qos: deed.qos,
        text: (deed.long ? "long " : "short").padEnd(deed.long ? 90 : 5),
      });
    else if (deed.kind === "retain") broker.publish("writer", topics[0] as string, { qos: 0, retain: true });
    else if (deed.kind === "ping") broker.send(deed.by, { type: "pingreq" });
    else if (deed.kind === "leave") broker.send(deed.by, disconnectPacket());
    else broker.unsubscribe(deed.by, topics[0] as string);
  }
  nothing();
  const names = [...writers, ...readers];
  return names.map((name) => ({
    name,
    sent: broker.take(name),
    closed: broker.closed.get(name),
    unheard: broker.state.sockets.get(name)?.unheardBytes,
  }));
}

describe("a burst to many subscribers", () => {
  it("is sent and counted as its messages one by one are, whoever is among them and whatever comes between", () => {
    fc.assert(
      fc.property(
        fc.array(readerArbitrary, { minLength: readers.length, maxLength: readers.length }),
        deedsArbitrary,
        (options, deeds) => {
          expect(outcome(options, deeds, false)).toEqual(outcome(options, deeds, true));
        },
      ),
      { numRuns: 400 },
    );
  });

  it("is one crowd to the end, and none once anything else happens", () => {
    const broker = new Bench();
    broker.know(device);
    broker.modern("writer", device);
    for (const [n, reader] of readers.entries()) {
      broker.user(reader, userId(n), "admin");
      broker.subscribe(reader, topics[0] as string);
    }
    broker.publish("writer", topics[0] as string, { qos: 0 });
    const { crowd } = broker.state;
    for (let n = 0; n < 4; n += 1) broker.publish("writer", topics[0] as string, { qos: 0 });
    expect(broker.state.crowd).toBe(crowd);
    expect((crowd?.legacy.length ?? 0) + (crowd?.modern.length ?? 0)).toBe(readers.length);
    broker.send(readers[0] as string, { type: "pingreq" });
    expect(broker.state.crowd).toBeNull();
    const unheard = readers.map((reader) => broker.state.sockets.get(reader)?.unheardBytes ?? 0);
    expect(unheard[0]).toBe(0);
    expect(new Set(unheard.slice(1)).size).toBe(1);
    expect(unheard[1]).toBeGreaterThan(5 * 64);
  });

  it("is one crowd whatever its members speak, and is written once for each of two levels", () => {
    const broker = new Bench();
    broker.know(device);
    broker.modern("writer", device);
    for (const [n, reader] of readers.entries()) {
      broker.user(reader, userId(n), "admin", { level: n < 3 ? 4 : 5 });
      broker.subscribe(reader, topics[0] as string);
    }
    for (let n = 0; n < 4; n += 1) broker.publish("writer", topics[0] as string, { qos: 0 });
    const { crowd } = broker.state;
    expect([crowd?.legacy.length, crowd?.modern.length, crowd?.rest.length]).toEqual([3, readers.length - 3, 0]);
  });
});

interface Peer {
  readonly socket: Socket;
  readonly live: LiveSocket;
  readonly frames: Uint8Array[];
}

function peers(): Peer[] {
  return Array.from({ length: 6 }, (_, n) => {
    const frames: Uint8Array[] = [];
    const ws = { send: (frame: Uint8Array) => frames.push(frame.slice()) } as unknown as WebSocket;
    const level = n === 0 ? 5 : 4;
    return { socket: { id: `s${n}`, level } as Socket, live: liveSocket(`s${n}`, ws, level, []), frames };
  });
}

const packets: PublishPacket[] = Array.from({ length: 5 }, (_, n) =>
  publishPacket(topics[0] as string, { qos: 0, text: `${n}` }),
);

/** To one socket, to a crowd (the same array each time), or everything that waits leaves. */
type Sending =
  | { readonly kind: "one"; readonly to: number; readonly packet: number }
  | { readonly kind: "crowd"; readonly to: number; readonly packet: number }
  | { readonly kind: "flush" };

const crowds = [[1, 2, 3, 4, 5], [2, 3], [0], [4, 1]];

function framesAfter(sendings: readonly Sending[], apart: boolean): number[][][] {
  const all = peers();
  const outgoing = new Outgoing();
  const flush = (): void => outgoing.flush(() => {});
  const members = crowds.map((crowd) => crowd.map((n) => (all[n] as Peer).socket));
  const liveOf = (socket: Socket): LiveSocket | undefined => all.find((peer) => peer.socket === socket)?.live;
  for (const sending of sendings) {
    if (sending.kind === "flush") {
      flush();
      continue;
    }
    const packet = packets[sending.packet] as PublishPacket;
    const one = ({ live, socket }: Peer): void => outgoing.send(live, socket.level, packet);
    if (sending.kind === "one") one(all[sending.to] as Peer);
    else if (apart) for (const n of crowds[sending.to] ?? []) one(all[n] as Peer);
    else outgoing.sendAll(members[sending.to] as Socket[], packet, liveOf);
  }
  expect(outgoing.isEmpty).toBe(outgoing.size === 0);
  flush();
  return all.map(({ frames }) => frames.map((frame) => [...frame]));
}

describe("what leaves for a crowd", () => {
  it("is in the same frames as if each had been sent to by itself", () => {
    const packet = fc.nat({ max: packets.length - 1 });
    const sending: fc.Arbitrary<Sending> = fc.oneof(
      { arbitrary: fc.record({ kind: fc.constant("one" as const), to: fc.nat({ max: 5 }), packet }), weight: 2 },
      { arbitrary: fc.record({ kind: fc.constant("crowd" as const), to: fc.nat({ max: 3 }), packet }), weight: 6 },
      { arbitrary: fc.record({ kind: fc.constant("flush" as const) }), weight: 1 },
    );
    fc.assert(
      fc.property(fc.array(sending, { maxLength: 30 }), (sendings) => {
        expect(framesAfter(sendings, false)).toEqual(framesAfter(sendings, true));
      }),
      { numRuns: 500 },
    );
  });

  it("counts each packet for each member", () => {
    const all = peers();
    const outgoing = new Outgoing();
    const sockets = all.map(({ socket }) => socket);
    const liveOf = (socket: Socket): LiveSocket | undefined => all.find((peer) => peer.socket === socket)?.live;
    for (const packet of packets) outgoing.sendAll(sockets, packet, liveOf);
    expect([outgoing.size, outgoing.sockets]).toEqual([packets.length * all.length, all.length]);
  });
});
