import fc from "fast-check";
import { packetBytesMax } from "../../../core/limits.ts";
import type { DecodeOptions } from "../../../core/mqtt/decode.ts";
import { encodedLength, encodePacket } from "../../../core/mqtt/encode.ts";
import { PacketStream, type StreamItem } from "../../../core/mqtt/packet-stream.ts";
import type { Packet, ProtocolLevel, Sender } from "../../../core/mqtt/packets.ts";
import { clientPacket, connect, levels, serverPacket } from "../../unit/mqtt/arbitraries.ts";
import { between, seededRandom } from "../part.ts";
import { bytesAllocated } from "./allocations.ts";
import { mutate, propertyPacket, randomBytes } from "./mutate.ts";

/** Valid packets that mutation starts from, of each level and sender. */
const corpusPackets = 200;
/** A new corpus after this many inputs, so that a long run sees more than one. */
const corpusInputs = 200_000;
/** Every so many inputs the memory that the decoder takes is counted, which is slow. */
const countedInputs = 32;

export interface Fuzzer {
  readonly inputs: number;
  /** Feeds one input; what is wrong with how it was taken, or null. */
  one(): string | null;
  figures(): string;
}

/** The real bound mostly; small ones so that inputs of this size meet it too. */
const bounds = [packetBytesMax, packetBytesMax, packetBytesMax, 256, 32] as const;

const senders = ["client", "server"] as const;

/** What is said of the bytes: a packet, a refusal, or that more must come. */
export interface Taken {
  readonly items: readonly StreamItem[];
  /** The level at the end, for what was learned from a CONNECT. */
  readonly level: ProtocolLevel | null;
  readonly problem: string | null;
}

/** A decoder's tormentor; the same seed torments alike. */
export function createFuzzer(seed: number): Fuzzer {
  const random = seededRandom(seed);
  let corpora = makeCorpora(seed);
  let inputs = 0;
  let bytesFed = 0;
  const seen = { packet: 0, refused: 0, incomplete: 0 };
  const one = (): string | null => {
    inputs += 1;
    if (inputs % corpusInputs === 0) corpora = makeCorpora(seed + inputs);
    const sender = senders[between(random, 0, 1)] ?? "client";
    const level = levels[between(random, 0, 2)] ?? 5;
    const options: DecodeOptions = {
      level: sender === "client" && random() < 0.2 ? null : level,
      sender,
      packetBytesMax: bounds[between(random, 0, bounds.length - 1)] ?? packetBytesMax,
    };
    const bytes = makeInput(random, options, level, corpora);
    bytesFed += bytes.length;
    try {
      const whole = takeAll(bytes, options, () => bytes.length);
      const cutMax = random() < 0.5 ? 3 : 200;
      let cut = whole;
      const takeCut = (): void => {
        cut = takeAll(bytes, options, () => between(random, 1, cutMax));
      };
      if (inputs % countedInputs === 0) {
        const allocated = bytesAllocated(takeCut);
        // A buffer that doubles takes some four times its bytes in all.
        if (allocated > 6 * bytes.length + 256) return `${allocated} bytes are taken for ${toHex(bytes)}`;
      } else {
        takeCut();
      }
      for (const item of whole.items) seen[item.kind] += 1;
      const problem = whole.problem ?? cut.problem ?? disagreement(bytes, whole, cut, options);
      return problem === null ? null : `${problem} on ${toHex(bytes)} ${JSON.stringify(options)}`;
    } catch (error) {
      return `it throws ${(error as Error).stack} on ${toHex(bytes)} ${JSON.stringify(options)}`;
    }
  };
  return {
    get inputs() {
      return inputs;
    },
    one: () => {
      const problem = one();
      return problem === null ? null : `${problem} (seed ${seed})`;
    },
    figures: () =>
      `${inputs} inputs, ${(bytesFed / 2 ** 20).toFixed(1)} MiB; ${seen.packet} packets, ${seen.refused} refusals, ${seen.incomplete} ends in the middle; nothing thrown, held or read differently`,
  };
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

interface Corpora {
  readonly packets: Readonly<Record<Sender, Readonly<Record<ProtocolLevel, readonly Uint8Array[]>>>>;
  readonly hellos: Readonly<Record<ProtocolLevel, readonly Uint8Array[]>>;
}

function makeCorpora(seed: number): Corpora {
  let salt = 0;
  const encoded = (packet: fc.Arbitrary<Packet>, level: ProtocolLevel, numRuns = corpusPackets): Uint8Array[] => {
    salt += 1;
    return fc.sample(packet, { numRuns, seed: (seed + salt) | 0 }).map((value) => encodePacket(value, level));
  };
  const byLevel = (make: (level: ProtocolLevel) => Uint8Array[]) => ({ 3: make(3), 4: make(4), 5: make(5) });
  return {
    packets: {
      client: byLevel((level) => encoded(clientPacket(level), level)),
      server: byLevel((level) => encoded(serverPacket(level), level)),
    },
    hellos: byLevel((level) => encoded(connect(level), level, 20)),
  };
}

function makeInput(
  random: () => number,
  { level: agreed, sender }: DecodeOptions,
  level: ProtocolLevel,
  { packets, hellos }: Corpora,
): Uint8Array {
  const body = (): Uint8Array => {
    const kind = random();
    if (kind < 0.2) return randomBytes(random);
    if (kind < 0.5 && level === 5) return propertyPacket(random, sender);
    return mutate(random, packets[sender][level]);
  };
  if (agreed !== null || random() < 0.2) return body();
  const hello = hellos[level][between(random, 0, hellos[level].length - 1)] ?? new Uint8Array();
  return new Uint8Array(Buffer.concat([random() < 0.7 ? hello : mutate(random, [hello]), body()]));
}

/** Feeds the bytes in chunks; every item, the last one incomplete or refused, and a broken bound. */
export function takeAll(bytes: Uint8Array, options: DecodeOptions, chunkBytes: () => number): Taken {
  const stream = new PacketStream(options);
  const items: StreamItem[] = [];
  const taken = (problem: string | null): Taken => ({ items, level: stream.level, problem });
  for (let at = 0; at < bytes.length; ) {
    const chunk = bytes.slice(at, at + chunkBytes());
    at += chunk.length;
    stream.push(chunk);
    let item = stream.next();
    for (; item.kind === "packet"; item = stream.next()) items.push(item);
    // What waits is less than one packet, however long the header says that it is.
    if (stream.pendingBytes >= options.packetBytesMax) return taken(`${stream.pendingBytes} bytes wait`);
    if (item.kind === "refused") {
      // After a refusal nothing is read and nothing kept, whatever follows.
      stream.push(Uint8Array.of(0xc0, 0));
      if (stream.next().kind !== "refused" || stream.pendingBytes > 0) return taken("it reads on after a refusal");
      items.push(item);
      return taken(null);
    }
  }
  if (stream.pendingBytes > 0) items.push({ kind: "incomplete" });
  return taken(null);
}

/**
 * What is read must not depend on how it is cut, and must say every byte: written again it is the same.
 * Packets are compared by their bytes, for every field is on the wire.
 */
function disagreement(bytes: Uint8Array, whole: Taken, cut: Taken, options: DecodeOptions): string | null {
  if (whole.items.length !== cut.items.length || whole.level !== cut.level) return "cuts change what is read";
  let at = 0;
  for (const [index, item] of whole.items.entries()) {
    const other = cut.items[index] as StreamItem;
    if (item.kind === "refused") {
      const same = other.kind === "refused" && JSON.stringify(item.refusal) === JSON.stringify(other.refusal);
      return same ? null : "cuts change what is refused";
    }
    if (item.kind !== other.kind) return "cuts change what is read";
    if (item.kind !== "packet" || other.kind !== "packet") continue;
    const level = item.packet.type === "connect" ? item.packet.level : (options.level ?? whole.level ?? 4);
    const again = encodePacket(item.packet, level);
    if (Buffer.compare(again, encodePacket(other.packet, level)) !== 0) return "cuts change what is read";
    if (encodedLength(item.packet, level) !== again.length) return "it is longer than it says";
    const [start, end] = bodyOf(bytes, at);
    if (end - at > options.packetBytesMax) return `a ${item.packet.type} of ${end - at} bytes is read`;
    if (!saysTheSame(bytes.subarray(start, end), again.subarray(...bodyOf(again, 0)), item.packet, level))
      return `${item.packet.type} is written otherwise than it was read`;
    at = end;
  }
  return null;
}

/** Types that may leave out at their end what says nothing (5.0 sections 3.4.2.1, 3.14.2.1, 3.15.2.1). */
const shortening = new Set<Packet["type"]>(["puback", "pubrec", "pubrel", "pubcomp", "disconnect", "auth"]);

function saysTheSame(read: Uint8Array, written: Uint8Array, packet: Packet, level: ProtocolLevel): boolean {
  if (Buffer.compare(read, written) === 0) return true;
  // In 3.1 the user name may be missing though its flag is set.
  if (level === 3) return packet.type === "connect" && read.length === written.length;
  if (level < 5) return false;
  if (shortening.has(packet.type) && written.length < read.length)
    return (
      Buffer.compare(read.subarray(0, written.length), written) === 0 &&
      read.subarray(written.length).every((byte) => byte === 0)
    );
  // Properties of one name stand together when they are written.
  return Buffer.compare(read.slice().sort(), written.slice().sort()) === 0;
}

/** Where a packet's body begins and ends. Before 5.0 its length may be written longer than it need be (2.2.3). */
function bodyOf(bytes: Uint8Array, at: number): [start: number, end: number] {
  let length = 0;
  for (let index = 0; ; index += 1) {
    const byte = bytes[at + 1 + index] ?? 0;
    length += (byte & 0x7f) * 128 ** index;
    if ((byte & 0x80) === 0) return [at + 2 + index, at + 2 + index + length];
  }
}
