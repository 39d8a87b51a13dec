/** The first byte and the remaining length of every packet, in both versions (section 2.1 and 2.2.3). */
import { type AckType, ack, ackTypes, connect, publish, subscribe, unsubscribe } from "../support/packets.ts";
import type { Device } from "../support/target.ts";
import { hex, type Level, packet, sectionFor, sized, u8, u16, varint } from "../support/wire.ts";
import { accepted, bare, malformed, protocolError, rejected, runSequences, type Sequence, silent } from "./sequence.ts";

const levels = [3, 4, 5] as const;
const byteName = (value: number): string => value.toString(16).padStart(2, "0").toUpperCase();

interface Kind {
  readonly name: string;
  /** Right first byte. */
  readonly first: number;
  readonly clause: string;
  /** What comes after the fixed header. */
  readonly body: Uint8Array;
}

function clientKinds(device: Device, level: Level): readonly Kind[] {
  const topic = device.scope();
  const acks = Object.entries(ackTypes) as [AckType, number][];
  const kind = (name: string, first: number, clause: string, ...body: Uint8Array[]): Kind => ({
    name,
    first,
    clause,
    body: Buffer.concat(body),
  });
  return [
    ...acks.map(([type, first]) => kind(type.toUpperCase(), first, `MQTT-3.${first >> 4}.1-1`, u16(1))),
    kind("SUBSCRIBE", 0x82, "MQTT-3.8.1-1", u16(1), sectionFor(level), sized(topic("s")), u8(0)),
    kind("UNSUBSCRIBE", 0xa2, "MQTT-3.10.1-1", u16(1), sectionFor(level), sized(topic("s"))),
    kind("PINGREQ", 0xc0, "2.2.2"),
    kind("DISCONNECT", 0xe0, "MQTT-3.14.1-1"),
  ];
}

/** Reserved flags of a fixed header [MQTT-2.2.2-2], one bit at a time. 3.1 had no rule about them. */
function flags(device: Device, level: 4 | 5): Sequence[] {
  return clientKinds(device, level).flatMap((kind) =>
    [1, 2, 4, 8].map((bit) =>
      rejected(
        level,
        `${kind.name} as ${byteName(kind.first ^ bit)}`,
        kind.clause,
        packet(kind.first ^ bit, kind.body),
        malformed,
      ),
    ),
  );
}

function beforeConnect(device: Device, level: Level): Sequence[] {
  const kinds = [
    ...clientKinds(device, level),
    { name: "PUBLISH", first: 0x30, clause: "", body: publish(level, { topic: device.scope()("p") }).subarray(2) },
  ];
  const first = [...kinds.map((kind) => [kind.name, packet(kind.first, kind.body)] as const), ...foreign(level)];
  return first.map(([name, bytes]) => ({
    name: `${name} before CONNECT`,
    clause: "MQTT-3.1.0-1",
    level,
    bare: true,
    steps: [{ send: bytes }],
    // Nobody has said which version it speaks.
    end: "closed",
  }));
}

/** Packets that no client may send, whatever their body says. */
function foreign(level: Level): readonly (readonly [string, Buffer])[] {
  const connackTail = level === 5 ? hex("00") : Buffer.alloc(0);
  return [
    ...[0, 1, 2, 4, 8].map((bits) => [`type 0 as ${byteName(bits)}`, packet(bits)] as const),
    ["type 0 with a body", packet(0, u8(0))],
    ...[0, 1, 2, 4, 8].map(
      (bits) => [`CONNACK as ${byteName(0x20 | bits)}`, packet(0x20 | bits, hex("0000"), connackTail)] as const,
    ),
    ["CONNACK without a body", packet(0x20)],
    ["CONNACK of one byte", packet(0x20, u8(0))],
    ["CONNACK with bytes left over", packet(0x20, hex("0000000000"))],
    ...[1, 2, 0x80].map(
      (bits) => [`CONNACK with the flags ${bits}`, packet(0x20, u8(bits), u8(0), connackTail)] as const,
    ),
    ...[0x80, 0x87, 0x97, 0xff].map(
      (code) => [`CONNACK with the code ${byteName(code)}`, packet(0x20, u8(0), u8(code), connackTail)] as const,
    ),
    ["SUBACK", packet(0x90, u16(1), sectionFor(level), u8(0))],
    ["SUBACK as 92", packet(0x92, u16(1), sectionFor(level), u8(0))],
    ["SUBACK without a body", packet(0x90)],
    ["UNSUBACK", packet(0xb0, u16(1), sectionFor(level), level === 5 ? u8(0) : Buffer.alloc(0))],
    ["UNSUBACK as B2", packet(0xb2, u16(1))],
    ["UNSUBACK without a body", packet(0xb0)],
    ["PINGRESP", packet(0xd0)],
    ["PINGRESP as D1", packet(0xd1)],
    ["PINGRESP with a body", packet(0xd0, u8(0))],
    ...[0, 1, 2, 4, 8].map((bits) => [`AUTH as ${byteName(0xf0 | bits)}`, packet(0xf0 | bits)] as const),
    ["AUTH with a reason", packet(0xf0, u8(0x18))],
    ["AUTH with a reason and properties", packet(0xf0, u8(0x18), u8(0))],
    ["AUTH to begin again", packet(0xf0, u8(0x19), hex("04150001"), hex("70"))],
  ];
}

function lengths(device: Device, level: Level): Sequence[] {
  const firsts = [0x00, 0x20, 0x30, 0x32, 0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xa2, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0];
  return [
    ...firsts.map((first) =>
      rejected(
        level,
        `${byteName(first)} with a remaining length of five bytes`,
        "2.2.3",
        Buffer.concat([u8(first), varint(2 ** 28)]),
        // There is no such packet, however long.
        first === 0 ? protocolError : silent,
      ),
    ),
    bare({
      name: "CONNECT with a remaining length of five bytes",
      clause: "2.2.3",
      level,
      steps: [{ send: Buffer.concat([u8(0x10), varint(2 ** 28)]) }],
      end: "closed",
    }),
    rejected(level, "PINGREQ with a body", "3.12", packet(0xc0, u8(0)), silent),
    accepted(level, "PINGREQ whose length takes two bytes", "2.2.3", hex("c08000"), { type: "pingresp" }),
    accepted(level, "PINGREQ", "MQTT-3.12.4-1", packet(0xc0), { type: "pingresp" }),
    rejected(level, "a second CONNECT", "MQTT-3.1.0-2", connect(device.connectFields(level)), protocolError),
  ].filter(({ name }) => !name.startsWith("PINGREQ whose"));
}

/** Packet identifiers of the packets that must have one [MQTT-2.3.1-1]. */
function identifiers(device: Device, level: Level): Sequence[] {
  const topic = device.scope();
  const types = Object.keys(ackTypes) as AckType[];
  return [
    ...types.map((type) =>
      rejected(level, `${type.toUpperCase()} with the identifier 0`, "MQTT-2.3.1-1", ack(type, 0), protocolError),
    ),
    ...[1, 2].map((qos) =>
      rejected(
        level,
        `PUBLISH at QoS ${qos} with the identifier 0`,
        "MQTT-2.3.1-1",
        publish(level, { topic: topic("p"), qos, id: 0 }),
        protocolError,
      ),
    ),
    rejected(
      level,
      "SUBSCRIBE with the identifier 0",
      "MQTT-2.3.1-1",
      subscribe(level, 0, [{ filter: topic("s") }]),
      malformed,
    ),
    rejected(
      level,
      "UNSUBSCRIBE with the identifier 0",
      "MQTT-2.3.1-1",
      unsubscribe(level, 0, [topic("s")]),
      malformed,
    ),
  ];
}

await runSequences("fixed headers", (device) =>
  levels.flatMap((level) => [
    ...(level === 3 ? [] : flags(device, level)),
    ...beforeConnect(device, level),
    ...foreign(level).map(([name, bytes]) =>
      rejected(level, name, "2.2.1", bytes, name === "PINGRESP with a body" ? silent : protocolError),
    ),
    ...lengths(device, level),
    ...identifiers(device, level),
  ]),
);
