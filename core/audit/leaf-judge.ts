/**
 * Holds what somebody keeps as a log against the leaf hashes that were signed, and says which entry is the
 * first that is not what it was, and in which way. Pure; one pass; it keeps 32 bytes an entry and no more.
 */
import { leafHashBytes, type Sha256 } from "./leaf.ts";
import { hashBytes, sameHash } from "./tree.ts";

export const tamperings = ["changed", "dropped", "reordered", "forged"] as const;
export type Tampering = (typeof tamperings)[number];

export interface Finding {
  /** The first entry that is not as it was signed: the number it has, or should have. */
  readonly seq: number;
  readonly tampering: Tampering;
  readonly detail: string;
}

export interface KeptLeaf {
  /** The number under which it is kept. */
  readonly seq: number;
  readonly leafJson: string;
}

export class LeafJudge {
  readonly #signed: Uint8Array;
  readonly #sha256: Sha256;
  readonly #mayFollow: (leafJson: string) => boolean;
  /** The number that must come next. */
  #next = 1;
  /** What was found, and whether the entry that should stand there came later. */
  #found: { readonly seq: number; readonly kept: KeptLeaf; cameLater: boolean } | null = null;
  /** Entries after the signed ones. */
  #following = 0;
  /** Entries before the first that is kept. Written by `beginAt`. */
  #before = 0;

  /**
   * @param signed leaf hashes of the whole log under a checkpoint, one after the other
   * @param mayFollow whether a leaf behind the checkpoint may be there: it is too young to be under one
   */
  constructor(signed: Uint8Array, sha256: Sha256, mayFollow: (leafJson: string) => boolean) {
    this.#signed = signed;
    this.#sha256 = sha256;
    this.#mayFollow = mayFollow;
  }

  get size(): number {
    return this.#signed.length / hashBytes;
  }

  /** Entries found as they were signed. */
  get good(): number {
    return Math.min(this.#next - 1, this.size) - this.#before;
  }

  /** Before anything was taken: what is kept begins here, since all before it may be gone. */
  beginAt(seq: number): void {
    this.#before = seq - 1;
    this.#next = seq;
  }

  /** Entries that no checkpoint covers yet. */
  get following(): number {
    return this.#following;
  }

  /** Takes what is kept, in the order of its numbers. */
  take(kept: KeptLeaf): void {
    if (this.#found !== null) {
      this.#found.cameLater ||= this.#isSigned(this.#found.seq, kept.leafJson);
      return;
    }
    if (kept.seq === this.#next && this.#next > this.size && this.#mayFollow(kept.leafJson)) {
      this.#next += 1;
      this.#following += 1;
      return;
    }
    if (kept.seq === this.#next && this.#isSigned(this.#next, kept.leafJson)) {
      this.#next += 1;
      return;
    }
    const seq = Math.min(kept.seq, this.#next);
    this.#found = { seq, kept, cameLater: kept.seq !== seq && this.#isSigned(seq, kept.leafJson) };
  }

  /** What is wrong first, after everything was taken; null when nothing is. */
  finding(): Finding | null {
    if (this.#found === null) {
      if (this.#next > this.size) return null;
      return { seq: this.#next, tampering: "dropped", detail: `nothing is kept from here to ${this.size}` };
    }
    const { seq, kept, cameLater } = this.#found;
    const number = kept.seq;
    const place = this.#placeOf(kept.leafJson);
    if (seq > this.size) return { seq, tampering: "forged", detail: `the log that was signed ends at ${this.size}` };
    if (number < this.#next) return { seq, tampering: "forged", detail: "its number is there twice" };
    if (cameLater && place !== null)
      return { seq, tampering: "reordered", detail: `entry ${place} stands here, and this one further on` };
    if (cameLater)
      return { seq, tampering: "forged", detail: "what stands here was never in the log; this entry comes later" };
    if (number > seq) return { seq, tampering: "dropped", detail: `the next one kept is ${number}` };
    if (place !== null) return { seq, tampering: "dropped", detail: `entry ${place} was moved to its number` };
    return { seq, tampering: "changed", detail: "its leaf does not hash to what was signed" };
  }

  #isSigned(seq: number, leafJson: string): boolean {
    return seq <= this.size && sameHash(this.#hashOf(seq), leafHashBytes(leafJson, this.#sha256));
  }

  #hashOf(seq: number): Uint8Array {
    const start = (seq - 1) * hashBytes;
    return this.#signed.subarray(start, start + hashBytes);
  }

  /** The number that a leaf has in the signed log; null when it is not in it. */
  #placeOf(leafJson: string): number | null {
    const hash = leafHashBytes(leafJson, this.#sha256);
    for (let seq = 1; seq <= this.size; seq += 1) if (sameHash(this.#hashOf(seq), hash)) return seq;
    return null;
  }
}
