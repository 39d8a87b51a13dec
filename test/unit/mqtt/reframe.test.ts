import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import type { PublishPacket, QoS } from "../../../core/mqtt/packets.ts";
import { reframePublish } from "../../../core/mqtt/reframe.ts";

/** Lengths on both sides of every step of the length field that a packet of ours can take. */
const payload = fc
  .constantFrom(0, 1, 100, 117, 118, 119, 120, 121, 122, 16_370, 16_380, 16_384, 40_000)
  .chain((size) => fc.integer({ min: 0, max: 255 }).map((byte) => new Uint8Array(size).fill(byte)));
const flags = fc.record({
  qos: fc.constantFrom<QoS>(0, 1, 2),
  retain: fc.boolean(),
  id: fc.integer({ min: 1, max: 0xffff }),
});

function publish(
  topic: string,
  body: Uint8Array,
  { qos, retain, id }: { qos: QoS; retain: boolean; id: number },
): PublishPacket {
  const packetId = qos === 0 ? null : id;
  return { type: "publish", dup: false, qos, retain, topic, packetId, payload: body, properties: null, wire: null };
}

describe("a PUBLISH made out of another's bytes", () => {
  it("is what the encoder makes of the same topic and payload, and leaves the other as it was", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<4 | 5>(4, 5),
        fc.constantFrom("a", "a/b", "\u0939\u093f/x"),
        payload,
        flags,
        flags,
        (level, topic, body, from, to) => {
          const source = encodePacket(publish(topic, body, from), level);
          const before = source.slice();
          const packetId = to.qos === 0 ? null : to.id;
          expect(reframePublish(source, to.qos, to.retain, packetId)).toEqual(
            encodePacket(publish(topic, body, to), level),
          );
          expect(source).toEqual(before);
        },
      ),
      { numRuns: 400 },
    );
  });
});
