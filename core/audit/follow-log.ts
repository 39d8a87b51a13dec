/** Whether a log that was seen once has only grown since: what a witness asks before it signs anything. */
import { type TreeHead, verifyCheckpoint } from "./checkpoint.ts";
import type { Sha256 } from "./leaf.ts";
import { parseNote, type Verifier } from "./signed-note.ts";
import { isConsistent } from "./tree.ts";
import type { Distrust } from "./verify-log.ts";

/** What can be wrong where no single hash is shown and no witness asked for. */
export type StepDistrust = Exclude<Distrust, "hashes_not_signed" | "not_cosigned">;

export interface LogStep {
  /** The newest checkpoint, a signed note. */
  readonly checkpoint: string;
  /** From the saved checkpoint's size to the newest one's (RFC 9162 section 2.1.4). */
  readonly proof: readonly Uint8Array[];
  readonly keys: readonly Verifier[];
  /** The checkpoint that was believed last; null the first time, when there is nothing to hold it against. */
  readonly saved: string | null;
}

export type StepVerdict =
  /** `text` is what the log signed, and what a cosignature is of. */
  | { readonly kind: "grown"; readonly head: TreeHead; readonly text: string }
  | { readonly kind: "distrusted"; readonly why: StepDistrust; readonly detail: string };

export async function followLog({ checkpoint, proof, keys, saved }: LogStep, sha256: Sha256): Promise<StepVerdict> {
  const shown = await headOf(checkpoint, keys, sha256);
  if (shown === null)
    return distrust("checkpoint_not_signed", "no key that is trusted signed the checkpoint that the log shows");
  if (saved === null) return { kind: "grown", ...shown };
  const before = await headOf(saved, keys, sha256);
  if (before === null)
    return distrust("saved_not_signed", "no key that is trusted signed the checkpoint kept from earlier");
  const [old, now] = [before.head, shown.head];
  if (old.origin !== now.origin)
    return distrust("other_log", `the checkpoint kept from earlier is of ${old.origin}, this log is ${now.origin}`);
  if (old.size > now.size)
    return distrust("rolled_back", `the log had ${old.size} entries and now says it has ${now.size}`);
  if (!isConsistent(old, now, proof, sha256))
    return distrust(
      "forked",
      `nothing shows that the log of ${now.size} entries begins with the ${old.size} seen earlier`,
    );
  return { kind: "grown", ...shown };
}

async function headOf(text: string, keys: readonly Verifier[], sha256: Sha256) {
  const note = parseNote(text);
  const head = note === null ? null : await verifyCheckpoint(note, keys, sha256);
  return note === null || head === null ? null : { head, text: note.text };
}

const distrust = (why: StepDistrust, detail: string): StepVerdict => ({
  kind: "distrusted",
  why,
  detail,
});
