/** Whether leaf hashes are the log that a checkpoint signs, and whether that log goes on from one seen earlier. */
import { type TreeHead, verifyCheckpoint } from "./checkpoint.ts";
import { GrowingTree } from "./growing-tree.ts";
import type { Sha256 } from "./leaf.ts";
import { parseNote, type Verifier } from "./signed-note.ts";
import { hashBytes, sameHash } from "./tree.ts";

/** Why a log is not believed, before any single entry is looked at. Stable, snake_case. */
export type Distrust =
  /** The checkpoint is no checkpoint, or no key that is trusted signed it. */
  | "checkpoint_not_signed"
  /** The hashes shown do not make the root that was signed. */
  | "hashes_not_signed"
  /** The checkpoint kept from earlier was not signed by these keys. */
  | "saved_not_signed"
  /** The checkpoint kept from earlier is another log's. */
  | "other_log"
  /** The log is shorter than it was: it was rolled back. */
  | "rolled_back"
  /** The log has another beginning than it had: it was forked. */
  | "forked";

export type LogVerdict =
  | { readonly kind: "trusted"; readonly head: TreeHead }
  | { readonly kind: "distrusted"; readonly why: Distrust; readonly detail: string };

export interface ShownLog {
  /** The newest checkpoint, a signed note. */
  readonly checkpoint: string;
  /** Leaf hashes of all its entries, one after the other. */
  readonly hashes: Uint8Array;
  readonly keys: readonly Verifier[];
  /** A checkpoint that the verifier kept from earlier; null for none. */
  readonly saved: string | null;
}

export async function verifyLog({ checkpoint, hashes, keys, saved }: ShownLog, sha256: Sha256): Promise<LogVerdict> {
  const head = await headOf(checkpoint, keys, sha256);
  if (head === null) return distrust("checkpoint_not_signed", "no key that is trusted signed the newest checkpoint");
  const before = saved === null ? null : await headOf(saved, keys, sha256);
  if (saved !== null && before === null)
    return distrust("saved_not_signed", "no key that is trusted signed the checkpoint kept from earlier");
  if (before !== null && before.origin !== head.origin)
    return distrust("other_log", `the checkpoint kept from earlier is of ${before.origin}, this log is ${head.origin}`);
  if (before !== null && before.size > head.size)
    return distrust("rolled_back", `the log had ${before.size} entries and now says it has ${head.size}`);
  if (hashes.length !== head.size * hashBytes)
    return distrust("hashes_not_signed", `${hashes.length / hashBytes} hashes are shown for ${head.size} entries`);
  const tree = new GrowingTree(sha256);
  for (let seq = 0; seq <= head.size; seq += 1) {
    if (before !== null && tree.size === before.size && !sameHash(tree.root(), before.root))
      return distrust(
        "forked",
        `the first ${before.size} entries are not those that the checkpoint kept from earlier signs`,
      );
    if (seq < head.size) tree.add(hashes.slice(seq * hashBytes, (seq + 1) * hashBytes));
  }
  if (!sameHash(tree.root(), head.root))
    return distrust(
      "hashes_not_signed",
      `the hashes shown do not make the root that was signed for ${head.size} entries`,
    );
  return { kind: "trusted", head };
}

async function headOf(text: string, keys: readonly Verifier[], sha256: Sha256): Promise<TreeHead | null> {
  const note = parseNote(text);
  return note === null ? null : await verifyCheckpoint(note, keys, sha256);
}

const distrust = (why: Distrust, detail: string): LogVerdict => ({ kind: "distrusted", why, detail });
