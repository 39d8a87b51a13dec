import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePacket } from "../../../core/mqtt/decode.ts";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import type { Packet, ProtocolLevel, Sender } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { clientPacket, levels, serverPacket } from "./arbitraries.ts";
import { referenceBytes, referenceReads, toReference } from "./reference.ts";
import { hex, toHex, under, withoutWire } from "./support.ts";

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
  it.each([
    ["ill-formed UTF-8 [MQTT-1.5.4-1]", 5, "3004 0001 ff 00"],
    ["U+0000 [MQTT-1.5.4-2]", 5, "3004 0001 00 00"],
    ["packet id 0 [MQTT-2.2.1-3]", 5, "3206 0001 61 0000 00"],
    ["DUP at QoS 0 [MQTT-3.3.1-2]", 5, "3804 0001 61 00"],
    ["PINGREQ with a body", 4, "c001 00"],
    ["will QoS 3 [MQTT-3.1.2-12]", null, "1010 0004 4d515454 04 1e 0000 0000 0000 0000"],
    ["a password alone before 5.0 [MQTT-3.1.2-22]", null, "100e 0004 4d515454 04 42 0000 0000 0000"],
    ["bytes behind the last field", null, "100d 0004 4d515454 04 02 0000 0000 00"],
    ["a property twice", 5, "3008 0001 61 04 0101 0101"],
    ["a property of another packet (2.2.2.2)", 5, "3007 0001 61 03 210001"],
    ["topic alias 0 [MQTT-3.3.2-8]", 5, "3007 0001 61 03 230000"],
  ] as const)("lets through %s", (_what, level, bytes) => {
    expect(referenceReads(hex(bytes), level).content).toBe(true);
    expect(decodePacket(hex(bytes), under(level)).kind).toBe("refused");
  });
});
