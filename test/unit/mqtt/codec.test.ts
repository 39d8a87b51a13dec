import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packetBytesMax } from "../../../core/limits.ts";
import { decodePacket } from "../../../core/mqtt/decode.ts";
import { encodedLength, encodePacket, writePacket } from "../../../core/mqtt/encode.ts";
import type { ConnectPacket, Packet, ProtocolLevel, PublishPacket, Sender } from "../../../core/mqtt/packets.ts";
import { type ReasonCode, reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { clientPacket, levels, publish, serverPacket } from "./arbitraries.ts";
import { hex, toHex, under, withoutWire } from "./support.ts";

const message: PublishPacket = {
  type: "publish",
  dup: false,
  qos: 0,
  retain: false,
  topic: "a",
  packetId: null,
  payload: hex("ff"),
  properties: null,
  wire: null,
};
const hello: ConnectPacket = {
  type: "connect",
  level: 4,
  clean: true,
  keepAliveSeconds: 60,
  clientId: "c",
  will: null,
  username: null,
  password: null,
  properties: null,
};

function decoded(bytes: Uint8Array, level: ProtocolLevel | null, sender: Sender = "client"): Packet {
  const result = decodePacket(bytes, under(level, sender));
  expect(result).toMatchObject({ kind: "packet", bytes: bytes.length });
  if (result.kind !== "packet") throw new Error(result.kind);
  return withoutWire(result.packet);
}

describe.each(levels)("the codec at level %i", (level) => {
  it.each(["client", "server"] as const)("decodes whatever it encodes of a %s, and knows its length", (sender) => {
    fc.assert(
      fc.property(sender === "client" ? clientPacket(level) : serverPacket(level), (packet) => {
        const bytes = encodePacket(packet, level);
        expect(encodedLength(packet, level)).toBe(bytes.length);
        expect(decoded(bytes, level, sender)).toEqual(packet);
      }),
      { numRuns: 500 },
    );
  });

  it("writes the same bytes into a buffer that is there, if they fit", () => {
    fc.assert(
      fc.property(clientPacket(level), fc.nat({ max: 9 }), fc.nat({ max: 9 }), (packet, at, spare) => {
        const bytes = encodePacket(packet, level);
        const buffer = new Uint8Array(at + bytes.length + spare).fill(0xaa);
        expect(writePacket(packet, level, buffer, at + spare + 1)).toBe(-1);
        expect(buffer.every((byte) => byte === 0xaa)).toBe(true);
        expect(writePacket(packet, level, buffer, at)).toBe(at + bytes.length);
        expect(toHex(buffer)).toBe("aa".repeat(at) + toHex(bytes) + "aa".repeat(spare));
      }),
    );
  });

  it("answers any bytes with a packet, a refusal or a wish for more, and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, fromClient) => {
        const { kind } = decodePacket(bytes, under(level, fromClient ? "client" : "server"));
        expect(["packet", "refused", "incomplete"]).toContain(kind);
      }),
      { numRuns: 3000 },
    );
  });

  it("hands a PUBLISH on with its bytes as they came", () => {
    fc.assert(
      fc.property(publish(level, "client"), fc.uint8Array({ maxLength: 9 }), (packet, behind) => {
        const bytes = encodePacket(packet, level);
        const result = decodePacket(new Uint8Array([...bytes, ...behind]), under(level));
        expect(result).toMatchObject({ packet: { wire: { level } } });
        if (result.kind === "packet" && result.packet.type === "publish")
          expect(toHex(result.packet.wire?.bytes ?? hex(""))).toBe(toHex(bytes));
      }),
    );
  });

  it("reads a CONNECT before any level is agreed on, and nothing else", () => {
    const bytes = encodePacket({ ...hello, level }, level);
    expect(decoded(bytes, null)).toEqual({ ...hello, level });
    expect(decodePacket(hex("c000"), under(null))).toMatchObject({ refusal: { kind: "connect_expected" } });
  });

  it("keeps U+FEFF, which is a character like any other [MQTT-1.5.3-3], [MQTT-1.5.4-3]", () => {
    const bytes = encodePacket({ ...message, topic: "\ufeffa" }, level);
    expect(toHex(bytes)).toContain("efbbbf61");
    expect(decoded(bytes, level)).toMatchObject({ topic: "\ufeffa" });
  });

  it("accepts the largest packet and refuses one byte more", () => {
    const header = level === 5 ? 8 : 7;
    const of = (payloadBytes: number) => encodePacket({ ...message, payload: new Uint8Array(payloadBytes) }, level);
    expect(decodePacket(of(packetBytesMax - header), under(level)).kind).toBe("packet");
    expect(decodePacket(of(packetBytesMax - header + 1), under(level))).toMatchObject({
      refusal: { kind: "packet_too_large", reasonCode: 0x95 },
    });
  });
});

describe("what is written", () => {
  const ack = { type: "puback", packetId: 0x1234, reasonCode: 0, properties: null } as const;
  const reasoned: readonly [string, Packet, string][] = [
    ["PUBACK, success: no reason, no properties (3.4.2.1)", ack, "4002 1234"],
    ["PUBACK with a reason: no properties (3.4.2.2.1)", { ...ack, reasonCode: 0x10 }, "4003 1234 10"],
    [
      "PUBACK, success with a reason string",
      { ...ack, properties: { reasonString: "a" } },
      "4008 1234 00 04 1f 0001 61",
    ],
    ["PUBREC refused", { ...ack, type: "pubrec", reasonCode: 0x97 }, "5003 1234 97"],
    ["PUBREL with its flag [MQTT-3.6.1-1]", { ...ack, type: "pubrel" }, "6202 1234"],
    ["PUBREL of an unknown id", { ...ack, type: "pubrel", reasonCode: 0x92 }, "6203 1234 92"],
    ["PUBCOMP", { ...ack, type: "pubcomp" }, "7002 1234"],
    ["DISCONNECT, success (3.14.2.1)", { type: "disconnect", reasonCode: 0, properties: null }, "e000"],
    ["DISCONNECT with a reason", { type: "disconnect", reasonCode: 0x8e, properties: null }, "e001 8e"],
    ["DISCONNECT with nothing in its properties", { type: "disconnect", reasonCode: 0x8e, properties: {} }, "e001 8e"],
    [
      "DISCONNECT that sends elsewhere",
      { type: "disconnect", reasonCode: 0x9d, properties: { serverReference: "x" } },
      "e006 9d 04 1c 0001 78",
    ],
    ["AUTH, success (3.15.2.1)", { type: "auth", reasonCode: 0, properties: null }, "f000"],
    [
      "AUTH that goes on",
      { type: "auth", reasonCode: 0x18, properties: { authenticationMethod: "m" } },
      "f006 18 04 15 0001 6d",
    ],
    ["CONNACK", { type: "connack", sessionPresent: true, reasonCode: 0, properties: null }, "2003 01 00 00"],
    [
      "UNSUBACK with a code for each filter (3.11.3)",
      { type: "unsuback", packetId: 1, codes: [0, 0x11], properties: null },
      "b005 0001 00 00 11",
    ],
    [
      "SUBSCRIBE with its options (3.8.3.1)",
      {
        type: "subscribe",
        packetId: 1,
        subscriptions: [{ filter: "a", qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
        properties: { subscriptionIdentifiers: [321] },
      },
      "820a 0001 03 0bc102 0001 61 2e",
    ],
    ["PUBLISH that an alias names", { ...message, topic: "", properties: { topicAlias: 1 } }, "3007 0000 03 230001 ff"],
  ];
  it.each(reasoned)("in 5.0: %s", (_what, packet, text) => {
    expect(toHex(encodePacket(packet, 5))).toBe(toHex(hex(text)));
  });

  const older: readonly [string, Packet, ProtocolLevel, string][] = [
    ["CONNECT of 3.1 says MQIsdp", { ...hello, level: 3 }, 3, "100f 0006 4d5149736470 03 02 003c 0001 63"],
    ["PUBACK has no reason", { ...ack, reasonCode: 0x87 }, 4, "4002 1234"],
    ["PUBLISH has no properties", { ...message, properties: { topicAlias: 1 } }, 4, "3004 0001 61 ff"],
    ["UNSUBACK has no codes", { type: "unsuback", packetId: 1, codes: [0x11], properties: null }, 4, "b002 0001"],
    [
      "SUBACK has one word for every refusal (3.9.3)",
      { type: "suback", packetId: 1, codes: [0, 1, 2, 0x87, 0x9e], properties: { reasonString: "a" } },
      4,
      "9007 0001 00 01 02 80 80",
    ],
    [
      "SUBSCRIBE has a QoS alone",
      {
        type: "subscribe",
        packetId: 1,
        subscriptions: [{ filter: "a", qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 1 }],
        properties: null,
      },
      4,
      "8206 0001 0001 61 01",
    ],
    ["DISCONNECT of a client", { type: "disconnect", reasonCode: 0, properties: null }, 4, "e000"],
    [
      "CONNACK has a return code (table 3.1)",
      { type: "connack", sessionPresent: false, reasonCode: 0x87, properties: null },
      4,
      "2002 00 05",
    ],
    [
      "CONNACK of 3.1.1 says whether there is a session",
      { type: "connack", sessionPresent: true, reasonCode: 0, properties: null },
      4,
      "2002 01 00",
    ],
    [
      "CONNACK of 3.1 doesn't",
      { type: "connack", sessionPresent: true, reasonCode: 0, properties: null },
      3,
      "2002 00 00",
    ],
  ];
  it.each(older)("before 5.0: %s", (_what, packet, level, text) => {
    expect(toHex(encodePacket(packet, level))).toBe(toHex(hex(text)));
  });

  const returned: readonly [ReasonCode, number, ReasonCode][] = [
    [0x84, 1, 0x84],
    [0x85, 2, 0x85],
    [0x88, 3, 0x88],
    [0x86, 4, 0x86],
    [0x87, 5, 0x87],
    [0x97, 3, 0x88],
  ];
  it.each(returned)("CONNACK %i is return code %i before 5.0, and read as %i", (reasonCode, returnCode, read) => {
    const bytes = encodePacket({ type: "connack", sessionPresent: false, reasonCode, properties: null }, 4);
    expect(bytes[3]).toBe(returnCode);
    expect(decoded(bytes, 4, "server")).toMatchObject({ reasonCode: read });
  });

  const unwritable: readonly [string, Packet, ProtocolLevel][] = [
    ["U+0000 in a topic", { ...message, topic: "a\0" }, 4],
    ["a lone surrogate", { ...message, topic: "\ud800" }, 4],
    ["a surrogate at the end", { ...message, topic: "a\ud83d" }, 4],
    ["surrogates the wrong way round", { ...message, topic: "\ude00\ud83d" }, 4],
    ["a string over 65,535 bytes", { ...message, topic: "é".repeat(32_768) }, 4],
    ["DUP at QoS 0", { ...message, dup: true }, 4],
    ["QoS 1 without a packet id", { ...message, qos: 1 }, 5],
    ["QoS 0 with one", { ...message, packetId: 1 }, 5],
    ["no topic", { ...message, topic: "" }, 5],
    ["no topic but an alias before 5.0", { ...message, topic: "", properties: { topicAlias: 1 } }, 4],
    ["topic alias 0", { ...message, properties: { topicAlias: 0 } }, 5],
    ["a property of another packet", { ...message, properties: { receiveMaximum: 1 } }, 5],
    ["a response topic with a wildcard", { ...message, properties: { responseTopic: "a/+" } }, 5],
    ["a number that doesn't fit", { ...message, properties: { messageExpiryInterval: 2 ** 32 } }, 5],
    ["a number that isn't whole", { ...message, properties: { messageExpiryInterval: 0.5 } }, 5],
    ["packet id 0", { ...ack, packetId: 0 }, 4],
    ["packet id 65,536", { ...ack, packetId: 65_536 }, 4],
    ["a reason that PUBACK doesn't have", { ...ack, reasonCode: reasonCodes.session_taken_over }, 5],
    ["a server's DISCONNECT before 5.0", { type: "disconnect", reasonCode: 0x8e, properties: null }, 4],
    ["AUTH before 5.0", { type: "auth", reasonCode: 0x18, properties: null }, 4],
    ["AUTH without a method", { type: "auth", reasonCode: 0x18, properties: { reasonString: "a" } }, 5],
    ["a session in a refusal", { type: "connack", sessionPresent: true, reasonCode: 0x87, properties: null }, 5],
    ["SUBSCRIBE to nothing", { type: "subscribe", packetId: 1, subscriptions: [], properties: null }, 5],
    ["UNSUBSCRIBE from nothing", { type: "unsubscribe", packetId: 1, filters: [], properties: null }, 4],
    ["SUBACK of nothing", { type: "suback", packetId: 1, codes: [], properties: null }, 4],
    ["a password without a user name", { ...hello, password: hex("00") }, 4],
    ["CONNECT at another level than it asks for", hello, 5],
    [
      "a will payload over 65,535 bytes",
      { ...hello, will: { topic: "a", payload: new Uint8Array(65_536), qos: 0, retain: false, properties: null } },
      4,
    ],
  ];
  it.each(unwritable)("is never %s", (_what, packet, level) => {
    expect(() => encodePacket(packet, level)).toThrow(RangeError);
    expect(() => encodedLength(packet, level)).toThrow(RangeError);
  });

  it("is a string of one to four bytes a character, measured at each border of UTF-8", () => {
    for (const text of [
      " ",
      "~",
      "\xa0",
      "\u07ff",
      "\u0800",
      "\ud7ff",
      "\ue000",
      "\ufdcf",
      "\ufdf0",
      "\ufffd",
      "\u{10000}",
      "\u{1fffd}",
      "\u{10fffd}",
    ]) {
      const packet: PublishPacket = { ...message, topic: `${text}a${text}` };
      expect(encodedLength(packet, 4)).toBe(2 + 2 + Buffer.byteLength(packet.topic) + 1);
      expect(decoded(encodePacket(packet, 4), 4)).toEqual(packet);
    }
  });

  it("is a password alone in 5.0 (3.1.2.9)", () => {
    const packet: ConnectPacket = { ...hello, level: 5, password: hex("70") };
    expect(decoded(encodePacket(packet, 5), 5)).toEqual(packet);
  });

  it("is nobody else's: the same message twice is two arrays", () => {
    const first = encodePacket(message, 4);
    first.fill(0);
    expect(toHex(encodePacket(message, 4))).toBe("3004000161ff");
  });
});

describe("what is read", () => {
  const short: readonly [string, string, Packet][] = [
    ["PUBACK of 2: success", "4002 0001", { type: "puback", packetId: 1, reasonCode: 0, properties: null }],
    ["PUBACK of 3: a reason", "4003 0001 10", { type: "puback", packetId: 1, reasonCode: 0x10, properties: null }],
    ["PUBREC of 4: no properties", "5004 0001 00 00", { type: "pubrec", packetId: 1, reasonCode: 0, properties: null }],
    ["DISCONNECT of 0: success", "e000", { type: "disconnect", reasonCode: 0, properties: null }],
    ["DISCONNECT of 1: a reason", "e001 04", { type: "disconnect", reasonCode: 4, properties: null }],
    ["DISCONNECT of 2: no properties", "e002 00 00", { type: "disconnect", reasonCode: 0, properties: null }],
    ["AUTH of 1: a reason", "f001 18", { type: "auth", reasonCode: 0x18, properties: null }],
  ];
  it.each(short)("in 5.0: %s", (_what, text, packet) => {
    expect(decoded(hex(text), 5)).toEqual(packet);
  });
  it("in 5.0: AUTH of 0 from a server is success (3.15.2.1)", () => {
    expect(decoded(hex("f000"), 5, "server")).toEqual({ type: "auth", reasonCode: 0, properties: null });
  });

  it("in 3.1: the length overrules the flags of user name and password (3.1, section 3.1)", () => {
    const bytes = hex("100f 0006 4d5149736470 03 c2 003c 0001 63");
    expect(decoded(bytes, null)).toEqual({ ...hello, level: 3 });
    expect(decodePacket(hex("100d 0004 4d515454 04 c2 003c 0001 63"), under(null))).toMatchObject({
      refusal: { kind: "field_truncated" },
    });
  });
  it("in 3.1: a client id of any length, the broker judges it", () => {
    for (const clientId of ["", "x".repeat(24)]) {
      const packet: ConnectPacket = { ...hello, level: 3, clientId };
      expect(decoded(encodePacket(packet, 3), null)).toEqual(packet);
    }
  });
  it("in 3.1: PUBREL, SUBSCRIBE and UNSUBSCRIBE sent again say so (3.1, section 2.1)", () => {
    expect(decoded(hex("6a02 0001"), 3).type).toBe("pubrel");
    expect(decoded(hex("8a06 0001 0001 61 00"), 3).type).toBe("subscribe");
    expect(decoded(hex("aa05 0001 0001 61"), 3).type).toBe("unsubscribe");
  });

  it("before 5.0: a length may be longer than it need be, but is not handed on so (2.2.3)", () => {
    const result = decodePacket(hex("30 8400 0001 61 ff"), under(4));
    expect(result).toMatchObject({ kind: "packet", packet: { topic: "a", wire: null } });
  });

  it("makes every packet of a type alike inside: one order of keys", () => {
    const keysOf = (packet: Packet) => Object.keys(packet).join();
    const seen = new Map<string, Set<string>>();
    for (const level of levels) {
      for (const sender of ["client", "server"] as const) {
        const arbitrary = sender === "client" ? clientPacket(level) : serverPacket(level);
        for (const packet of fc.sample(arbitrary, 200)) {
          const result = decodePacket(encodePacket(packet, level), under(level, sender));
          if (result.kind !== "packet") throw new Error(result.kind);
          const keys = seen.get(packet.type) ?? new Set();
          seen.set(packet.type, keys.add(keysOf(result.packet)));
        }
      }
    }
    expect([...seen.keys()].length).toBe(15);
    for (const [type, keys] of seen) expect([type, keys.size]).toEqual([type, 1]);
  });
});
