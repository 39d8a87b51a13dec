/** A tree that is only ever added to, in O(log n) hashes: for whoever reads a log from its beginning. */
import type { Sha256 } from "./leaf.ts";
import { nodeHash } from "./tree.ts";

export class GrowingTree {
  readonly #sha256: Sha256;
  /** Roots of the complete subtrees that make up the tree, the largest first. */
  readonly #peaks: { readonly leaves: number; readonly hash: Uint8Array }[] = [];
  #size = 0;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  get size(): number {
    return this.#size;
  }

  add(leaf: Uint8Array): void {
    let peak = { leaves: 1, hash: leaf };
    for (let before = this.#peaks.at(-1); before?.leaves === peak.leaves; before = this.#peaks.at(-1)) {
      this.#peaks.pop();
      peak = { leaves: peak.leaves * 2, hash: nodeHash(before.hash, peak.hash, this.#sha256) };
    }
    this.#peaks.push(peak);
    this.#size += 1;
  }

  /** Root of everything added so far. */
  root(): Uint8Array {
    const [last, ...before] = this.#peaks.toReversed();
    if (last === undefined) return this.#sha256();
    return before.reduce((right, left) => nodeHash(left.hash, right, this.#sha256), last.hash);
  }
}
