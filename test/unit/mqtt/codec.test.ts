import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packetBytesMax } from "../../../core/limits.ts";
import { type DecodeOptions, decodePacket } from "../../../core/mqtt/decode.ts";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import type { Packet } from "../../../core/mqtt/packets.ts";
import type { RefusalKind } from "../../../core/mqtt/refusals.ts";
import { clientPacket, serverPacket } from "./arbitraries.ts";

const client: DecodeOptions = { version: 4, sender: "client", packetBytesMax };
const server: DecodeOptions = { version: 4, sender: "server", packetBytesMax };

function hex(text: string): Uint8Array {
  return Uint8Array.from((text.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => Number.parseInt(pair, 16)));
}

function kindOf(bytes: Uint8Array, options = client): string {
  const result = decodePacket(bytes, options);
  return result.kind === "refused" ? result.refusal.kind : result.kind;
}

describe("the codec", () => {
  it("decodes whatever it encodes, from either side", () => {
    const roundTrips = (options: DecodeOptions) => (packet: Packet) => {
      const bytes = encodePacket(packet, 4);
      expect(decodePacket(bytes, options)).toEqual({ kind: "packet", packet, bytes: bytes.length });
    };
    fc.assert(fc.property(clientPacket, roundTrips(client)));
    fc.assert(fc.property(serverPacket, roundTrips(server)));
  });

  it("finds the same packets however the stream is cut [MQTT-6.0.0-4]", () => {
    fc.assert(
      fc.property(
        fc.array(clientPacket, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        (packets, cuts) => {
          const encoded = packets.map((packet) => encodePacket(packet, 4));
          const bytes = Uint8Array.from(encoded.flatMap((part) => [...part]));
          const stream = new PacketStream(client);
          const seen: Packet[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = cuts[turn % cuts.length] ?? 1;
            stream.push(bytes.slice(at, at + size));
            at += size;
            for (let item = stream.next(); item.kind !== "incomplete"; item = stream.next()) {
              expect(item.kind).toBe("packet");
              if (item.kind === "packet") seen.push(item.packet);
            }
          }
          expect(seen).toEqual(packets);
          expect(stream.pendingBytes).toBe(0);
        },
      ),
    );
  });

  it("answers any bytes with a packet, a refusal or a wish for more, and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, fromClient) => {
        expect(["packet", "refused", "incomplete"]).toContain(decodePacket(bytes, fromClient ? client : server).kind);
      }),
      { numRuns: 3000 },
    );
  });

  it("resumes from stored bytes after an eviction", () => {
    const bytes = encodePacket({ type: "unsubscribe", packetId: 3, filters: ["a/b"] }, 4);
    const first = new PacketStream(client);
    first.push(bytes.slice(0, 4));
    expect(first.next().kind).toBe("incomplete");
    const second = new PacketStream(client);
    second.push(first.pending());
    second.push(bytes.slice(4));
    expect(second.next().kind).toBe("packet");
  });

  it("keeps U+FEFF, which is a character like any other [MQTT-1.5.3-3]", () => {
    const result = decodePacket(hex("8208 0001 0003 efbbbf 00"), client);
    expect(result).toMatchObject({ packet: { subscriptions: [{ filter: "\ufeff", qos: 0 }] } });
  });

  it.each([
    ["pubrec", "5002 1234"],
    ["pubrel", "6202 1234"],
    ["pubcomp", "7002 1234"],
  ] as const)("writes %s as %s, from either side", (type, bytes) => {
    const packet: Packet = { type, packetId: 0x1234 };
    expect(encodePacket(packet, 4)).toEqual(hex(bytes));
    for (const side of [client, server])
      expect(decodePacket(hex(bytes), side)).toEqual({ kind: "packet", packet, bytes: 4 });
  });

  const refusals: readonly [string, RefusalKind, string, DecodeOptions?][] = [
    ["type 0", "reserved_packet_type", "0000"],
    ["type 15, which is AUTH in 5.0", "reserved_packet_type", "f000"],
    ["a CONNACK from a client", "wrong_direction", "20020000"],
    ["a CONNECT from a server", "wrong_direction", "10", server],
    ["PINGREQ with flags", "fixed_header_flags", "c100"],
    ["SUBSCRIBE without its reserved bit", "fixed_header_flags", "80"],
    ["PUBREL without its reserved bit", "fixed_header_flags", "60020001"],
    ["PUBREL with a second flag", "fixed_header_flags", "63020001"],
    ["PUBREL with the flags of a DUP", "fixed_header_flags", "6a020001"],
    ["PUBREC with PUBREL's flags", "fixed_header_flags", "52020001"],
    ["PUBCOMP with PUBREL's flags", "fixed_header_flags", "72020001"],
    ["packet id 0 in PUBREC", "packet_id_zero", "50020000"],
    ["packet id 0 in PUBREL", "packet_id_zero", "62020000"],
    ["packet id 0 in PUBCOMP", "packet_id_zero", "70020000"],
    ["PUBREC with a body of one", "field_truncated", "500100"],
    ["PUBREL with a body of three", "trailing_bytes", "6203000100"],
    ["PUBCOMP with a body of three", "trailing_bytes", "7003000100"],
    ["packet id 0 in a QoS 2 PUBLISH", "packet_id_zero", "3405 0001 61 0000"],
    ["QoS 3", "qos_3", "36"],
    ["DUP at QoS 0", "dup_at_qos_0", "38"],
    ["a length of five bytes", "remaining_length_malformed", "30ffffffff"],
    ["a length over the maximum before its body", "packet_too_large", "30ffffff7f"],
    ["PINGREQ with a body", "trailing_bytes", "c00100"],
    ["a field that ends outside the packet", "field_truncated", "3003 0005 61"],
    ["ill-formed UTF-8", "utf8_malformed", "3003 0001 ff"],
    ["a surrogate in UTF-8", "utf8_malformed", "3005 0003 eda080"],
    ["an overlong form", "utf8_malformed", "3004 0002 c080"],
    ["U+0000", "utf8_null", "3003 0001 00"],
    ["packet id 0 in PUBLISH", "packet_id_zero", "3205 0001 61 0000"],
    ["packet id 0 in PUBACK", "packet_id_zero", "40020000"],
    ["PUBACK with a body of three", "trailing_bytes", "4003000100"],
    ["a SUBSCRIBE for nothing", "subscribe_empty", "82020001"],
    ["reserved bits in a subscription", "subscribe_reserved_bits", "8206 0001 0001 61 04"],
    ["QoS 3 in a subscription", "subscribe_reserved_bits", "8206 0001 0001 61 03"],
    ["an UNSUBSCRIBE from nothing", "unsubscribe_empty", "a2020001"],
    ["a wrong protocol name", "protocol_name", "100c 0004 4d515458 04 02 0000 0000"],
    ["protocol level 3.1", "protocol_level", "100e 0006 4d514973 6470 03 02 0000 0000"],
    ["protocol level 5", "protocol_level", "100d 0004 4d515454 05 02 0000 00 0000"],
    ["the reserved flag of CONNECT", "connect_reserved_flag", "100c 0004 4d515454 04 03 0000 0000"],
    ["will QoS without a will", "will_flags_without_will", "100c 0004 4d515454 04 0a 0000 0000"],
    ["will QoS 3", "will_qos_3", "100c 0004 4d515454 04 1e 0000 0000"],
    ["a password without a user name", "password_without_username", "100e 0004 4d515454 04 42 0000 0000 0000"],
    ["bytes after CONNECT's last field", "trailing_bytes", "100d 0004 4d515454 04 02 0000 0000 00"],
    ["CONNACK's reserved flags", "connack_flags", "20020200", server],
    ["an unknown return code", "connack_return_code", "20020006", server],
    ["a session in a refusal", "connack_session_present", "20020101", server],
    ["SUBACK 3", "suback_return_code", "9003000103", server],
    ["SUBACK of nothing", "suback_empty", "90020001", server],
  ];
  it.each(refusals)("refuses %s", (_name, kind, text, options) => {
    expect(kindOf(hex(text), options)).toBe(kind);
  });

  it("accepts the largest packet and refuses one byte more", () => {
    const of = (payloadBytes: number) =>
      encodePacket(
        {
          type: "publish",
          dup: false,
          qos: 0,
          retain: false,
          topic: "a",
          packetId: null,
          payload: new Uint8Array(payloadBytes),
        },
        4,
      );
    expect(kindOf(of(packetBytesMax - 7))).toBe("packet");
    expect(kindOf(of(packetBytesMax - 6))).toBe("packet_too_large");
  });

  it("throws on what can't be put on the wire", () => {
    const base = { type: "publish", dup: false, qos: 0, retain: false, packetId: null, payload: hex("") } as const;
    expect(() => encodePacket({ ...base, topic: "a\0" }, 4)).toThrow(RangeError);
    expect(() => encodePacket({ ...base, topic: "\ud800" }, 4)).toThrow(RangeError);
    expect(() => encodePacket({ ...base, topic: "a", dup: true }, 4)).toThrow(RangeError);
    expect(() => encodePacket({ type: "puback", packetId: 0 }, 4)).toThrow(RangeError);
  });
});
