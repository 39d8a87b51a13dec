/**
 * Whether an entry, as somebody is shown it, is the one that was signed. Everything is held against the signature;
 * nothing is believed because a server says so but the key itself.
 */
import { type TreeHead, verifyCheckpoint } from "./checkpoint.ts";
import { jcs, leafHash, type Sha256 } from "./leaf.ts";
import { fromBase64, parseNote, type SignedNote, type Verifier } from "./signed-note.ts";
import { rootOfInclusion, sameHash } from "./tree.ts";

/** An entry as the list shows it. */
export interface ShownEntry {
  readonly seq: number;
  readonly at: string;
  readonly request_id: string;
  readonly phase: string;
  readonly intent_seq: number | null;
  readonly result: string | null;
  readonly event: Readonly<Record<string, unknown>>;
  /** Lower-case hex. */
  readonly leaf_hash: string;
}

/** `GET …/audit/{seq}/proof` as it answers; hashes in base64. */
export interface ShownProof {
  readonly seq: number;
  readonly size: number;
  readonly leaf: string;
  readonly hashes: readonly string[];
  readonly checkpoint: string;
}

/** Why an entry is not believed. Stable, snake_case. */
export type EntryDistrust =
  /** The answer is of another entry, or of no form that a proof has. */
  | "no_proof"
  /** The leaf does not hash to what the list says. */
  | "other_leaf"
  /** What the list shows is not what the leaf says. */
  | "shown_differs"
  /** No key that is trusted signed the checkpoint. */
  | "checkpoint_not_signed"
  /** The proof does not lead from the leaf to the root that was signed. */
  | "not_in_log";

export type EntryVerdict =
  | {
      readonly kind: "proved";
      readonly head: TreeHead;
      readonly note: SignedNote;
      /** Fields that stand in the leaf as commitments: their values are shown on the server's word. */
      readonly committed: readonly string[];
    }
  | { readonly kind: "not_proved"; readonly why: EntryDistrust };

/** @param keys the log's own */
export async function checkEntry(
  entry: ShownEntry,
  proof: ShownProof,
  keys: readonly Verifier[],
  sha256: Sha256,
): Promise<EntryVerdict> {
  const hash = leafHash(proof.leaf, sha256);
  const hashes = proof.hashes.map(fromBase64).filter((bytes) => bytes !== null);
  if (proof.seq !== entry.seq || hashes.length !== proof.hashes.length) return notProved("no_proof");
  if (hash !== entry.leaf_hash) return notProved("other_leaf");
  const committed = agreement(entry, proof.leaf);
  if (committed === null) return notProved("shown_differs");
  const note = parseNote(proof.checkpoint);
  const head = note === null ? null : await verifyCheckpoint(note, keys, sha256);
  if (note === null || head === null) return notProved("checkpoint_not_signed");
  const leaf = Uint8Array.from(hash.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const root = rootOfInclusion(leaf, entry.seq - 1, head.size, hashes, sha256);
  if (proof.size !== head.size || root === null || !sameHash(root, head.root)) return notProved("not_in_log");
  return { kind: "proved", head, note, committed };
}

const notProved = (why: EntryDistrust): EntryVerdict => ({ kind: "not_proved", why });

/** Fields that the leaf commits to; null when it says anything else than what is shown. */
function agreement(entry: ShownEntry, text: string): string[] | null {
  let leaf: Readonly<Record<string, unknown>>;
  try {
    leaf = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
  const { seq, at, request_id, phase, intent_seq, result } = entry;
  const shown = { seq, at, request_id, phase, intent_seq, result };
  for (const [name, value] of Object.entries(shown)) if (leaf[name] !== value) return null;
  const event = leaf["event"];
  if (typeof event !== "object" || event === null) return null;
  const said = event as Readonly<Record<string, unknown>>;
  if (Object.keys(said).toSorted().join() !== Object.keys(entry.event).toSorted().join()) return null;
  const committed: string[] = [];
  for (const [name, value] of Object.entries(said)) {
    const here = entry.event[name];
    // Its value is shown, or null once the person was erased; which value it is, only the salt could tell.
    if (isCommitment(value) && (here === null || typeof here === "string")) committed.push(name);
    else if (jcs(value) !== jcs(here)) return null;
  }
  return committed;
}

function isCommitment(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Object.keys(value).join() !== "sha256") return false;
  return /^[0-9a-f]{64}$/.test(String((value as { sha256: unknown }).sha256));
}
