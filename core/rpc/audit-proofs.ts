/** What the entrypoint `AuditProofs` of the durable-objects Worker offers studio: what shows that a log only grew. */
import type { TilePath } from "../audit/tile-path.ts";
import type { SignedCall } from "../mesh/claims.ts";

/** Every method is about the log of the caller's own organisation, for those who may read it. */
export interface AuditProofsRpc {
  /** The newest checkpoint; null before the log has one. */
  checkpoint(call: SignedCall): Promise<CheckpointView | null>;
  /**
   * Where an entry stands in the tree.
   * @param size a size that was reached by the newest checkpoint; null for the newest checkpoint's
   * @returns null when no checkpoint covers the entry, or none reaches the size
   */
  inclusion(call: SignedCall, seq: number, size: number | null): Promise<InclusionView | null>;
  /**
   * That the tree of `to` entries begins with the tree of `from`; null when no checkpoint reaches `to`.
   * @param to null for the newest checkpoint's size
   */
  consistency(call: SignedCall, from: number, to: number | null): Promise<ConsistencyView | null>;
  /** Bytes of a tile or bundle of entries; null when no checkpoint covers it. */
  tile(call: SignedCall, path: TilePath): Promise<Uint8Array<ArrayBuffer> | null>;
}

/** Public halves of the key that signs checkpoints, newest first; old ones stay, for old checkpoints do. */
export interface LogKey {
  /** Raw Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly madeMs: number;
  /** From when it signs no more; null for the one that signs now. */
  readonly retiredMs: number | null;
}

export interface CheckpointView {
  readonly origin: string;
  readonly size: number;
  /** The signed note. */
  readonly note: string;
  readonly signedMs: number;
  /** Entries after it, and when the first of them was written; both are a minute's worth at most. */
  readonly pending: number;
  readonly pendingSinceMs: number | null;
  /** Keys under the log's name, as public tools take them (`name+id+key`), newest first. */
  readonly keys: readonly string[];
}

export interface InclusionView {
  readonly seq: number;
  readonly size: number;
  readonly leafJson: string;
  /** From the leaf's sibling up. */
  readonly proof: readonly Uint8Array<ArrayBuffer>[];
  /** Root of the tree of `size` entries. */
  readonly root: Uint8Array<ArrayBuffer>;
  /** The newest checkpoint's signed note. */
  readonly note: string;
}

export interface ConsistencyView {
  readonly from: number;
  readonly to: number;
  readonly proof: readonly Uint8Array<ArrayBuffer>[];
}
