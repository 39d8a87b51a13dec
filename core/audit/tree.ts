/**
 * The Merkle tree over a log's leaf hashes (RFC 9162 section 2.1), laid out in tiles of height 8 as
 * C2SP tlog-tiles has them. Pure: where the hashes are kept and the hash function are arguments.
 *
 * Sizes go beyond 32 bits, so there are no bit operators here.
 */
import type { Sha256 } from "./leaf.ts";

/** Hashes in a full tile: 8 levels of the tree. */
export const tileWidth = 256;
export const tileHeight = 8;
/** Bytes of SHA-256. */
export const hashBytes = 32;

/**
 * Hashes `from` (inclusive) to `to` (exclusive) of one tile level, in order. Level 0 has the leaf hashes;
 * hash i of level l is the root of the 256^l leaves from i * 256^l. It is asked only for hashes whose
 * leaves are all there.
 */
export type HashReader = (level: number, from: number, to: number) => readonly Uint8Array[];

/** RFC 9162 section 2.1.1: inner nodes are hashed behind 0x01, leaves behind 0x00, so neither passes for the other. */
const nodePrefix = new Uint8Array([1]);

export function nodeHash(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(nodePrefix, left, right);
}

/** Root of a complete subtree from its hashes, whose number is a power of two. @throws RangeError */
export function foldComplete(hashes: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  if (hashes.length === 0 || !Number.isInteger(Math.log2(hashes.length)))
    throw new RangeError("not a complete subtree");
  let level = hashes;
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, pair) =>
      nodeHash(level[2 * pair] as Uint8Array, level[2 * pair + 1] as Uint8Array, sha256),
    );
  }
  return level[0] as Uint8Array;
}

/** Largest power of two below `size`, which is at least 2. */
function splitOf(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** MTH(D[from:to]) for a range that the recursion of RFC 9162 reaches, so `from` is aligned. */
function rangeRoot(read: HashReader, from: number, to: number, sha256: Sha256): Uint8Array {
  const size = to - from;
  const height = Math.log2(size);
  if (!Number.isInteger(height)) {
    const middle = from + splitOf(size);
    return nodeHash(rangeRoot(read, from, middle, sha256), rangeRoot(read, middle, to, sha256), sha256);
  }
  const level = Math.floor(height / tileHeight);
  const leaves = tileWidth ** level;
  const hashes = read(level, from / leaves, to / leaves);
  if (hashes.length !== size / leaves) throw new RangeError("the tree has fewer hashes than its size says");
  return foldComplete(hashes, sha256);
}

/** MTH(D[0:size]). The empty tree's is SHA-256 of nothing. @throws RangeError */
export function treeRoot(read: HashReader, size: number, sha256: Sha256): Uint8Array {
  checkSize(size);
  return size === 0 ? sha256() : rangeRoot(read, 0, size, sha256);
}

/**
 * PATH(index, D[0:size]) of RFC 9162 section 2.1.3.1, from the leaf's sibling up.
 * @throws RangeError for an index outside the tree
 */
export function inclusionProof(read: HashReader, index: number, size: number, sha256: Sha256): Uint8Array[] {
  checkSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new RangeError("not an index of this tree");
  const proof: Uint8Array[] = [];
  for (let from = 0, to = size; to - from > 1; ) {
    const middle = from + splitOf(to - from);
    const goesLeft = index < middle;
    proof.unshift(goesLeft ? rangeRoot(read, middle, to, sha256) : rangeRoot(read, from, middle, sha256));
    if (goesLeft) to = middle;
    else from = middle;
  }
  return proof;
}

/**
 * PROOF(from, D[0:to]) of RFC 9162 section 2.1.4.1; empty when both are the same size.
 * @throws RangeError unless 0 < from <= to
 */
export function consistencyProof(read: HashReader, from: number, to: number, sha256: Sha256): Uint8Array[] {
  checkSize(to);
  if (!Number.isSafeInteger(from) || from < 1 || from > to) throw new RangeError("not an earlier size of this tree");
  const proof: Uint8Array[] = [];
  let start = 0;
  let end = to;
  // While the old tree's edge lies inside the range; a range that begins at 0 and ends there is the verifier's own.
  while (from !== end) {
    const middle = start + splitOf(end - start);
    if (from <= middle) {
      proof.unshift(rangeRoot(read, middle, end, sha256));
      end = middle;
    } else {
      proof.unshift(rangeRoot(read, start, middle, sha256));
      start = middle;
    }
  }
  if (start !== 0) proof.unshift(rangeRoot(read, start, end, sha256));
  return proof;
}

/**
 * The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2); null when the proof is of the
 * wrong length. It says nothing before it was compared with a root that is trusted.
 */
export function rootOfInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  sha256: Sha256,
): Uint8Array | null {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return null;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0 || sibling.length !== hashBytes) return null;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash, sha256);
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling, sha256);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : null;
}

/**
 * Whether a proof shows that the tree of `to` leaves begins with the tree of `from` leaves
 * (RFC 9162 section 2.1.4.2). A tree of no leaves is the beginning of every other.
 */
export function isConsistent(
  from: { readonly size: number; readonly root: Uint8Array },
  to: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
  sha256: Sha256,
): boolean {
  if (!Number.isSafeInteger(from.size) || !Number.isSafeInteger(to.size) || from.size < 0) return false;
  if (from.size > to.size || proof.some((hash) => hash.length !== hashBytes)) return false;
  if (from.size === to.size) return proof.length === 0 && sameHash(from.root, to.root);
  if (from.size === 0) return proof.length === 0 && sameHash(from.root, sha256());
  // An old tree that is complete is a node of the new one, and the verifier has it already.
  const path = Number.isInteger(Math.log2(from.size)) ? [from.root, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined) return false;
  let node = from.size - 1;
  let last = to.size - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  let [older, newer] = [first, first];
  for (const hash of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      older = nodeHash(hash, older, sha256);
      newer = nodeHash(hash, newer, sha256);
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2);
        last = Math.floor(last / 2);
      }
    } else {
      newer = nodeHash(newer, hash, sha256);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && sameHash(older, from.root) && sameHash(newer, to.root);
}

/** Both are public, so the time that this takes tells nobody anything. */
export function sameHash(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError("not a tree's size");
}
