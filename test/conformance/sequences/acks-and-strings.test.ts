/** Acknowledgements and DISCONNECT field by field, and text that is no text. */
import { type AckType, ack, disconnect, publish, subscribe, unsubscribe } from "../support/packets.ts";
import type { Device } from "../support/target.ts";
import { hex, type Level, packet, property, section, u8, u16 } from "../support/wire.ts";
import {
  accepted,
  type Code,
  malformed,
  protocolError,
  rejected,
  runSequences,
  type Sequence,
  silent,
} from "./sequence.ts";

const firstBytes: Readonly<Record<AckType, number>> = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 };

/** What comes back for an acknowledgement of nothing. */
function unsolicited(type: AckType, code: number): readonly { type: "pubrel" | "pubcomp"; id: number }[] {
  if (type === "pubrel") return [{ type: "pubcomp", id: 1 }];
  return type === "pubrec" && code < 0x80 ? [{ type: "pubrel", id: 1 }] : [];
}

function acks(level: Level, type: AckType): Sequence[] {
  const name = type.toUpperCase();
  const bytes = (...parts: Uint8Array[]): Buffer => packet(firstBytes[type], ...parts);
  const clause = `3.${firstBytes[type] >> 4}`;
  const list = [
    accepted(level, `${name} of nothing`, clause, ack(type, 1), ...unsolicited(type, 0)),
    rejected(level, `${name} of no bytes`, clause, bytes(), malformed),
    rejected(level, `${name} of one byte`, clause, bytes(u8(1)), malformed),
  ];
  if (level !== 5) return [...list, rejected(level, `${name} of three bytes`, clause, bytes(u16(1), u8(0)), malformed)];
  const failure = type === "puback" || type === "pubrec" ? 0x80 : 0x92;
  const known = type === "puback" || type === "pubrec" ? [0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99] : [0x92];
  const unknown = [0x01, 0x20, 0x7f, 0x9a, 0xff, ...(type === "pubcomp" || type === "pubrel" ? [0x10, 0x80] : [0x92])];
  return [
    ...list,
    ...known.map((code) =>
      accepted(
        5,
        `${name} of nothing with the code ${code.toString(16)}`,
        clause,
        ack(type, 1, code),
        ...unsolicited(type, code),
      ),
    ),
    accepted(5, `${name} of nothing with an empty section`, clause, ack(type, 1, 0, []), ...unsolicited(type, 0)),
    accepted(
      5,
      `${name} of nothing with a failure and an empty section`,
      clause,
      ack(type, 1, failure, []),
      ...unsolicited(type, failure),
    ),
    ...unknown.map((code) =>
      rejected(5, `${name} with the code ${code.toString(16)}`, clause, ack(type, 1, code), protocolError),
    ),
    rejected(5, `${name} with bytes left over`, clause, bytes(u16(1), hex("000000")), malformed),
    rejected(5, `${name} whose section runs over`, clause, bytes(u16(1), hex("0001")), malformed),
  ];
}

/** DISCONNECT ends the connection without an answer, or is answered with what is wrong with it. */
function disconnects(level: Level): Sequence[] {
  const bye = (name: string, send: Uint8Array): Sequence => ({
    name,
    clause: "MQTT-3.14.4-2",
    level,
    steps: [{ send }],
    end: "closed",
  });
  if (level !== 5) {
    // The connection ends either way.
    return [bye("DISCONNECT", disconnect()), bye("DISCONNECT of one byte", disconnect(0))];
  }
  const known = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];
  // A server's, another packet's, nobody's: who leaves is not told.
  const unknown = [0x01, 0x05, 0x10, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x9a, 0x9c, 0x9d, 0x9f, 0xa0, 0xa1, 0xa2, 0xff];
  return [
    bye("DISCONNECT", disconnect()),
    ...known.map((code) => bye(`DISCONNECT with the code ${code.toString(16)}`, disconnect(code))),
    ...unknown.map((code) =>
      bye(`DISCONNECT with the code ${code.toString(16)}, which is no client's`, disconnect(code)),
    ),
    bye("DISCONNECT with an empty section", disconnect(0x82, [])),
    bye("DISCONNECT that leaves the session expiry at 0", disconnect(0, [["sessionExpiryInterval", 0]])),
    rejected(
      5,
      "DISCONNECT that lengthens a session expiry of 0",
      "3.14.2.2.2",
      disconnect(0, [["sessionExpiryInterval", 1]]),
      protocolError,
    ),
    rejected(
      5,
      "DISCONNECT with the session expiry twice",
      "3.14.2.2.2",
      disconnect(0, [
        ["sessionExpiryInterval", 0],
        ["sessionExpiryInterval", 0],
      ]),
      protocolError,
    ),
    ...[0, 1, 2, 3].map((count) =>
      rejected(
        5,
        `DISCONNECT whose session expiry has ${count} bytes`,
        "3.14.2.2.2",
        packet(0xe0, u8(0), section(Buffer.concat([u8(0x11), Buffer.alloc(count)]))),
        malformed,
      ),
    ),
    rejected(5, "DISCONNECT whose section runs over", "2.2.2.1", packet(0xe0, hex("000500")), malformed),
  ];
}

/** Not UTF-8 (section 1.5.4), or with U+0000 in it. */
const badText: readonly (readonly [string, string])[] = [
  ["U+0000", "61006200"],
  ["U+0000 overlong", "61c08062"],
  ["/ overlong in two bytes", "61c0af62"],
  ["/ overlong in three bytes", "61e080af62"],
  ["/ overlong in four bytes", "61f08080af62"],
  ["the surrogate U+D800", "61eda08062"],
  ["the surrogate U+DFFF", "61edbfbf62"],
  ["a pair of surrogates", "61eda081edb08062"],
  ["what is beyond U+10FFFF", "61f490808062"],
  ["a lead byte of five", "61f88880808062"],
  ["a continuation alone", "618062"],
  ["a lead byte alone", "61c362"],
  ["a character cut off", "61e282"],
  ["FE", "61fe62"],
  ["FF", "61ff62"],
];
/**
 * A server may refuse these (section 1.5.4): in names it does, for it keeps and shows them. Other strings
 * have honest line breaks, and keep them.
 */
const controls: readonly (readonly [string, string])[] = [
  ["U+0001", "610162"],
  ["U+001F", "611f62"],
  ["U+007F", "617f62"],
  ["U+009F", "61c29f62"],
  ["U+FDD0", "61efb79062"],
  ["U+FFFE", "61efbfbe62"],
  ["U+FFFF", "61efbfbf62"],
  ["U+10FFFF", "61f48fbfbf62"],
];
const goodText: readonly (readonly [string, string])[] = [
  ["U+FEFF", "61efbbbf62"],
  ["U+00A0", "61c2a062"],
  ["U+D7FF", "61ed9fbf62"],
  ["U+E000", "61ee808062"],
  ["U+2A6D4", "61f0aa9b9462"],
  ["U+10FFFD", "61f48fbfbd62"],
];

interface Place {
  readonly name: string;
  readonly build: (text: Uint8Array) => Uint8Array;
  readonly answers: Parameters<typeof accepted>[4][];
  readonly topic: boolean;
  /** Where text that is none is not answered. */
  readonly property?: true;
}

function places(device: Device, level: Level): Place[] {
  const before = Buffer.from(device.scope()(""));
  const topic = (text: Uint8Array): Buffer => Buffer.concat([before, text]);
  const unsubacked = level === 5 ? [0x11] : [];
  const list: Place[] = [
    {
      name: "a topic",
      topic: true,
      build: (text) => publish(level, { topic: topic(text), qos: 1, id: 3 }),
      answers: [{ type: "puback", id: 3 }],
    },
    {
      name: "a filter",
      topic: true,
      build: (text) => subscribe(level, 3, [{ filter: topic(text) }]),
      answers: [{ type: "suback", id: 3, codes: [0] }],
    },
    {
      name: "a filter to unsubscribe from",
      topic: true,
      build: (text) => unsubscribe(level, 3, [topic(text)]),
      answers: [{ type: "unsuback", id: 3, codes: unsubacked }],
    },
  ];
  if (level !== 5) return list;
  const withProperty = (bytes: Uint8Array): Buffer =>
    packet(0x32, u16(before.length), before, u16(3), section(bytes), hex("70"));
  const puback: Place["answers"] = [{ type: "puback", id: 3 }];
  const sizedText = (text: Uint8Array): Buffer => Buffer.concat([u16(text.length), text]);
  return [
    ...list,
    {
      name: "a response topic",
      topic: true,
      property: true,
      build: (text) => withProperty(property("responseTopic", topic(text))),
      answers: puback,
    },
    {
      name: "a content type",
      topic: false,
      property: true,
      build: (text) => withProperty(property("contentType", text)),
      answers: puback,
    },
    {
      name: "a user property's key",
      topic: false,
      property: true,
      build: (text) => withProperty(Buffer.concat([u8(0x26), sizedText(text), hex("000170")])),
      answers: puback,
    },
    {
      name: "a user property's value",
      topic: false,
      property: true,
      build: (text) => withProperty(Buffer.concat([u8(0x26), hex("000170"), sizedText(text)])),
      answers: puback,
    },
    {
      name: "a reason string",
      topic: false,
      property: true,
      build: (text) => packet(0x40, u16(3), u8(0), section(property("reasonString", text))),
      answers: [],
    },
  ];
}

const codeOf = (place: Place): Code => (place.property === true ? silent : malformed);

function texts(device: Device, level: Level): Sequence[] {
  return places(device, level).flatMap((place) => [
    ...badText.map(([what, bytes]) =>
      rejected(level, `${place.name} with ${what}`, "MQTT-1.5.4-1", place.build(hex(bytes)), codeOf(place)),
    ),
    ...(place.topic ? controls : []).map(([what, bytes]) =>
      rejected(level, `${place.name} with ${what}`, "1.5.4", place.build(hex(bytes)), codeOf(place)),
    ),
    ...(place.topic ? goodText : [...goodText, ...controls]).map(([what, bytes]) =>
      accepted(
        level,
        `${place.name} with ${what}`,
        "MQTT-1.5.4-3",
        place.build(hex(bytes)),
        ...(place.answers as { type: "puback" }[]),
      ),
    ),
  ]);
}

await runSequences("acknowledgements and text", (device) => [
  ...([3, 4, 5] as const).flatMap((level) => [
    ...(Object.keys(firstBytes) as AckType[]).flatMap((type) => acks(level, type)),
    ...disconnects(level),
    ...texts(device, level),
  ]),
]);
