import {
  type PropertyName,
  type PropertyType,
  type PropertyValue,
  property,
  propertyIds,
  propertyTypes,
  section,
  u8,
  varint,
} from "../support/wire.ts";
import { type PropertyPacket, propertyPackets } from "./property-packets.ts";
import { malformed, protocolError, runSequences, type Sequence } from "./sequence.ts";

const names = Object.keys(propertyIds) as PropertyName[];

const samples: Readonly<Record<PropertyType, PropertyValue>> = {
  byte: 1,
  u16: 1,
  u32: 0x10000001,
  varint: 1,
  string: "p",
  binary: "p",
  pair: ["p", "q"],
};

/** Identifiers that stand for nothing, in one byte and in the longer forms that a decoder may misread. */
const unknownIds: readonly number[] = [
  0x00, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x14, 0x1b, 0x1d, 0x1e, 0x20, 0x2b, 0x3f, 0x7f,
  0x80, 0x3fff, 0x4000, 0x1fffff, 0x200000, 0xfffffff,
];

function sequenceOf(kind: PropertyPacket, name: string, clause: string, bytes: Uint8Array, code?: number): Sequence {
  return {
    name: `${kind.name} with ${name}`,
    clause,
    level: 5,
    ...(kind.bare === undefined ? {} : { bare: kind.bare }),
    steps: [{ send: kind.build(bytes) }, ...(code === undefined ? kind.answers.map((answer) => ({ answer })) : [])],
    end: code === undefined ? kind.end : { closed: code },
  };
}

function right(kind: PropertyPacket, name: PropertyName): Sequence[] {
  const type = propertyTypes[name];
  const once = property(name, sampleOf(kind, name));
  const twice = section(Buffer.concat([once, once]));
  const short = section(once.subarray(0, once.length - 1));
  const list = [
    sequenceOf(kind, name, kind.clause, section(once)),
    name === "userProperty"
      ? sequenceOf(kind, `${name} twice`, "2.2.2.2", twice)
      : sequenceOf(kind, `${name} twice`, "2.2.2.2", twice, protocolError),
    sequenceOf(kind, `${name} without a value`, "2.2.2.2", section(u8(propertyIds[name])), malformed),
    sequenceOf(kind, `${name} cut short`, "2.2.2.2", short, malformed),
    sequenceOf(
      kind,
      `${name} and a section that ends in the middle`,
      "2.2.2.1",
      Buffer.concat([varint(once.length - 1), once]),
      malformed,
    ),
  ];
  if ((type === "string" && name !== "responseTopic") || type === "binary")
    list.push(sequenceOf(kind, `${name} empty`, kind.clause, section(property(name, ""))));
  if (type === "pair") list.push(...emptyPairs(kind));
  return list.filter(({ name: text }) => !allowedAllTheSame(text));
}

/** A cut in the middle of a packet whose rest happens to read well is no error that a server can see. */
function allowedAllTheSame(name: string): boolean {
  return /^PUBLISH .*in the middle$/.test(name);
}

function emptyPairs(kind: PropertyPacket): Sequence[] {
  const pairs: readonly (readonly [string, string, string])[] = [
    ["an empty key", "", "q"],
    ["an empty value", "p", ""],
    ["both empty", "", ""],
  ];
  const keyOnly = Buffer.concat([u8(propertyIds.userProperty), Buffer.of(0, 1, 0x70)]);
  return [
    ...pairs.map(([what, key, value]) =>
      sequenceOf(kind, `userProperty, ${what}`, "2.2.2.2", section(property("userProperty", [key, value]))),
    ),
    sequenceOf(kind, "userProperty, a key and no value", "2.2.2.2", section(keyOnly), malformed),
  ];
}

function sampleOf(kind: PropertyPacket, name: PropertyName): PropertyValue {
  return name === "responseTopic" ? kind.ownTopic : samples[propertyTypes[name]];
}

function wrong(kind: PropertyPacket, name: PropertyName): Sequence[] {
  const once = property(name, samples[propertyTypes[name]]);
  return [
    sequenceOf(kind, `${name}, which is another packet's`, "2.2.2.2", section(once), kind.misplaced),
    sequenceOf(
      kind,
      `${name}, which is another packet's, twice`,
      "2.2.2.2",
      section(Buffer.concat([once, once])),
      kind.misplaced,
    ),
    sequenceOf(
      kind,
      `${name}, which is another packet's, without a value`,
      "2.2.2.2",
      section(u8(propertyIds[name])),
      malformed,
    ),
  ];
}

function unknown(kind: PropertyPacket): Sequence[] {
  return [
    ...unknownIds.map((id) =>
      sequenceOf(
        kind,
        `the unknown property 0x${id.toString(16)}`,
        "2.2.2.2",
        section(Buffer.concat([varint(id), u8(1)])),
        malformed,
      ),
    ),
    sequenceOf(
      kind,
      "a property identifier of five bytes",
      "1.5.5",
      section(Buffer.of(0x80, 0x80, 0x80, 0x80, 1, 1)),
      malformed,
    ),
    sequenceOf(kind, "a property length of five bytes", "1.5.5", Buffer.of(0x80, 0x80, 0x80, 0x80, 0), malformed),
    sequenceOf(
      kind,
      "a property length beyond the packet",
      "2.2.2.1",
      Buffer.concat([varint(2_000_000), u8(0x26)]),
      malformed,
    ),
    sequenceOf(kind, "no properties", "2.2.2.1", section(Buffer.alloc(0))),
  ];
}

/** What is the packet's but goes by other rules: asking for enhanced authentication, a client naming a server. */
function special(kind: PropertyPacket, name: PropertyName): boolean {
  if (kind.name === "CONNECT") return name === "authenticationMethod" || name === "authenticationData";
  return kind.name === "DISCONNECT" && (name === "sessionExpiryInterval" || name === "serverReference");
}

await runSequences("properties", (device) =>
  propertyPackets(device).flatMap((kind) => [
    ...names.flatMap((name) => {
      if (special(kind, name)) return [];
      return kind.allowed.includes(name) ? right(kind, name) : wrong(kind, name);
    }),
    ...unknown(kind),
  ]),
);
