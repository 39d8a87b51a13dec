/**
 * One record of the disk queue: what makes a torn or rotten one recognisable.
 *
 * ```
 * length  u32 LE   bytes of payload, 1 … payloadBytesMax
 * crc     u32 LE   CRC-32 (IEEE 802.3) of everything after it
 * at      f64 LE   Unix time in milliseconds
 * payload
 * ```
 * A file system may leave zeros after a crash: length 0 is never valid, so they end the segment.
 */
import { telemetryBytesMax } from "../../core/telemetry.ts";

export const recordHeaderBytes = 16;
/** What the server takes as one sample; a larger one would sit at the head of the queue for ever. */
export const payloadBytesMax = telemetryBytesMax;

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

/** CRC-32; node:zlib has one only from Node 20.15 on. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

export interface QueueRecord {
  readonly atMs: number;
  readonly payload: Uint8Array;
}

/** Throws a RangeError for an empty or oversized payload: the caller made it. */
export function encodeRecord(record: QueueRecord): Uint8Array {
  const { payload } = record;
  if (payload.length === 0 || payload.length > payloadBytesMax) throw new RangeError("payload out of range");
  const bytes = new Uint8Array(recordHeaderBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length, true);
  view.setFloat64(8, record.atMs, true);
  bytes.set(payload, recordHeaderBytes);
  view.setUint32(4, crc32(bytes.subarray(8)), true);
  return bytes;
}

/** The record at `offset`, or null when it is torn, rotten or not there. */
export function decodeRecord(bytes: Uint8Array, offset = 0): (QueueRecord & { readonly end: number }) | null {
  if (offset + recordHeaderBytes > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(offset, true);
  if (length === 0 || length > payloadBytesMax) return null;
  const end = offset + recordHeaderBytes + length;
  if (end > bytes.length) return null;
  if (crc32(bytes.subarray(offset + 8, end)) !== view.getUint32(offset + 4, true)) return null;
  return {
    atMs: view.getFloat64(offset + 8, true),
    payload: bytes.subarray(offset + recordHeaderBytes, end),
    end,
  };
}

export interface SegmentScan {
  /** Where each good record ends, in order. */
  readonly ends: number[];
  /** Time of the newest record, −Infinity when there is none. */
  readonly newestMs: number;
  /** Bytes after the last good record: a torn write, or rot. */
  readonly strayBytes: number;
}

/** Reads records up to the first that doesn't hold; what follows it can't be trusted to be aligned. */
export function scanSegment(bytes: Uint8Array): SegmentScan {
  const ends: number[] = [];
  let newestMs = Number.NEGATIVE_INFINITY;
  let offset = 0;
  for (;;) {
    const record = decodeRecord(bytes, offset);
    if (record === null) return { ends, newestMs, strayBytes: bytes.length - offset };
    ends.push(record.end);
    newestMs = Math.max(newestMs, record.atMs);
    offset = record.end;
  }
}
