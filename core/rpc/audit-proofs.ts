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
  /**
   * For a witness, by the job `audit_witness`: the newest checkpoint, and that it begins with the tree of `from`
   * entries; no hashes where there is nothing to prove (0, or a size that the log does not have). Null before the
   * first checkpoint.
   */
  witnessed(call: SignedCall, from: number): Promise<WitnessedView | null>;
  /**
   * Keeps a witness's cosignature of the checkpoint of `size` entries, by the job `audit_witness`.
   * @param verifier the witness's key, `name+id+key`
   * @param line its signature line, without a newline
   */
  cosign(call: SignedCall, verifier: string, size: number, line: string): Promise<CosignAnswer>;
}

/** What a witness needs to see that the log only grew. */
export interface WitnessedView {
  /** The newest checkpoint's signed note. */
  readonly note: string;
  readonly size: number;
  /** The log's keys, `name+id+key`, newest first. */
  readonly keys: readonly string[];
  readonly from: number;
  readonly proof: readonly Uint8Array<ArrayBuffer>[];
}

/** What came of a cosignature; all but `kept` leave everything as it was. */
export type CosignAnswer =
  | "kept"
  /** It is no cosignature of that checkpoint by that key. */
  | "not_a_cosignature"
  /** The log never had a checkpoint of this size. */
  | "unknown_checkpoint"
  /** The same witness has cosigned a later checkpoint, or this one later. */
  | "older"
  /** Its time is not ours. */
  | "clock_off"
  /** Another key cosigned this checkpoint under the same name, or as many as a note holds have. */
  | "no_room";

/** The newest checkpoint that a witness cosigned. */
export interface CosignatureView {
  /** `name+id+key`. */
  readonly verifier: string;
  readonly size: number;
  /** By the witness's clock. */
  readonly cosignedMs: number;
  /** That checkpoint's signed note, with all its cosignatures. */
  readonly note: string;
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
  /** What each witness cosigned last, the latest first. */
  readonly cosigned: readonly CosignatureView[];
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
