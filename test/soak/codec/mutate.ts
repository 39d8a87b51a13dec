import type { Sender } from "../../../core/mqtt/packets.ts";
import { propertyBearers, type TestBearer, testProperties } from "../../unit/mqtt/property-samples.ts";
import { hex } from "../../unit/mqtt/support.ts";
import { between } from "../part.ts";

/** Packets with properties that come from either side. */
const both = new Set(["publish", "puback", "pubrec", "pubrel", "pubcomp", "disconnect", "auth"]);

/** Bytes without any sense, short ones mostly: a fixed header judges the first five. */
export function randomBytes(random: () => number): Uint8Array {
  const bytes = new Uint8Array(random() < 0.9 ? between(random, 0, 40) : between(random, 0, 2000));
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = between(random, 0, 255);
  return bytes;
}

/** One to four valid packets in a row, damaged in none to five places. */
export function mutate(random: () => number, corpus: readonly Uint8Array[]): Uint8Array {
  const any = (): Uint8Array => corpus[between(random, 0, corpus.length - 1)] ?? new Uint8Array();
  let bytes = Buffer.concat(Array.from({ length: between(random, 1, 4) }, any));
  for (let count = between(random, 0, 5); count > 0; count -= 1) {
    const damage = damages[between(random, 0, damages.length - 1)];
    bytes = Buffer.from(damage?.(bytes, random, any) ?? bytes);
  }
  return new Uint8Array(bytes);
}

/**
 * A 5.0 packet whose property block is well-formed or nearly so, and holds what may or may not be there:
 * its lengths are right mostly, so that the decoder gets as far as the properties.
 */
export function propertyPacket(random: () => number, sender: Sender): Uint8Array {
  const bearer = pick(random, bearersOf[sender]);
  const chosen: Uint8Array[] = [];
  for (let count = between(random, 0, 5); count > 0; count -= 1) {
    // What may stand there twice as often as what may not.
    const from = random() < 0.7 ? bearer.allowed : blocks;
    const block = pick(random, from.length === 0 ? blocks : from);
    chosen.push(random() < 0.8 ? block : damageOnce(random, block));
  }
  const block = Buffer.concat(chosen);
  const skewed = block.length + (random() < 0.85 ? 0 : between(random, -3, 3));
  const length = random() < 0.95 ? lengthBytes(skewed) : [(skewed & 0x7f) | 0x80, 0];
  const body = Buffer.concat([bearer.before, Uint8Array.from(length), block, bearer.behind]);
  const total = body.length + (random() < 0.97 ? 0 : between(random, -2, 2));
  return new Uint8Array(Buffer.concat([Uint8Array.of(bearer.first), Uint8Array.from(lengthBytes(total)), body]));
}

function damageOnce(random: () => number, block: Uint8Array): Uint8Array {
  const damage = pick(random, damages);
  return damage(Buffer.from(block), random, () => block);
}

/** A length as a variable byte integer, at most two bytes of it. */
function lengthBytes(value: number): number[] {
  const length = Math.max(0, value);
  return length < 0x80 ? [length] : [(length & 0x7f) | 0x80, (length >> 7) & 0x7f];
}

const pick = <T>(random: () => number, from: readonly T[]): T => from[between(random, 0, from.length - 1)] as T;

/** Each property with a valid value. */
const blocks: readonly Uint8Array[] = testProperties.map(({ bytes }) => hex(bytes));

interface Bearer {
  readonly first: number;
  readonly before: Uint8Array;
  readonly behind: Uint8Array;
  readonly allowed: readonly Uint8Array[];
}

/** Bearers by whoever may send them; what both may is among the client's. */
const bearersOf: Readonly<Record<Sender, readonly Bearer[]>> = {
  client: bearersFrom("client"),
  server: bearersFrom("server"),
};

function bearersFrom(sender: Sender): Bearer[] {
  return Object.entries(propertyBearers)
    .filter(([name, bearer]) => bearer.sender === sender || both.has(name))
    .map(([name, bearer]) => ({
      first: bearer.first,
      before: hex(bearer.before),
      behind: hex(bearer.behind),
      allowed: testProperties
        .filter(({ bearers }) => bearers.includes(name as TestBearer))
        .map(({ bytes }) => hex(bytes)),
    }));
}

type Damage = (bytes: Buffer, random: () => number, any: () => Uint8Array) => Uint8Array;

/** Values on which lengths, flags and UTF-8 turn. */
const edges = [0x00, 0x01, 0x7f, 0x80, 0xc0, 0xed, 0xf0, 0xfe, 0xff];

const somewhere = (bytes: Buffer, random: () => number): number => between(random, 0, Math.max(0, bytes.length - 1));

const damages: readonly Damage[] = [
  function flipBit(bytes, random) {
    const at = somewhere(bytes, random);
    if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << between(random, 0, 7));
    return bytes;
  },
  function setEdge(bytes, random) {
    if (bytes.length > 0) bytes[somewhere(bytes, random)] = edges[between(random, 0, edges.length - 1)] ?? 0;
    return bytes;
  },
  function cutEnd(bytes, random) {
    return bytes.subarray(0, somewhere(bytes, random));
  },
  function cutOut(bytes, random) {
    const at = somewhere(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + between(random, 1, 8))]);
  },
  function insert(bytes, random) {
    const at = somewhere(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), randomBytes(random).subarray(0, 8), bytes.subarray(at)]);
  },
  function repeat(bytes, random) {
    const at = somewhere(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + 16), bytes.subarray(at)]);
  },
  function splice(bytes, random, any) {
    return Buffer.concat([bytes.subarray(0, somewhere(bytes, random)), any()]);
  },
  function hugeLength(bytes, random) {
    const length = [0xff, 0xff, 0xff, between(random, 0, 255)];
    return Buffer.concat([bytes.subarray(0, 1), Buffer.from(length), bytes.subarray(2)]);
  },
];
