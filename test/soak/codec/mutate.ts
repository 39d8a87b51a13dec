import { between } from "../part.ts";

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
