import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GrowingTree } from "../../../core/audit/growing-tree.ts";
import { hex, type Sha256 } from "../../../core/audit/leaf.ts";
import {
  consistencyProof,
  foldComplete,
  type HashReader,
  inclusionProof,
  isConsistent,
  rootOfInclusion,
  tileWidth,
  treeRoot,
} from "../../../core/audit/tree.ts";

const sha256: Sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const leafOf = (data: Uint8Array): Uint8Array => sha256(new Uint8Array([0]), data);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

/** RFC 9162 section 2.1.1 word for word: what everything here is held against. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(new Uint8Array([1]), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** Tiles as a log keeps them: leaf hashes, and one root for each full tile below. */
function tilesOf(leaves: readonly Uint8Array[]): HashReader {
  const levels: Uint8Array[][] = [[...leaves]];
  for (let level = 0; (levels[level]?.length ?? 0) >= tileWidth; level += 1) {
    const below = levels[level] as Uint8Array[];
    levels.push(
      Array.from({ length: Math.floor(below.length / tileWidth) }, (_, tile) =>
        foldComplete(below.slice(tile * tileWidth, (tile + 1) * tileWidth), sha256),
      ),
    );
  }
  return (level, from, to) => (levels[level] ?? []).slice(from, to);
}

const leaves = Array.from({ length: 1200 }, (_, index) => leafOf(new Uint8Array(Buffer.from(`entry ${index}`))));
const read = tilesOf(leaves);
/** Hashing alone, some hundred thousand times: on a busy machine longer than the default. */
const slowMsMax = 60_000;
const sizesMax = 600;

/** The eight leaves of the reference tests of RFC 6962's own implementation, whose roots are published. */
const reference = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const referenceRoots = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

describe("the Merkle tree", () => {
  it("has the published roots of RFC 6962's reference tree, and of the empty one", () => {
    const hashes = reference.map((data) => leafOf(bytes(data)));
    expect(hex(treeRoot(tilesOf([]), 0, sha256))).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    expect(hashes.map((_, index) => hex(treeRoot(tilesOf(hashes), index + 1, sha256)))).toEqual(referenceRoots);
  });

  it("has the published proofs of RFC 6962's reference tree", () => {
    const tree = tilesOf(reference.map((data) => leafOf(bytes(data))));
    expect(inclusionProof(tree, 5, 8, sha256).map(hex)).toEqual([
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    expect(consistencyProof(tree, 6, 8, sha256).map(hex)).toEqual([
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
  });

  it("has the root that the RFC's recursion gives, at every size from 0 to 600, from tiles and while growing", () => {
    const growing = new GrowingTree(sha256);
    for (let size = 0; size <= sizesMax; size += 1) {
      const naive = hex(naiveRoot(leaves.slice(0, size)));
      expect(hex(treeRoot(read, size, sha256)), `size ${size}`).toBe(naive);
      expect(hex(growing.root()), `growing to ${size}`).toBe(naive);
      growing.add(leaves[size] as Uint8Array);
    }
    expect(growing.size).toBe(sizesMax + 1);
  });

  it(
    "works from the roots of full tiles over three levels",
    () => {
      const size = 2 * tileWidth ** 2 + 3 * tileWidth + 5;
      const many = Array.from({ length: size }, (_, index) => leafOf(new Uint8Array(Buffer.from(String(index)))));
      const tiles = tilesOf(many);
      const growing = new GrowingTree(sha256);
      for (const leaf of many) growing.add(leaf);
      const root = treeRoot(tiles, size, sha256);
      expect(hex(root)).toBe(hex(growing.root()));
      const index = tileWidth ** 2 + 7;
      const proof = inclusionProof(tiles, index, size, sha256);
      expect(hex(rootOfInclusion(many[index] as Uint8Array, index, size, proof, sha256) as Uint8Array)).toBe(hex(root));
    },
    slowMsMax,
  );

  it("refuses sizes and indexes that are not the tree's", () => {
    expect(() => treeRoot(read, 1201, sha256)).toThrow(RangeError);
    expect(() => treeRoot(read, -1, sha256)).toThrow(RangeError);
    expect(() => treeRoot(read, 1.5, sha256)).toThrow(RangeError);
    expect(() => inclusionProof(read, 7, 7, sha256)).toThrow(RangeError);
    expect(() => consistencyProof(read, 0, 7, sha256)).toThrow(RangeError);
    expect(() => consistencyProof(read, 8, 7, sha256)).toThrow(RangeError);
  });
});

const sizeAndIndex = fc
  .integer({ min: 1, max: sizesMax })
  .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })));
const twoSizes = fc
  .integer({ min: 1, max: sizesMax })
  .chain((to) => fc.tuple(fc.integer({ min: 1, max: to }), fc.constant(to)));
/** One bit of one hash the other way. */
const flip = (proof: readonly Uint8Array[], at: number): Uint8Array[] =>
  proof.map((hash, index) => (index === at ? hash.map((byte, position) => (position === 3 ? byte ^ 1 : byte)) : hash));

describe("an inclusion proof", () => {
  it("leads from every leaf to the root, and from nothing else", () => {
    fc.assert(
      fc.property(sizeAndIndex, fc.nat(), ([size, index], salt) => {
        const root = hex(naiveRoot(leaves.slice(0, size)));
        const proof = inclusionProof(read, index, size, sha256);
        const rootFrom = (leaf: number, place: number, path: readonly Uint8Array[], of = size): string | null => {
          const found = rootOfInclusion(leaves[leaf] as Uint8Array, place, of, path, sha256);
          return found === null ? null : hex(found);
        };
        expect(rootFrom(index, index, proof)).toBe(root);
        expect(rootFrom((index + 1) % 601, index, proof)).not.toBe(root);
        expect(rootFrom(index, index, [...proof, leaves[0] as Uint8Array])).toBeNull();
        expect(rootFrom(index, size, proof)).toBeNull();
        expect(rootFrom(index, -1, proof)).toBeNull();
        if (proof.length === 0) return;
        expect(rootFrom(index, index, proof.slice(1))).toBeNull();
        expect(rootFrom(index, index, flip(proof, salt % proof.length))).not.toBe(root);
        expect(rootFrom(index, (index + 1) % size, proof)).not.toBe(root);
      }),
      { numRuns: 300 },
    );
  });

  it("takes no inner node for a leaf", () => {
    const inner = foldComplete(leaves.slice(0, 2), sha256);
    const proof = inclusionProof(read, 0, 4, sha256);
    // The node over leaves 0 and 1 with the rest of their proof would lead to the root of four.
    expect(rootOfInclusion(inner, 0, 4, proof.slice(1), sha256)).toBeNull();
  });
});

describe("a consistency proof", () => {
  it(
    "joins any two sizes of one log, and no size of another",
    () => {
      fc.assert(
        fc.property(twoSizes, fc.nat(), ([from, to], salt) => {
          const older = { size: from, root: naiveRoot(leaves.slice(0, from)) };
          const newer = { size: to, root: naiveRoot(leaves.slice(0, to)) };
          const proof = consistencyProof(read, from, to, sha256);
          expect(isConsistent(older, newer, proof, sha256)).toBe(true);
          // The same log with one entry changed inside the older part.
          const changed = leaves.with(salt % from, leaves[1199] as Uint8Array);
          const fork = { size: to, root: naiveRoot(changed.slice(0, to)) };
          expect(isConsistent(older, fork, proof, sha256)).toBe(false);
          const forkProof = consistencyProof(tilesOf(changed), from, to, sha256);
          expect(isConsistent(older, fork, forkProof, sha256)).toBe(false);
          expect(isConsistent(older, newer, [...proof, leaves[0] as Uint8Array], sha256)).toBe(false);
          if (from !== to) {
            expect(isConsistent(newer, older, proof, sha256)).toBe(false);
            expect(isConsistent(older, newer, flip(proof, salt % proof.length), sha256)).toBe(false);
            expect(isConsistent(older, newer, proof.slice(1), sha256)).toBe(false);
          }
        }),
        { numRuns: 200 },
      );
    },
    slowMsMax,
  );

  it("from an empty tree is empty, and its root is known", () => {
    const newer = { size: 5, root: naiveRoot(leaves.slice(0, 5)) };
    expect(isConsistent({ size: 0, root: sha256() }, newer, [], sha256)).toBe(true);
    expect(isConsistent({ size: 0, root: newer.root }, newer, [], sha256)).toBe(false);
    expect(isConsistent({ size: 0, root: sha256() }, newer, [newer.root], sha256)).toBe(false);
  });
});
