import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { packetBytesMax } from "../../../core/limits.ts";
import type { DecodeOptions } from "../../../core/mqtt/decode.ts";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import { PacketStream, type StreamItem } from "../../../core/mqtt/packet-stream.ts";
import { clientPacket, serverPacket } from "../../unit/mqtt/arbitraries.ts";
import { between, seededRandom } from "../part.ts";
import { mutate, randomBytes } from "./mutate.ts";

/** Valid packets that mutation starts from, of each sender. */
const corpusPackets = 400;
/** A new corpus after this many inputs, so that a long run sees more than one. */
const corpusInputs = 50_000;

export interface Fuzzer {
  readonly inputs: number;
  /** Feeds one input; what is wrong with how it was taken, or null. */
  one(): string | null;
  figures(): string;
}

/** The real bound mostly; small ones so that inputs of this size meet it too. */
const bounds = [packetBytesMax, packetBytesMax, packetBytesMax, 256, 32] as const;

const senders = ["client", "server"] as const;

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
    const options: DecodeOptions = {
      version: 4,
      sender,
      packetBytesMax: bounds[between(random, 0, bounds.length - 1)] ?? packetBytesMax,
    };
    const bytes = random() < 0.3 ? randomBytes(random) : mutate(random, corpora[sender]);
    bytesFed += bytes.length;
    try {
      const whole = takeAll(bytes, options, () => bytes.length);
      const cut = takeAll(bytes, options, () => between(random, 1, random() < 0.5 ? 3 : 200));
      for (const item of whole.items) seen[item.kind] += 1;
      const problem =
        whole.problem ?? cut.problem ?? (agree(whole.items, cut.items) ? null : "cuts change what is read");
      return problem ?? reencodes(bytes, whole.items, options);
    } catch (error) {
      return `it throws ${(error as Error).stack} on ${Buffer.from(bytes).toString("hex")}`;
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

function makeCorpora(seed: number): Record<(typeof senders)[number], Uint8Array[]> {
  const encoded = (packet: typeof clientPacket, salt: number): Uint8Array[] =>
    fc.sample(packet, { numRuns: corpusPackets, seed: (seed + salt) | 0 }).map((value) => encodePacket(value, 4));
  return { client: encoded(clientPacket, 0), server: encoded(serverPacket, 1) };
}

/** Feeds the bytes in chunks; every item, the last one incomplete or refused, and a broken bound. */
export function takeAll(
  bytes: Uint8Array,
  options: DecodeOptions,
  chunkBytes: () => number,
): { items: StreamItem[]; problem: string | null } {
  const stream = new PacketStream(options);
  const items: StreamItem[] = [];
  for (let at = 0; at < bytes.length; ) {
    const chunk = bytes.slice(at, at + chunkBytes());
    at += chunk.length;
    stream.push(chunk);
    let item = stream.next();
    for (; item.kind === "packet"; item = stream.next()) items.push(item);
    // What waits is less than one packet, however long the header says that it is.
    if (stream.pendingBytes >= options.packetBytesMax) return { items, problem: `${stream.pendingBytes} bytes wait` };
    if (item.kind === "refused") {
      // After a refusal nothing is read and nothing kept, whatever follows.
      stream.push(Uint8Array.of(0xc0, 0));
      const after = stream.next();
      if (after.kind !== "refused") return { items, problem: "it reads on after a refusal" };
      items.push(item);
      return { items, problem: null };
    }
  }
  if (stream.pendingBytes > 0) items.push({ kind: "incomplete" });
  return { items, problem: null };
}

function agree(whole: readonly StreamItem[], cut: readonly StreamItem[]): boolean {
  return isDeepStrictEqual(plain(whole), plain(cut));
}

/** Views and copies of the same bytes are the same. */
function plain(items: readonly StreamItem[]): unknown {
  return JSON.parse(
    JSON.stringify(items, (_key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value)),
  );
}

/** What was read says every byte of the packet's body, and no packet is longer than it may be. */
function reencodes(bytes: Uint8Array, items: readonly StreamItem[], options: DecodeOptions): string | null {
  let at = 0;
  for (const item of items) {
    if (item.kind !== "packet") continue;
    const [start, end] = bodyOf(bytes, at);
    const again = encodePacket(item.packet, 4);
    if (end - at > options.packetBytesMax) return `a ${item.packet.type} of ${end - at} bytes is read`;
    if (Buffer.compare(again.subarray(...bodyOf(again, 0)), bytes.subarray(start, end)) !== 0)
      return `${item.packet.type} is written otherwise than it was read`;
    at = end;
  }
  return null;
}

/** Where a packet's body begins and ends. Its length may be written longer than it need be (section 2.2.3). */
function bodyOf(bytes: Uint8Array, at: number): [start: number, end: number] {
  let length = 0;
  for (let index = 0; ; index += 1) {
    const byte = bytes[at + 1 + index] ?? 0;
    length += (byte & 0x7f) * 128 ** index;
    if ((byte & 0x80) === 0) return [at + 2 + index, at + 2 + index + length];
  }
}
