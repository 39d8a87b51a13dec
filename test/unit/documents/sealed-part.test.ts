import { createCipheriv, hkdfSync, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SealBroken } from "../../../core/crypto/data-key.ts";
import {
  type ByteRange,
  chunkBytes,
  countParts,
  documentBytesMax,
  partBytes,
  plainPartLength,
  saltBytes,
  sealedLength,
  sealedPartLength,
  sealedRange,
} from "../../../core/documents/layout.ts";
import { openRange, PartRefused, type SealedVersion, sealPart } from "../../../core/documents/sealed-part.ts";
import { makeId } from "../../../core/ids.ts";

const tagBytes = 16;
const sealedChunkBytes = chunkBytes + tagBytes;
const newId = <K extends "org" | "document">(kind: K) => makeId(kind, 1_790_000_000_000, randomBytes(10));
const newSalt = (): Uint8Array<ArrayBuffer> => Uint8Array.from(randomBytes(saltBytes));
const newVersion = (size: number): SealedVersion => ({
  key: randomBytes(32),
  org: newId("org"),
  document: newId("document"),
  version: "1",
  size,
});

/** In pieces whose ends are nobody's. */
async function* pieces(bytes: Uint8Array, size = 50_021): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const piece of source) found.push(piece);
  return Buffer.concat(found);
}

async function sealWhole(of: SealedVersion, plain: Uint8Array, size?: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let part = 1; part <= countParts(of.size); part += 1) {
    const bytes = plain.subarray((part - 1) * partBytes, part * partBytes);
    parts.push(await collect(sealPart(of, part, newSalt(), pieces(bytes, size))));
  }
  return Buffer.concat(parts);
}

const cut = (object: Uint8Array, { offset, length }: ByteRange): Uint8Array => {
  if (offset + length > object.length) throw new RangeError("not in the object");
  return object.subarray(offset, offset + length);
};

/** Reads as R2 is read: what the layout asks for, and nothing else of the object. */
async function read(of: SealedVersion, object: Uint8Array, range: ByteRange, size?: number): Promise<Buffer> {
  const { salt, body } = sealedRange(of.size, range);
  return collect(openRange(of, range, { salt: salt && cut(object, salt), body: pieces(cut(object, body), size) }));
}

async function refusalOf(of: SealedVersion, object: Uint8Array, range: ByteRange): Promise<string> {
  const { salt, body } = sealedRange(of.size, range);
  // An object that was cut gives what it has.
  const give = ({ offset, length }: ByteRange) => object.subarray(offset, offset + length);
  try {
    await collect(openRange(of, range, { salt: salt && give(salt), body: pieces(give(body)) }));
  } catch (error) {
    if (error instanceof SealBroken) return "broken";
    throw error;
  }
  return "opened";
}

const sizes = [
  0,
  1,
  chunkBytes - 1,
  chunkBytes,
  chunkBytes + 1,
  3 * chunkBytes,
  partBytes - 1,
  partBytes,
  partBytes + 1,
];
/** Three parts, the last of two chunks. */
const plain = randomBytes(2 * partBytes + chunkBytes + 12_345);
const version = newVersion(plain.length);
const object = await sealWhole(version, plain);
const whole: ByteRange = { offset: 0, length: plain.length };

describe("a sealed document", () => {
  it.each(sizes)("of %i bytes comes back whole, and its object is as long as the layout says", async (size) => {
    const of = newVersion(size);
    const bytes = randomBytes(size);
    const sealed = await sealWhole(of, bytes);
    expect(sealed.length).toBe(sealedLength(size));
    expect((await read(of, sealed, { offset: 0, length: size })).equals(bytes)).toBe(true);
  });

  it("gives back any range of it, from what the layout asks for and nothing else", { timeout: 300_000 }, async () => {
    // Ranges near the borders of chunks and parts are where the sums are.
    const border = fc
      .integer({ min: 0, max: Math.floor(plain.length / chunkBytes) })
      .chain((chunk) =>
        fc.integer({ min: -2, max: 2 }).map((by) => Math.min(plain.length - 1, Math.max(0, chunk * chunkBytes + by))),
      );
    const at = fc.oneof(border, fc.integer({ min: 0, max: plain.length - 1 }));
    await fc.assert(
      fc.asyncProperty(at, at, fc.integer({ min: 10_000, max: 200_000 }), async (one, other, size) => {
        const [offset, end] = [Math.min(one, other), Math.max(one, other) + 1];
        const found = await read(version, object, { offset, length: end - offset }, size);
        expect(found.equals(plain.subarray(offset, end))).toBe(true);
      }),
      {
        numRuns: 30,
        examples: [
          [0, 0, 10_000],
          [plain.length - 1, plain.length - 1, 1],
          [partBytes - 1, partBytes, 777],
        ],
      },
    );
  });

  it("asks for no more than the chunks that a range touches, and a salt", () => {
    const { salt, body } = sealedRange(version.size, { offset: partBytes + chunkBytes + 5, length: 1 });
    expect(body.length).toBe(sealedChunkBytes);
    expect(salt).toEqual({ offset: sealedPartLength(version.size, 1), length: saltBytes });
    expect(sealedRange(version.size, whole)).toEqual({ salt: null, body: { offset: 0, length: object.length } });
  });

  it("has parts of one sealed size but the last, whatever its size: R2 takes no others", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: documentBytesMax }), (size) => {
        const lengths = Array.from({ length: countParts(size) }, (_, index) => sealedPartLength(size, index + 1));
        expect(new Set(lengths.slice(0, -1)).size).toBeLessThanOrEqual(1);
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(sealedLength(size));
        expect(lengths.every((_, index) => plainPartLength(size, index + 1) <= partBytes)).toBe(true);
      }),
    );
    expect(countParts(documentBytesMax)).toBe(128);
  });

  it("is the same format for a reader that knows nothing but the description", async () => {
    const of = newVersion(chunkBytes + 3);
    const bytes = randomBytes(of.size);
    const sealed = await sealWhole(of, bytes);
    const info = JSON.stringify(["sentinel-document", "1", of.org, of.document, "1", of.size, 1]);
    const derived = Buffer.from(hkdfSync("sha256", of.key, sealed.subarray(0, 32), info, 39));
    const chunk = (counter: number, last: number, text: Buffer): Buffer => {
      const nonce = Buffer.concat([derived.subarray(32), Buffer.from([0, 0, 0, counter, last])]);
      const cipher = createCipheriv("aes-256-gcm", derived.subarray(0, 32), nonce);
      return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
    };
    const expected = [chunk(0, 0, bytes.subarray(0, chunkBytes)), chunk(1, 1, bytes.subarray(chunkBytes))];
    expect(sealed.subarray(saltBytes).equals(Buffer.concat(expected))).toBe(true);
  });

  it("is another one each time a part is uploaded: the same bytes share no chunk", async () => {
    const [first, again] = await Promise.all([sealWhole(version, plain), sealWhole(version, plain)]);
    for (let at = saltBytes; at < first.length; at += sealedChunkBytes) {
      expect(first.subarray(at, at + 48).equals(again.subarray(at, at + 48))).toBe(false);
    }
  });

  it("takes a part again from another upload of it, as resuming does", async () => {
    const again = await collect(sealPart(version, 2, newSalt(), pieces(plain.subarray(partBytes, 2 * partBytes))));
    const start = sealedPartLength(version.size, 1);
    const mixed = Buffer.concat([object.subarray(0, start), again, object.subarray(start + again.length)]);
    expect((await read(version, mixed, whole)).equals(plain)).toBe(true);
  });

  it("lets go of what it reads from when its reader stops", async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        yield object;
      } finally {
        isClosed = true;
      }
    }
    for await (const _ of openRange(version, whole, { salt: null, body: endless() })) break;
    expect(isClosed).toBe(true);
  });
});

describe("an altered document", () => {
  const partAt = sealedPartLength(version.size, 1);
  const chunkAt = (part: number, chunk: number) => (part - 1) * partAt + saltBytes + chunk * sealedChunkBytes;
  const chunkOf = (part: number, chunk: number) =>
    object.subarray(chunkAt(part, chunk), chunkAt(part, chunk) + sealedChunkBytes);
  const exchanged = (...pairs: [at: number, bytes: Uint8Array][]): Buffer => {
    const changed = Buffer.from(object);
    for (const [at, bytes] of pairs) changed.set(bytes, at);
    return changed;
  };

  it.each<[string, () => Buffer | Promise<Buffer>]>([
    ["cut off in its last chunk", () => object.subarray(0, -1)],
    ["without its last chunk", () => object.subarray(0, chunkAt(3, 1))],
    ["without its last part", () => object.subarray(0, 2 * partAt)],
    ["cut to nothing", () => object.subarray(0, 0)],
    ["with two chunks exchanged", () => exchanged([chunkAt(1, 4), chunkOf(1, 5)], [chunkAt(1, 5), chunkOf(1, 4)])],
    ["with a chunk twice", () => exchanged([chunkAt(1, 5), chunkOf(1, 4)])],
    ["with a part's last chunk in its midst", () => exchanged([chunkAt(1, 5), chunkOf(1, 127)])],
    [
      "with two parts exchanged",
      () => exchanged([0, object.subarray(partAt, 2 * partAt)], [partAt, object.subarray(0, partAt)]),
    ],
    ["with a chunk of another part", () => exchanged([chunkAt(2, 3), chunkOf(1, 3)])],
    ["with the salt of another part", () => exchanged([0, object.subarray(partAt, partAt + saltBytes)])],
    [
      "with a chunk of an earlier upload of the same part",
      async () => exchanged([chunkAt(1, 3), (await sealWhole(version, plain)).subarray(chunkAt(1, 3), chunkAt(1, 4))]),
    ],
  ])("%s is refused", async (_, alter) => {
    expect(await refusalOf(version, await alter(), whole)).toBe("broken");
  });

  it("is refused when it goes on behind its end", async () => {
    const more = Buffer.concat([object, Buffer.from([0])]);
    await expect(collect(openRange(version, whole, { salt: null, body: pieces(more) }))).rejects.toThrow(SealBroken);
  });

  it.each<[string, () => SealedVersion]>([
    ["organisation", () => ({ ...version, org: newId("org") })],
    ["document", () => ({ ...version, document: newId("document") })],
    ["version", () => ({ ...version, version: "2" })],
    ["key", () => ({ ...version, key: randomBytes(32) })],
    ["size", () => ({ ...version, size: version.size - 1 })],
    ["size, one that ends at a part's end", () => ({ ...version, size: 2 * partBytes })],
  ])("does not open as that of another %s", async (_, other) => {
    const of = other();
    expect(await refusalOf(of, object, { offset: 0, length: of.size })).toBe("broken");
  });

  it("is refused with any one bit changed", { timeout: 300_000 }, async () => {
    const of = newVersion(200);
    const sealed = await sealWhole(of, randomBytes(200));
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(await refusalOf(of, changed, { offset: 0, length: 200 }), `bit ${bit}`).toBe("broken");
    }
  });

  it("gives nothing of a range whose own chunk was changed, and a range beside it still", async () => {
    const changed = exchanged([chunkAt(2, 7) + 100, Buffer.from([object[chunkAt(2, 7) + 100]! ^ 1])]);
    expect(await refusalOf(version, changed, { offset: partBytes + 7 * chunkBytes, length: 1 })).toBe("broken");
    const beside = { offset: partBytes + 8 * chunkBytes, length: 10 };
    expect((await read(version, changed, beside)).equals(plain.subarray(beside.offset, beside.offset + 10))).toBe(true);
  });

  it("is refused with a salt that was cut off", async () => {
    const range = { offset: chunkBytes, length: 1 };
    const { body } = sealedRange(version.size, range);
    const opened = openRange(version, range, { salt: object.subarray(0, 31), body: pieces(cut(object, body)) });
    await expect(collect(opened)).rejects.toThrow(SealBroken);
  });
});

describe("a part that is not what was announced", () => {
  it.each([
    ["too_short", partBytes - 1],
    ["too_short", 0],
    ["too_long", partBytes + 1],
  ])("is %s with %i bytes, and never comes to its end", async (code, length) => {
    const yielded: Uint8Array[] = [];
    const sealing = async () => {
      for await (const piece of sealPart(version, 1, newSalt(), pieces(Buffer.alloc(length)))) yielded.push(piece);
    };
    await expect(sealing()).rejects.toSatisfy((error) => error instanceof PartRefused && error.code === code);
    expect(Buffer.concat(yielded).length).toBeLessThan(sealedPartLength(version.size, 1));
  });

  it.each([0, 4, 1.5, Number.NaN])("has no number %d", async (part) => {
    await expect(collect(sealPart(version, part, newSalt(), pieces(plain)))).rejects.toThrow(RangeError);
  });

  it("is not sealed with a salt or a key of another length", async () => {
    const seal = (of: SealedVersion, salt: Uint8Array<ArrayBuffer>) => collect(sealPart(of, 3, salt, pieces(plain)));
    await expect(seal(version, newSalt().slice(1))).rejects.toThrow(RangeError);
    await expect(seal({ ...version, key: randomBytes(31) }, newSalt())).rejects.toThrow(RangeError);
  });
});

describe("a range that is not of the document", () => {
  it.each([
    [10, { offset: 0, length: 0 }],
    [10, { offset: 10, length: 1 }],
    [10, { offset: 0, length: 11 }],
    [10, { offset: -1, length: 2 }],
    [10, { offset: 0.5, length: 1 }],
    [10, { offset: 0, length: Number.NaN }],
    [0, { offset: 0, length: 1 }],
    [documentBytesMax + 1, { offset: 0, length: 1 }],
    [-1, { offset: 0, length: 1 }],
  ])("of %d bytes is refused: %o", async (size, range) => {
    expect(() => sealedRange(size, range)).toThrow(RangeError);
    const of = { ...version, size };
    await expect(collect(openRange(of, range, { salt: null, body: pieces(object) }))).rejects.toThrow(RangeError);
  });
});
