import { generate, parser, type Packet as ReferencePacket } from "mqtt-packet";
import { packetBytesMax } from "../../core/limits.ts";
import { encodePacket, writePacket } from "../../core/mqtt/encode.ts";
import { PacketStream } from "../../core/mqtt/packet-stream.ts";
import type { ProtocolLevel, PublishPacket, QoS } from "../../core/mqtt/packets.ts";
import type { Row } from "./report.ts";
import { median } from "./statistics.ts";

/** Messages in one sample: long enough for the compiler to have done its best, short enough to interleave. */
const messagesPerSample = 100_000;
const payloadBytes = 128;
/** 85 characters, as an agent's. */
const topic = "sentinel/org_01j9z3v7q8x5k2m4n6p8r0t2w4/devices/dev_01j9z3v7q8x5k2m4n6p8r0t2w5/events";

/**
 * A PUBLISH read from its frame and written anew, ours beside mqtt-packet's, in messages a second on one
 * core. The two take turns, so that neither has the quieter machine.
 */
export async function benchCodec(rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const level of [4, 5] as const) {
    for (const qos of [0, 1] as const) {
      const frames = makeFrames(level, qos);
      const subjects = {
        decode: [ourDecoder(level), theirDecoder(level)],
        encode: [ourEncoder(level), theirEncoder(level)],
        "encode, into a buffer that is there,": [ourWriter(level), theirEncoder(level)],
      } as const;
      for (const [work, [ours, theirs]] of Object.entries(subjects)) {
        const rates = { ours: [] as number[], theirs: [] as number[] };
        // The first turn is for the compiler.
        for (let round = -1; round < rounds; round += 1) {
          const [a, b] = [rate(ours, frames), rate(theirs, frames)];
          if (round < 0) continue;
          rates.ours.push(a);
          rates.theirs.push(b);
        }
        const [a, b] = [median(rates.ours), median(rates.theirs)];
        rows.push({
          what: `${work} a PUBLISH at QoS ${qos}, ${level === 5 ? "5.0" : "3.1.1"}, ${payloadBytes} bytes, a second`,
          value: thousands(a),
          beside: `mqtt-packet: ${thousands(b)} (${(a / b).toFixed(1)} times)`,
        });
      }
    }
  }
  return rows;
}

const thousands = (value: number): string => `${Math.round(value / 1000)} k`;

/** A message as it came, and as a broker passes it on. */
interface Frame {
  readonly bytes: Buffer;
  readonly packet: PublishPacket;
  readonly reference: ReferencePacket;
}

/** What does the work for one frame, and gives something that depends on it. */
type Subject = (frame: Frame) => number;

function makeFrames(level: ProtocolLevel, qos: QoS): Frame[] {
  return Array.from({ length: 256 }, (_, index) => {
    const payload = new Uint8Array(payloadBytes).fill(0x20 + (index % 64));
    const packet: PublishPacket = {
      type: "publish",
      dup: false,
      qos,
      retain: false,
      topic,
      packetId: qos === 0 ? null : index + 1,
      payload,
      properties: null,
      wire: null,
    };
    const reference: ReferencePacket = {
      cmd: "publish",
      dup: false,
      qos,
      retain: false,
      topic,
      payload: Buffer.from(payload),
      ...(qos === 0 ? {} : { messageId: index + 1 }),
    };
    // A memory of its own, as of a frame from a socket.
    const encoded = encodePacket(packet, level);
    const bytes = Buffer.from(new Uint8Array(encoded).buffer);
    return { bytes, packet, reference };
  });
}

function rate(subject: Subject, frames: readonly Frame[]): number {
  let done = 0;
  const startedAtMs = performance.now();
  for (let count = 0; count < messagesPerSample; count += 1) done += subject(frames[count % frames.length] as Frame);
  const seconds = (performance.now() - startedAtMs) / 1000;
  if (done !== messagesPerSample * payloadBytes) throw new Error(`${done} bytes of payload were handled`);
  return messagesPerSample / seconds;
}

function ourDecoder(level: ProtocolLevel): Subject {
  const stream = new PacketStream({ level, sender: "client", packetBytesMax });
  return ({ bytes }) => {
    // A view for each frame, as a socket's message gives one.
    stream.push(new Uint8Array(bytes.buffer));
    const item = stream.next();
    return item.kind === "packet" && item.packet.type === "publish" ? item.packet.payload.length : 0;
  };
}

function theirDecoder(level: ProtocolLevel): Subject {
  const reference = parser({ protocolVersion: level });
  let length = 0;
  reference.on("packet", (packet) => {
    length = packet.cmd === "publish" ? packet.payload.length : 0;
  });
  return ({ bytes }) => {
    reference.parse(Buffer.from(bytes.buffer));
    return length;
  };
}

/** Bytes in front of the payload depend on nothing but level and QoS, so the rest is the payload. */
const payloadAt = (level: ProtocolLevel, qos: QoS): number =>
  3 + 2 + topic.length + (qos === 0 ? 0 : 2) + (level === 5 ? 1 : 0);

function ourEncoder(level: ProtocolLevel): Subject {
  return ({ packet }) => encodePacket(packet, level).length - payloadAt(level, packet.qos);
}

function ourWriter(level: ProtocolLevel): Subject {
  const buffer = new Uint8Array(64 * 1024);
  let at = 0;
  return ({ packet }) => {
    let end = writePacket(packet, level, buffer, at);
    if (end === -1) {
      at = 0;
      end = writePacket(packet, level, buffer, at);
    }
    const encoded = end - at;
    at = end;
    return encoded - payloadAt(level, packet.qos);
  };
}

function theirEncoder(level: ProtocolLevel): Subject {
  return ({ packet, reference }) =>
    generate(reference, { protocolVersion: level }).length - payloadAt(level, packet.qos);
}
