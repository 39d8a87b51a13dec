import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePacket } from "../../../core/mqtt/decode.ts";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import type { Packet, ProtocolLevel, Sender } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { clientPacket, levels, serverPacket } from "./arbitraries.ts";
import { referenceBytes, referenceReads, toReference } from "./reference.ts";
import { hex, toHex, under, withoutWire } from "./support.ts";
import { traps } from "./traps.ts";

/** It keeps user properties in an object: one of a name, in no order, none of them empty. */
function comparable(properties: Properties | null): Properties | null {
  if (properties?.userProperties === undefined) return properties;
  const byName = new Map(properties.userProperties.filter(([name, value]) => name !== "" && value !== ""));
  // Names that are numbers come first in its object.
  const userProperties = [...byName].filter(([name]) => !/^\d+$/.test(name) && name !== "__proto__");
  const { userProperties: _all, ...rest } = properties;
  if (userProperties.length > 0) return { ...rest, userProperties };
  return Object.keys(rest).length === 0 ? null : rest;
}

function comparablePacket(packet: Packet): Packet {
  if (!("properties" in packet)) return packet;
  const properties = comparable(packet.properties);
  if (packet.type !== "connect" || packet.will === null) return { ...packet, properties } as Packet;
  return { ...packet, properties, will: { ...packet.will, properties: comparable(packet.will.properties) } };
}

/** What it can say at all. */
function isComparable(packet: Packet): boolean {
  // An empty will payload it writes as none at all, and an AUTH without a body it can't read.
  if (packet.type === "connect") return packet.will?.payload.length !== 0;
  return packet.type !== "auth" || packet.reasonCode !== 0 || packet.properties !== null;
}

const packets = (level: ProtocolLevel, sender: Sender) =>
  (sender === "client" ? clientPacket(level) : serverPacket(level)).map(comparablePacket).filter(isComparable);

describe.each(levels.flatMap((level) => (["client", "server"] as const).map((sender) => [level, sender] as const)))(
  "beside mqtt-packet at level %i, as %s",
  (level, sender) => {
    it("we read what it writes", () => {
      fc.assert(
        fc.property(packets(level, sender), (packet) => {
          const bytes = referenceBytes(packet, level);
          const result = decodePacket(bytes, under(level, sender));
          expect(result).toMatchObject({ kind: "packet", bytes: bytes.length });
          if (result.kind === "packet") expect(withoutWire(result.packet)).toEqual(packet);
        }),
        { numRuns: 300 },
      );
    });

    it("it reads what we write", () => {
      fc.assert(
        fc.property(packets(level, sender), (packet) => {
          const { packets: read, content } = referenceReads(encodePacket(packet, level), level);
          expect(content).toBe(true);
          expect(read).toMatchObject([toReference(packet, level)]);
        }),
        { numRuns: 300 },
      );
    });

    if (level < 5) {
      it("the bytes are the same", () => {
        fc.assert(
          fc.property(packets(level, sender), (packet) => {
            expect(toHex(encodePacket(packet, level))).toBe(toHex(referenceBytes(packet, level)));
          }),
        );
      });
    }
  },
);

describe.each(levels)("beside mqtt-packet at level %i", (level) => {
  it("we accept nothing that it refuses, however a packet is damaged", () => {
    let accepted = 0;
    fc.assert(
      fc.property(packets(level, "client"), fc.nat(), fc.nat({ max: 255 }), (packet, position, value) => {
        const bytes = encodePacket(packet, level);
        bytes[position % bytes.length] = value;
        const ours = decodePacket(bytes, under(level));
        if (ours.kind !== "packet" || !isComparable(ours.packet)) return;
        // It judges an empty client id, and knows neither 3.1's DUP of a SUBSCRIBE nor its missing user name.
        if (ours.packet.type === "connect" && (ours.packet.clientId === "" || level === 3)) return;
        if (level === 3 && ours.packet.type !== "publish" && ((bytes[0] ?? 0) & 0x08) !== 0) return;
        accepted += 1;
        expect([toHex(bytes), referenceReads(bytes.subarray(0, ours.bytes), level).content]).toEqual([
          toHex(bytes),
          true,
        ]);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

describe("mqtt-packet", () => {
  it("takes a 3.1.1 refusal for one when it speaks 5.0", () => {
    const bytes = encodePacket({ type: "connack", sessionPresent: false, reasonCode: 0x84, properties: null }, 4);
    expect(referenceReads(bytes, 5).packets).toMatchObject([{ cmd: "connack", reasonCode: 1 }]);
  });

  /** Why the codec is our own (docs/adr/0007): should an upgrade refuse these, the question is open again. */
  it("lets through more than half of what the specification forbids", () => {
    const byParser = traps.filter(([, level, bytes, kind]) => {
      // What came before, who sends, and how much is too much it can't know.
      const isFirst = level !== null || bytes.startsWith("10");
      return isFirst && !["wrong_direction", "reason_code_wrong_sender", "packet_too_large"].includes(kind);
    });
    const through = byParser.filter(([, level, bytes]) => referenceReads(hex(bytes), level).content);
    expect(byParser.length).toBeGreaterThan(200);
    expect(through.length).toBeGreaterThan(byParser.length / 2);
  });
});
