import { logOfOrigin, type TreeHead, verifyCheckpoint } from "../../../core/audit/checkpoint.ts";
import type { LogName } from "../../../core/audit/logs.ts";
import { parseNote, signatureTypes, type Verifier } from "../../../core/audit/signed-note.ts";
import { foldComplete, hashBytes, rootOfInclusion, sameHash, tileHeight, tileWidth } from "../../../core/audit/tree.ts";
import type { LogKey } from "../../../core/rpc/audit-proofs.ts";
import { sha256 } from "../../sha256.ts";
import type { AuditLogMethods } from "../audit-log-methods.ts";

/** A log's own object, of which nothing is believed but what the signed root proves. */
export type Shown = Pick<AuditLogMethods, "checkpoint" | "inclusion" | "tile">;

/** What a log signed of its leaves, asked tile by tile, each bound to the root of one checkpoint. */
export class SignedLeaves {
  /** The checkpoint, a signed note. */
  readonly note: string;
  readonly #shown: Shown;
  readonly #head: TreeHead;
  /** The tile that was bound last. Written by `#tile`. */
  #bound: { readonly index: number; readonly hashes: readonly Uint8Array[] } | null = null;

  private constructor(shown: Shown, head: TreeHead, note: string) {
    this.#shown = shown;
    this.#head = head;
    this.note = note;
  }

  /** @returns null when the log shows no checkpoint of its own that one of these keys signed */
  static async of(log: LogName, shown: Shown, keys: readonly LogKey[]): Promise<SignedLeaves | null> {
    const view = await shown.checkpoint();
    const note = view === null ? null : parseNote(view.note);
    if (view === null || note === null || logOfOrigin(view.origin) !== log) return null;
    const verifiers = keys.map(
      ({ publicKey }): Verifier => ({ name: view.origin, type: signatureTypes.ed25519, publicKey }),
    );
    const head = await verifyCheckpoint(note, verifiers, sha256);
    return head === null ? null : new SignedLeaves(shown, head, view.note);
  }

  /** Whether this is the hash of the leaf of this number under the checkpoint. */
  async has(seq: number, hash: Uint8Array): Promise<boolean> {
    if (!Number.isSafeInteger(seq) || seq < 1 || seq > this.#head.size) return false;
    const index = Math.floor((seq - 1) / tileWidth);
    // Of the tile that is not full, each leaf by itself.
    if ((index + 1) * tileWidth > this.#head.size) return await this.#proves(seq, hash);
    const signed = (await this.#tile(index))?.[(seq - 1) % tileWidth];
    return signed !== undefined && sameHash(signed, hash);
  }

  /**
   * A full tile's hashes, bound by the proof of its first leaf: that one's lowest eight siblings are the roots of all
   * the others, so whoever has another leaf has another sibling.
   */
  async #tile(index: number): Promise<readonly Uint8Array[] | null> {
    if (this.#bound?.index === index) return this.#bound.hashes;
    const bytes = await this.#shown.tile({ level: 0, index, width: tileWidth });
    if (bytes?.length !== tileWidth * hashBytes) return null;
    const hashes = Array.from({ length: tileWidth }, (_, place) =>
      bytes.slice(place * hashBytes, (place + 1) * hashBytes),
    );
    const first = index * tileWidth + 1;
    const proof = (await this.#shown.inclusion(first, this.#head.size))?.proof ?? [];
    for (let height = 0; height < tileHeight; height += 1) {
      const sibling = foldComplete(hashes.slice(2 ** height, 2 ** (height + 1)), sha256);
      if (!sameHash(proof[height] ?? new Uint8Array(), sibling)) return null;
    }
    if (!this.#leads(hashes[0] as Uint8Array, first, proof)) return null;
    this.#bound = { index, hashes };
    return hashes;
  }

  async #proves(seq: number, hash: Uint8Array): Promise<boolean> {
    const view = await this.#shown.inclusion(seq, this.#head.size);
    return view !== null && this.#leads(hash, seq, view.proof);
  }

  #leads(hash: Uint8Array, seq: number, proof: readonly Uint8Array[]): boolean {
    const { size, root } = this.#head;
    const led = rootOfInclusion(hash, seq - 1, size, proof, sha256);
    return led !== null && sameHash(led, root);
  }
}
