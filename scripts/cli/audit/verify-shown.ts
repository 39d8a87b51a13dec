import { type Finding, type KeptLeaf, LeafJudge } from "../../../core/audit/leaf-judge.ts";
import { mayHaveLeft } from "../../../core/audit/month-archive.ts";
import { parseVerifier, type Verifier } from "../../../core/audit/signed-note.ts";
import { type Cosigned, type Distrust, verifyLog } from "../../../core/audit/verify-log.ts";
import { parseWitnessKey } from "../../../core/audit/witness-key.ts";
import { CliError } from "../cli-error.ts";
import { type KnownLog, readKnownLog, writeKnownLog } from "./known-log.ts";
import { type LogShown, sha256 } from "./shown-log.ts";

/** A leaf behind the newest checkpoint is taken for one that waits for the next while it is younger than this. */
const unsignedMsMax = 5 * 60_000;

export interface Examination {
  readonly origin: string;
  readonly size: number;
  readonly why: Distrust | null;
  readonly detail: string;
  /** By the witness that was asked for; null when none was. */
  readonly cosigned: Cosigned | null;
  /** Of the leaves that the log itself shows. */
  readonly shown: Finding | null;
  /** Of the copy that was held against it; null also when there was none. */
  readonly copy: Finding | null;
  /** Entries of the copy that no checkpoint covers yet. */
  readonly copyFollowing: number;
  /** Entries that the copy has no more: their seven years are over. */
  readonly copyLeft: number;
}

/**
 * Verifies a log from its keys down to each leaf.
 * @param knownPath what was known of it from earlier; read, held against it, and moved on when all is well
 * @param witness who has to have cosigned it; null for nobody
 * @param copy another copy of the same log, such as Postgres's, in the order of its numbers
 * @throws CliError for keys that are none
 */
export async function examine(
  log: LogShown,
  knownPath: string | null,
  witness: Verifier | null,
  copyOf: ((origin: string) => AsyncIterable<KeptLeaf>) | null,
  nowMs: number,
): Promise<Examination> {
  const known = knownPath === null ? null : readKnownLog(knownPath);
  const keys = verifiersOf((known ?? log).keys);
  const saved = known?.checkpoint ?? null;
  const { checkpoint, hashes } = log;
  const asked = witness === null ? null : { key: witness, notes: log.cosigned };
  const verdict = await verifyLog({ checkpoint, hashes, keys, saved, witness: asked }, sha256);
  if (verdict.kind === "distrusted") {
    const { why, detail } = verdict;
    const nothing = { cosigned: null, shown: null, copy: null, copyFollowing: 0, copyLeft: 0 };
    return { origin: "", size: 0, why, detail, ...nothing };
  }
  const { origin, size } = verdict.head;
  // How many of the first entries are so old that a copy may have let them go: as those were signed, not as it says.
  let aged = 0;
  const shown = await judge(
    log.hashes,
    agedCounted(log.leaves, nowMs, (count) => (aged = count)),
    0,
    () => false,
  );
  const copy = copyOf === null ? null : await judge(log.hashes, copyOf(origin), aged, (leaf) => isYoung(leaf, nowMs));
  const isWell = shown.finding === null && (copy?.finding ?? null) === null;
  if (knownPath !== null && isWell) {
    const next: KnownLog = { keys: known?.keys ?? log.keys, checkpoint: log.checkpoint };
    writeKnownLog(knownPath, next);
  }
  const rest = { shown: shown.finding, copy: copy?.finding ?? null, copyFollowing: copy?.following ?? 0 };
  const copyLeft = copy?.left ?? 0;
  return { origin, size, why: null, detail: "", cosigned: verdict.cosigned, ...rest, copyLeft };
}

/** What is said of it, the first line to whoever reads no more. */
export function describe(examination: Examination, known: string | null): string[] {
  const { origin, size, why, detail, cosigned, shown, copy, copyFollowing, copyLeft } = examination;
  if (why !== null) return [`✗ ${why}: ${detail}`];
  const lines = [shown, copy].flatMap((finding, index) =>
    finding === null
      ? []
      : [`✗ ${index === 0 ? "" : "the copy: "}entry ${finding.seq}: ${finding.tampering}: ${finding.detail}`],
  );
  if (lines.length > 0) return [...lines, `of ${origin}, signed up to entry ${size}`];
  return [
    `✓ ${origin}: ${size} entries are what was signed${copyFollowing > 0 ? `; ${copyFollowing} more wait for the next checkpoint` : ""}`,
    ...(cosigned === null
      ? []
      : [`Cosigned by the witness up to entry ${cosigned.size}, ${new Date(cosigned.atSeconds * 1000).toISOString()}`]),
    ...(copyLeft > 0
      ? [
          `The database keeps entries from ${copyLeft + 1} on: the years of those before are over, and they are archived.`,
        ]
      : []),
    ...(known === null
      ? ["The keys are those that the log itself says, and no earlier checkpoint was compared: --known FILE does both."]
      : []),
  ];
}

/** Whether nothing at all was wrong. */
export function isGood({ why, shown, copy }: Examination): boolean {
  return why === null && shown === null && copy === null;
}

/** @param mayLack as many of the first entries need not be there */
async function judge(
  hashes: Uint8Array,
  leaves: AsyncIterable<KeptLeaf>,
  mayLack: number,
  mayFollow: (leafJson: string) => boolean,
) {
  const judged = new LeafJudge(hashes, sha256, mayFollow);
  let left: number | null = null;
  for await (const leaf of leaves) {
    if (left === null) {
      left = leaf.seq - 1 <= mayLack ? Math.max(0, leaf.seq - 1) : 0;
      if (left > 0) judged.beginAt(left + 1);
    }
    judged.take(leaf);
  }
  if (left === null && mayLack > 0) {
    left = mayLack;
    judged.beginAt(left + 1);
  }
  return { finding: judged.finding(), following: judged.following, left: left ?? 0 };
}

/** The same leaves, and how many of the first may have left the table. */
async function* agedCounted(
  leaves: AsyncIterable<KeptLeaf>,
  nowMs: number,
  count: (aged: number) => void,
): AsyncGenerator<KeptLeaf> {
  let aged: number | null = 0;
  for await (const leaf of leaves) {
    aged = aged !== null && mayHaveLeft(leaf.leafJson, nowMs) ? aged + 1 : null;
    if (aged !== null) count(aged);
    yield leaf;
  }
}

/** By the leaf's own word: one that lies about it is caught by the next checkpoint. */
function isYoung(leafJson: string, nowMs: number): boolean {
  try {
    const { at } = JSON.parse(leafJson) as { at?: unknown };
    return typeof at === "string" && Date.parse(at) > nowMs - unsignedMsMax;
  } catch {
    return false;
  }
}

/** @throws CliError `bad_key` */
export function verifiersOf(keys: readonly string[]) {
  const verifiers = keys.map((key) => parseVerifier(key, sha256));
  if (verifiers.some((verifier) => verifier === null))
    throw new CliError("bad_key", "a key is not of the form name+id+key, or its id is not its own");
  return verifiers.filter((verifier) => verifier !== null);
}

/** A witness's key as it was typed; null for none. @throws CliError `invalid_value` */
export function witnessOf(typed: string | undefined): Verifier | null {
  if (typed === undefined) return null;
  const key = parseWitnessKey(typed, sha256);
  if (key === null) throw new CliError("invalid_value", "--witness takes a witness's key, name+id+key", 2);
  return key;
}
