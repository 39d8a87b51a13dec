import fc from "fast-check";
import { generate, parser, type Packet as ReferencePacket } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { packetBytesMax } from "../../../core/limits.ts";
import { decodePacket } from "../../../core/mqtt/decode.ts";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import type { Packet } from "../../../core/mqtt/packets.ts";
import { clientPacket, serverPacket } from "./arbitraries.ts";

/** Our packet in mqtt-packet's words. */
function toReference(packet: Packet): ReferencePacket {
  switch (packet.type) {
    case "connect":
      return {
        cmd: "connect",
        protocolId: "MQTT",
        protocolVersion: 4,
        clean: packet.clean,
        keepalive: packet.keepAliveSeconds,
        clientId: packet.clientId,
        ...(packet.username === null ? {} : { username: packet.username }),
        ...(packet.password === null ? {} : { password: Buffer.from(packet.password) }),
        ...(packet.will === null ? {} : { will: { ...packet.will, payload: Buffer.from(packet.will.payload) } }),
      } as ReferencePacket;
    case "connack":
      return { cmd: "connack", sessionPresent: packet.sessionPresent, returnCode: packet.returnCode };
    case "publish":
      return {
        cmd: "publish",
        dup: packet.dup,
        qos: packet.qos,
        retain: packet.retain,
        topic: packet.topic,
        payload: Buffer.from(packet.payload),
        ...(packet.packetId === null ? {} : { messageId: packet.packetId }),
      };
    case "subscribe":
      return {
        cmd: "subscribe",
        messageId: packet.packetId,
        subscriptions: packet.subscriptions.map(({ filter, qos }) => ({ topic: filter, qos })),
      };
    case "suback":
      return { cmd: "suback", messageId: packet.packetId, granted: [...packet.codes] };
    case "unsubscribe":
      return { cmd: "unsubscribe", messageId: packet.packetId, unsubscriptions: [...packet.filters] };
    case "pingreq":
    case "pingresp":
    case "disconnect":
      return { cmd: packet.type };
    default:
      return { cmd: packet.type, messageId: packet.packetId } as ReferencePacket;
  }
}

function referenceAccepts(bytes: Uint8Array): boolean {
  let packets = 0;
  let failed = false;
  const reference = parser({ protocolVersion: 4 });
  reference.on("packet", () => {
    packets += 1;
  });
  reference.on("error", () => {
    failed = true;
  });
  try {
    reference.parse(Buffer.from(bytes));
  } catch {
    return false;
  }
  return packets > 0 && !failed;
}

describe("beside mqtt-packet", () => {
  it("writes the same bytes for every packet", () => {
    const writesAlike = (packet: Packet) => {
      expect(Buffer.from(encodePacket(packet, 4)).toString("hex")).toBe(
        generate(toReference(packet), { protocolVersion: 4 }).toString("hex"),
      );
    };
    // An empty will payload is written by the reference as none at all; ours stays a will.
    const comparable = clientPacket.filter((packet) => packet.type !== "connect" || packet.will?.payload.length !== 0);
    fc.assert(fc.property(comparable, writesAlike));
    fc.assert(fc.property(serverPacket, writesAlike));
  });

  it("accepts nothing that the reference refuses, however a packet is damaged", () => {
    let accepted = 0;
    fc.assert(
      fc.property(clientPacket, fc.nat(), fc.nat({ max: 255 }), (packet, position, value) => {
        const bytes = encodePacket(packet, 4);
        bytes[position % bytes.length] = value;
        const ours = decodePacket(bytes, { version: 4, sender: "client", packetBytesMax });
        if (ours.kind !== "packet") return;
        // The reference also judges topics (ours does in core/topics) and user names by flags alone.
        if (ours.packet.type === "publish" && /[+#]|^$/.test(ours.packet.topic)) return;
        if (ours.packet.type === "connect" && (ours.packet.will?.topic === "" || ours.packet.clientId === "")) return;
        accepted += 1;
        expect(referenceAccepts(bytes.subarray(0, ours.bytes))).toBe(true);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it("is read as a refusal by a 5.0 client that is told 0x01 in 3.1.1's form", () => {
    const seen: ReferencePacket[] = [];
    const fifth = parser({ protocolVersion: 5 });
    fifth.on("packet", (packet) => seen.push(packet));
    fifth.parse(Buffer.from(encodePacket({ type: "connack", sessionPresent: false, returnCode: 1 }, 4)));
    expect(seen).toMatchObject([{ cmd: "connack", reasonCode: 1 }]);
  });
});
