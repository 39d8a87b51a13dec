/** An audit log as somebody shows it: from a file that was exported, or from its address. Nothing of it is believed yet. */
import { createHash } from "node:crypto";
import type { Sha256 } from "../../../core/audit/leaf.ts";
import type { KeptLeaf } from "../../../core/audit/leaf-judge.ts";

export interface LogShown {
  /** Keys as the log says them, `name+id+key`. */
  readonly keys: readonly string[];
  /** The newest checkpoint, a signed note. */
  readonly checkpoint: string;
  /** Earlier or the same, as witnesses cosigned them: signed notes. */
  readonly cosigned: readonly string[];
  /** Leaf hashes, one after the other. */
  readonly hashes: Uint8Array;
  /** The leaves themselves, once, in order. */
  readonly leaves: AsyncIterable<KeptLeaf>;
}

export const sha256: Sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
