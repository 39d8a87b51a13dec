import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import type { Packet, PublishPacket } from "../../../core/mqtt/packets.ts";
import { clientPacket, connect, levels } from "./arbitraries.ts";
import { feed, hex, join, under, withoutWire } from "./support.ts";

const publish = (topic: string, payloadBytes = 1): PublishPacket => ({
  type: "publish",
  dup: false,
  qos: 0,
  retain: false,
  topic,
  packetId: null,
  payload: new Uint8Array(payloadBytes).fill(7),
  properties: null,
  wire: null,
});

function next(stream: PacketStream): Packet {
  const item = stream.next();
  if (item.kind !== "packet") throw new Error(item.kind);
  return item.packet;
}

describe.each(levels)("a stream at level %i", (level) => {
  it("finds the same packets however it is cut [MQTT-6.0.0-4]", () => {
    fc.assert(
      fc.property(
        fc.array(clientPacket(level), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        (packets, sizes) => {
          const bytes = join(packets.map((packet) => encodePacket(packet, level)));
          const expected = packets.map((packet) => ({ kind: "packet", packet }));
          for (const cut of [sizes, [1], [bytes.length]]) {
            const stream = new PacketStream(under(level));
            expect(feed(stream, bytes, cut)).toEqual(expected);
            expect(stream.pendingBytes).toBe(0);
          }
        },
      ),
    );
  });

  it("learns its level from the CONNECT, and keeps it", () => {
    fc.assert(
      fc.property(connect(level), clientPacket(level), (first, second) => {
        const stream = new PacketStream(under(null));
        expect(stream.level).toBeNull();
        const bytes = join([encodePacket(first, level), encodePacket(second, level)]);
        expect(feed(stream, bytes, [3])).toMatchObject([{ packet: first }, { packet: second }]);
        expect(stream.level).toBe(level);
      }),
    );
  });
});

describe("a stream", () => {
  it("keeps its level when another CONNECT names another", () => {
    const stream = new PacketStream(under(null));
    stream.push(join([hex("100c 0004 4d515454 04 02 0000 0000"), hex("100d 0004 4d515454 05 02 0000 00 0000")]));
    expect(next(stream)).toMatchObject({ level: 4 });
    expect(next(stream)).toMatchObject({ level: 5 });
    expect(stream.level).toBe(4);
  });

  it("asks for the level where no CONNECT will tell it", () => {
    expect(() => new PacketStream(under(null, "server"))).toThrow(RangeError);
  });

  it("decodes a topic once, of a handful that come again and again", () => {
    const decodes = vi.spyOn(TextDecoder.prototype, "decode");
    try {
      const decodesOf = (topics: readonly string[]): number => {
        const stream = new PacketStream(under(4));
        decodes.mockClear();
        for (let round = 0; round < 3; round += 1) {
          for (const topic of topics) {
            stream.push(encodePacket(publish(topic), 4));
            expect(next(stream)).toMatchObject({ topic });
          }
        }
        return decodes.mock.calls.length;
      };
      const topics = Array.from({ length: 9 }, (_, index) => `sentinel/org_1/devices/dev_1/${index}`);
      expect(decodesOf(topics.slice(0, 8))).toBe(8);
      // One that comes between all others stays, wherever it was.
      expect(decodesOf(topics.flatMap((topic) => [`${topic}/0`, "sentinel/hot"]))).toBe(28);
      // The memory for it is bounded: by their number, and by their length.
      expect(decodesOf(topics)).toBe(27);
      expect(decodesOf(["x".repeat(513)])).toBe(3);
    } finally {
      decodes.mockRestore();
    }
  });

  it("never takes one topic for another, whatever came before", () => {
    const topic = fc.stringMatching(/^[ab\u00e9]{1,3}$/);
    fc.assert(
      fc.property(fc.array(topic, { maxLength: 60 }), (topics) => {
        const bytes = join(topics.map((name) => encodePacket(publish(name), 4)));
        const items = feed(new PacketStream(under(4)), bytes, [11, 2]);
        expect(items).toEqual(topics.map((name) => ({ kind: "packet", packet: publish(name) })));
      }),
    );
  });

  it("keeps what it has read while more comes", () => {
    const stream = new PacketStream(under(4));
    const [first, second] = [encodePacket(publish("a", 50), 4), encodePacket(publish("b", 50), 4)];
    const bytes = join([first, second]);
    const seen: Packet[] = [];
    for (const byte of bytes) {
      stream.push(Uint8Array.of(byte));
      const item = stream.next();
      if (item.kind === "packet") seen.push(item.packet);
    }
    expect(seen.map(withoutWire)).toEqual([publish("a", 50), publish("b", 50)]);
    expect(seen.map((packet) => packet.type === "publish" && packet.wire?.bytes)).toEqual([first, second]);
  });

  it("reads a packet where it lies: the payload and the whole are views of the frame", () => {
    const stream = new PacketStream(under(4));
    const frame = encodePacket(publish("a", 9), 4);
    stream.push(frame);
    const packet = next(stream) as PublishPacket;
    expect(packet.payload.buffer).toBe(frame.buffer);
    expect(packet.wire?.bytes).toBe(frame);
  });

  it("keeps no view of a frame for itself, not even of Node's Buffer, whose slice is one", () => {
    const stream = new PacketStream(under(4));
    const frame = Buffer.from([...encodePacket(publish("abcd"), 4), 0x30, 0x05]);
    stream.push(frame);
    expect(next(stream)).toMatchObject({ topic: "abcd" });
    stream.next();
    const waiting = stream.pending();
    frame.fill(0x7a);
    expect(waiting).toEqual(hex("3005"));
    expect(stream.pending()).toEqual(hex("3005"));
    stream.push(hex("0001 61 0000"));
    next(stream);
    stream.push(encodePacket(publish("zzzz"), 4));
    expect(next(stream)).toMatchObject({ topic: "zzzz" });
  });

  it("says that it waits without making anything", () => {
    const stream = new PacketStream(under(4));
    const waits = stream.next();
    stream.push(hex("30"));
    expect(stream.next()).toBe(waits);
  });

  it("resumes from stored bytes after an eviction, wherever it was cut", () => {
    const bytes = encodePacket({ type: "unsubscribe", packetId: 3, filters: ["a/b"], properties: null }, 5);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const before = new PacketStream(under(5));
      before.push(hex("c000"));
      before.push(bytes.slice(0, cut));
      next(before);
      expect(before.next().kind).toBe("incomplete");
      expect(before.pendingBytes).toBe(cut);
      const stored = before.pending();
      expect(stored.buffer.byteLength).toBe(cut);
      const after = new PacketStream(under(5));
      after.push(stored);
      expect(after.next().kind).toBe("incomplete");
      after.push(bytes.slice(cut));
      expect(next(after).type).toBe("unsubscribe");
    }
  });

  it("holds no long frame for a short rest", () => {
    const stream = new PacketStream(under(4));
    stream.push(join([...Array.from({ length: 100 }, () => encodePacket(publish("a", 100), 4)), hex("30ff")]));
    for (let count = 0; count < 100; count += 1) next(stream);
    stream.next();
    const held = () =>
      (Object.values(stream).find((value) => value instanceof Uint8Array) as Uint8Array).buffer.byteLength;
    expect(held()).toBe(2);
    stream.push(hex("00 0001 61"));
    stream.push(new Uint8Array(124));
    expect(next(stream)).toMatchObject({ type: "publish", topic: "a" });
    expect(held()).toBe(0);
  });

  it("judges a header that has come, though its body has not", () => {
    const early: readonly [string, string][] = [
      ["00", "reserved_packet_type"],
      ["c100", "fixed_header_flags"],
      ["8390", "incomplete"],
      ["83904e", "fixed_header_flags"],
      ["c005", "ping_with_body"],
      ["4003", "trailing_bytes"],
      ["30ffffff7f", "packet_too_large"],
      ["3080808080", "remaining_length_malformed"],
      ["8210 0000", "request_id_zero"],
      ["a210 0000", "request_id_zero"],
      ["4002 0000", "packet_id_zero"],
      ["1420 0004 4d515454", "incomplete"],
      ["1420 0004 4d515454 04", "connect_header_flags"],
      ["1420 0004 4d515454 05", "connect_header_flags"],
      ["1420 0004 4d515454 03", "incomplete"],
      ["1420 0006 4d5149736470 03", "incomplete"],
    ];
    for (const [bytes, kind] of early) {
      const stream = new PacketStream(under(bytes.startsWith("14") ? null : 4));
      const items = kind === "incomplete" ? [] : [{ kind: "refused", refusal: { kind } }];
      expect(feed(stream, hex(bytes), [1])).toMatchObject(items);
    }
  });

  it("reads nothing and keeps nothing after a refusal", () => {
    const stream = new PacketStream(under(4));
    stream.push(hex("c0000000"));
    expect(next(stream).type).toBe("pingreq");
    const refused = stream.next();
    expect(refused).toMatchObject({ kind: "refused", refusal: { kind: "reserved_packet_type" } });
    stream.push(hex("c000"));
    expect(stream.next()).toBe(refused);
    expect(stream.pendingBytes).toBe(0);
    expect(stream.pending()).toEqual(new Uint8Array());
  });
});
