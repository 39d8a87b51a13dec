/** One turn of a witness: look, hold against what was seen, write that down, and only then sign. */
import { cosign, type TreeHead } from "../../../../core/audit/checkpoint.ts";
import { followLog } from "../../../../core/audit/follow-log.ts";
import { parseNote } from "../../../../core/audit/signed-note.ts";
import type { Distrust } from "../../../../core/audit/verify-log.ts";
import { readKnownLog, writeKnownLog } from "../known-log.ts";
import { sha256 } from "../shown-log.ts";
import { verifiersOf } from "../verify-shown.ts";
import type { WitnessKey } from "./witness-key.ts";
import type { WitnessLink } from "./witness-link.ts";

export type Turn =
  /** `first`: the log's keys, believed because nothing was known before. */
  | { readonly kind: "cosigned"; readonly head: TreeHead; readonly first: readonly string[] | null }
  /** Nothing was signed, and nothing that was known is forgotten. */
  | { readonly kind: "distrusted"; readonly why: Distrust; readonly detail: string };

/**
 * @param knownPath the log's keys and the last checkpoint that was believed
 * @throws NotNow when the log could not be asked, CliError when what was known can't be read or written
 */
export async function takeTurn(
  link: WitnessLink,
  key: WitnessKey,
  knownPath: string,
  now: () => number,
): Promise<Turn> {
  const known = readKnownLog(knownPath);
  const shown = await link.look(known === null ? 0 : sizeOf(known.checkpoint));
  const keys = known?.keys ?? shown.keys;
  const saved = known?.checkpoint ?? null;
  const { checkpoint, proof } = shown;
  const verdict = await followLog({ checkpoint, proof, keys: verifiersOf(keys), saved }, sha256);
  if (verdict.kind === "distrusted") return verdict;
  const { head, text } = verdict;
  // On disk before anything is signed: a witness that was killed here has seen more than it said, never less.
  writeKnownLog(knownPath, { keys, checkpoint });
  const line = await cosign(text, key.verifier, key.privateKey, now(), sha256);
  await link.post(head.size, line.trimEnd());
  return { kind: "cosigned", head, first: known === null ? keys : null };
}

/** Entries under a checkpoint of ours; one that can't be read is judged with the rest, so here it counts as none. */
function sizeOf(checkpoint: string): number {
  const size = Number(parseNote(checkpoint)?.text.split("\n")[1]);
  return Number.isSafeInteger(size) && size > 0 ? size : 0;
}
