/** MQTT 3.1.1 packets as a load generator needs them: encoded once, and read no further than their headers. */

/** The packet types (section 2.2.1) that are looked at here. */
export const packetTypes = { connack: 2, publish: 3, puback: 4, suback: 9, pingresp: 13 } as const;

export interface Login {
  readonly username: string | null;
  readonly password: string | null;
}

/** CONNECT of a clean session without keep-alive (section 3.1). */
export function connectPacket(clientId: string, { username, password }: Login): Buffer {
  const flags = 0x02 | (username === null ? 0 : 0x80) | (password === null ? 0 : 0x40);
  const fields = [clientId, username, password].filter((field) => field !== null).map(utf8Field);
  return packet(0x10, Buffer.concat([utf8Field("MQTT"), Buffer.from([4, flags, 0, 0]), ...fields]));
}

/** SUBSCRIBE with one filter (section 3.8). */
export function subscribePacket(packetId: number, filter: string, qos: 0 | 1): Buffer {
  return packet(0x82, Buffer.concat([uint16(packetId), utf8Field(filter), Buffer.from([qos])]));
}

/** PUBLISH (section 3.3). @param packetId null for QoS 0 */
export function publishPacket(topic: string, payload: Uint8Array, packetId: number | null): Buffer {
  const id = packetId === null ? [] : [uint16(packetId)];
  return packet(packetId === null ? 0x30 : 0x32, Buffer.concat([utf8Field(topic), ...id, payload]));
}

/** One PUBACK after another (section 3.4): four bytes each. */
export function pubackPackets(packetIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(packetIds.length * 4);
  let at = 0;
  for (const packetId of packetIds) {
    bytes[at] = 0x40;
    bytes[at + 1] = 2;
    bytes[at + 2] = packetId >> 8;
    bytes[at + 3] = packetId & 0xff;
    at += 4;
  }
  return bytes;
}

export const pingPacket: Uint8Array = Uint8Array.of(0xc0, 0);
export const disconnectPacket: Uint8Array = Uint8Array.of(0xe0, 0);

/** Bytes of every payload. */
export const payloadBytes = 128;
const sequenceDigits = 10;
const sequenceAt = '{"seq":"'.length;

/** A sample in JSON of exactly 128 bytes that names its number at a fixed place. */
export function samplePayload(sequence: number): Buffer {
  const body = {
    seq: String(sequence).padStart(sequenceDigits, "0"),
    at: "2026-11-22T00:00:00.000Z",
    cpu: 0.25,
    pad: "",
  };
  const pad = payloadBytes - JSON.stringify(body).length;
  return Buffer.from(JSON.stringify({ ...body, pad: "x".repeat(pad) }));
}

/** The number in a payload of `samplePayload` that ends at `end`. */
export function sequenceOf(bytes: Buffer, end: number): number {
  const from = end - payloadBytes + sequenceAt;
  let value = 0;
  for (let at = from; at < from + sequenceDigits; at += 1) value = value * 10 + ((bytes[at] as number) - 0x30);
  return value;
}

/** Finds whole packets in a stream that is cut anywhere. */
export class PacketReader {
  /** `bytes[start, end)` is a packet, its variable header begins at `body`; valid during the call only. */
  readonly #take: (bytes: Buffer, start: number, body: number, end: number) => void;
  #carry: Buffer | null = null;

  constructor(take: (bytes: Buffer, start: number, body: number, end: number) => void) {
    this.#take = take;
  }

  push(bytes: Buffer, start: number, end: number): void {
    if (this.#carry === null) {
      this.#walk(bytes, start, end);
      return;
    }
    const joined = Buffer.concat([this.#carry, bytes.subarray(start, end)]);
    this.#carry = null;
    this.#walk(joined, 0, joined.length);
  }

  #walk(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      let body = at + 1;
      let length = 0;
      let shift = 0;
      let more = true;
      while (more && body < end) {
        const digit = bytes[body++] as number;
        length |= (digit & 0x7f) << shift;
        shift += 7;
        more = (digit & 0x80) !== 0;
      }
      if (more || body + length > end) break;
      this.#take(bytes, at, body, body + length);
      at = body + length;
    }
    // A copy: the socket's buffer is read into again.
    if (at < end) this.#carry = Buffer.from(bytes.subarray(at, end));
  }
}

function packet(first: number, body: Buffer): Buffer {
  const header = [first];
  let rest = body.length;
  do {
    const digit = rest & 0x7f;
    rest >>= 7;
    header.push(rest > 0 ? digit | 0x80 : digit);
  } while (rest > 0);
  return Buffer.concat([Buffer.from(header), body]);
}

function utf8Field(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint16(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}
