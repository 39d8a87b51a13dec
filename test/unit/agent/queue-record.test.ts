import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32, decodeRecord, encodeRecord, payloadBytesMax, scanSegment } from "../../../agent/queue/record.ts";

const record = fc.record({
  atMs: fc.integer({ min: 0, max: 2 ** 42 }),
  payload: fc.uint8Array({ minLength: 1, maxLength: 40 }),
});
const join = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

test("computes the CRC-32 that the standard's check value names", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
});

test("gives back every record of a segment that was cut at any byte, except the one that was cut", () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 4 }), (records) => {
      const parts = records.map(encodeRecord);
      const whole = join(parts);
      const ends = parts.map((_, index) => join(parts.slice(0, index + 1)).length);
      for (let cut = 0; cut <= whole.length; cut += 1) {
        const scan = scanSegment(whole.subarray(0, cut));
        expect(scan.ends).toEqual(ends.filter((end) => end <= cut));
        expect(scan.strayBytes).toBe(cut - (scan.ends.at(-1) ?? 0));
      }
    }),
    { numRuns: 30 },
  );
});

test("never takes a record with one changed byte for a good one", () => {
  fc.assert(
    fc.property(record, fc.nat(), fc.integer({ min: 1, max: 255 }), (original, position, flip) => {
      const bytes = encodeRecord(original);
      const at = position % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ flip;
      expect(decodeRecord(bytes)).toBeNull();
    }),
    { numRuns: 500 },
  );
});

test("stops at zeros that a file system left after a crash", () => {
  const good = encodeRecord({ atMs: 5, payload: new Uint8Array([1]) });
  expect(scanSegment(join([good, new Uint8Array(64)]))).toEqual({ ends: [good.length], newestMs: 5, strayBytes: 64 });
});

test("refuses to write an empty or oversized record", () => {
  expect(() => encodeRecord({ atMs: 0, payload: new Uint8Array() })).toThrow(RangeError);
  expect(() => encodeRecord({ atMs: 0, payload: new Uint8Array(payloadBytesMax + 1) })).toThrow(RangeError);
});
