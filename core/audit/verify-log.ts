/** Whether leaf hashes are the log that a checkpoint signs, and whether that log goes on from one seen earlier. */
import { cosignedAt, isCosigned, type TreeHead, verifyCheckpoint } from "./checkpoint.ts";
import { GrowingTree } from "./growing-tree.ts";
import type { Sha256 } from "./leaf.ts";
import { keyIdOf, parseNote, type Verifier } from "./signed-note.ts";
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
  | "forked"
  /** The witness that is asked for cosigned nothing of what is shown. */
  | "not_cosigned";

/** What a witness cosigned last of what is shown. */
export interface Cosigned {
  readonly size: number;
  /** By the witness's clock, Unix seconds. */
  readonly atSeconds: number;
}

export type LogVerdict =
  /** `cosigned`: null when no witness was asked for. */
  | { readonly kind: "trusted"; readonly head: TreeHead; readonly cosigned: Cosigned | null }
  | { readonly kind: "distrusted"; readonly why: Distrust; readonly detail: string };

export interface ShownLog {
  /** The newest checkpoint, a signed note. */
  readonly checkpoint: string;
  /** Leaf hashes of all its entries, one after the other. */
  readonly hashes: Uint8Array;
  readonly keys: readonly Verifier[];
  /** A checkpoint that the verifier kept from earlier; null for none. */
  readonly saved: string | null;
  /** A witness's key that has to have cosigned, and the notes that may bear it beside the newest; null for none. */
  readonly witness: { readonly key: Verifier; readonly notes: readonly string[] } | null;
}

export async function verifyLog(shown: ShownLog, sha256: Sha256): Promise<LogVerdict> {
  const { checkpoint, hashes, keys, saved, witness } = shown;
  const head = await headOf(checkpoint, keys, sha256);
  if (head === null) return distrust("checkpoint_not_signed", "no key that is trusted signed the newest checkpoint");
  const before = saved === null ? null : await headOf(saved, keys, sha256);
  if (saved !== null && before === null)
    return distrust("saved_not_signed", "no key that is trusted signed the checkpoint kept from earlier");
  if (before !== null && before.origin !== head.origin)
    return distrust("other_log", `the checkpoint kept from earlier is of ${before.origin}, this log is ${head.origin}`);
  const seen = witness === null ? null : await cosignedBy(witness, checkpoint, head.origin, keys, sha256);
  if (witness !== null && seen === null)
    return distrust("not_cosigned", `${witness.key.name} cosigned no checkpoint that is shown`);
  const earlier: readonly Earlier[] = [
    ...(before === null ? [] : [{ head: before, whose: "that the checkpoint kept from earlier signs" }]),
    ...(seen === null ? [] : [{ head: seen.head, whose: "that the witness cosigned" }]),
  ];
  for (const { head: old } of earlier) {
    if (old.size > head.size)
      return distrust("rolled_back", `the log had ${old.size} entries and now says it has ${head.size}`);
  }
  if (hashes.length !== head.size * hashBytes)
    return distrust("hashes_not_signed", `${hashes.length / hashBytes} hashes are shown for ${head.size} entries`);
  const tree = new GrowingTree(sha256);
  for (let seq = 0; seq <= head.size; seq += 1) {
    const other = earlier.find(({ head: old }) => old.size === seq && !sameHash(tree.root(), old.root));
    if (other !== undefined) return distrust("forked", `the first ${seq} entries are not those ${other.whose}`);
    if (seq < head.size) tree.add(hashes.slice(seq * hashBytes, (seq + 1) * hashBytes));
  }
  if (!sameHash(tree.root(), head.root))
    return distrust(
      "hashes_not_signed",
      `the hashes shown do not make the root that was signed for ${head.size} entries`,
    );
  return {
    kind: "trusted",
    head,
    cosigned: seen === null ? null : { size: seen.head.size, atSeconds: seen.atSeconds },
  };
}

interface Earlier {
  readonly head: TreeHead;
  /** Which entries a fork is not, in words. */
  readonly whose: string;
}

/** The largest head of this log that the witness cosigned; null for none. A note that is spoiled counts as none. */
async function cosignedBy(
  { key, notes }: NonNullable<ShownLog["witness"]>,
  newest: string,
  origin: string,
  keys: readonly Verifier[],
  sha256: Sha256,
): Promise<{ readonly head: TreeHead; readonly atSeconds: number } | null> {
  let best: { head: TreeHead; atSeconds: number } | null = null;
  for (const text of [newest, ...notes]) {
    const note = parseNote(text);
    const head = note === null ? null : await verifyCheckpoint(note, keys, sha256);
    if (note === null || head?.origin !== origin || head.size < (best?.head.size ?? 0)) continue;
    if (!(await isCosigned(note, key, sha256))) continue;
    const id = keyIdOf(key, sha256);
    const line = note.signatures.find(({ name, keyId }) => name === key.name && keyId === id);
    const atSeconds = line === undefined ? null : cosignedAt(line.signature);
    if (atSeconds !== null) best = { head, atSeconds };
  }
  return best;
}

async function headOf(text: string, keys: readonly Verifier[], sha256: Sha256): Promise<TreeHead | null> {
  const note = parseNote(text);
  return note === null ? null : await verifyCheckpoint(note, keys, sha256);
}

const distrust = (why: Distrust, detail: string): LogVerdict => ({ kind: "distrusted", why, detail });
