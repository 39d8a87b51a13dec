import { cosignedAt, headText, isCosigned } from "../../core/audit/checkpoint.ts";
import type { LogName } from "../../core/audit/logs.ts";
import {
  formatNote,
  formatVerifier,
  parseSignature,
  type SignedNote,
  signatureTypes,
  type Verifier,
} from "../../core/audit/signed-note.ts";
import type { TilePath } from "../../core/audit/tile-path.ts";
import { consistencyProof, inclusionProof, tileWidth, treeRoot } from "../../core/audit/tree.ts";
import { parseWitnessKey } from "../../core/audit/witness-key.ts";
import type {
  CheckpointView,
  ConsistencyView,
  CosignAnswer,
  InclusionView,
  LogKey,
  WitnessedView,
} from "../../core/rpc/audit-proofs.ts";
import type { HeadAnswer, HeadRequest } from "../key-ring/log-signer.ts";
import { sha256 } from "../sha256.ts";
import { backoffMs } from "./backoff.ts";
import { CheckpointStore, type StoredCheckpoint } from "./checkpoint-store.ts";
import type { CopyBucket } from "./copy-bucket.ts";
import { CosignatureStore } from "./cosignature-store.ts";
import { LogCopy } from "./log-copy.ts";
import { bundleOf, TreeStore } from "./tree-store.ts";

/** A checkpoint is made this long after its first entry, in milliseconds, at PACE 1: a minute, less a late alarm. */
export const checkpointDelayMs = 45_000;
/** … and at every so many entries, however fast they come. */
export const checkpointEntries = 1000;
/** Checkpoints in one turn of the alarm; more follow in the next. */
const checkpointsPerTurnMax = 20;

/**
 * How far a witness's clock may be from ours, in milliseconds: a PC that asks no time server drifts by seconds a
 * day, and a cosignature says when, so one of another hour would be a false witness.
 */
export const witnessClockMsMax = 10 * 60_000;

/** What signs heads: KeyRing. */
export interface HeadSigner {
  signHead(request: HeadRequest): Promise<HeadAnswer>;
  logKeys(): Promise<{ keys: LogKey[] }>;
}

type Bytes = Uint8Array<ArrayBuffer>;
/** By the tile's index; null when they are nowhere. */
type OlderLeaves = (index: number) => Promise<readonly string[] | null>;

/**
 * What the log shows of itself: its tree, its checkpoints and their proofs. It only reads entries, and all
 * that it answers is of the tree under the newest checkpoint: nothing is shown that was not signed.
 */
export class PublishedLog {
  readonly #storage: DurableObjectStorage;
  readonly #tree: TreeStore;
  readonly #checkpoints: CheckpointStore;
  readonly #cosignatures: CosignatureStore;
  readonly #signer: () => HeadSigner;
  readonly #copy: LogCopy;
  readonly #older: OlderLeaves;
  readonly #delayMs: number;
  /** Failed turns in a row, and when to try again. Written by `#signDue` alone. */
  #tries = 0;
  #retryMs = 0;

  /**
   * @param bucket where the second copy goes
   * @param older the leaves of a whole tile that are not here any more
   * @param pace how many times as often a checkpoint is made
   */
  constructor(
    storage: DurableObjectStorage,
    signer: () => HeadSigner,
    bucket: CopyBucket,
    older: OlderLeaves,
    pace: number,
  ) {
    this.#storage = storage;
    this.#delayMs = checkpointDelayMs / pace;
    this.#older = older;
    this.#tree = new TreeStore(storage.sql);
    this.#checkpoints = new CheckpointStore(storage.sql);
    this.#cosignatures = new CosignatureStore(storage.sql);
    this.#signer = signer;
    this.#copy = new LogCopy(storage.sql, bucket, {
      checkpoint: () => this.checkpoint(),
      signedAfter: (size) => this.#checkpoints.signedAfter(size),
      signedSize: () => this.#checkpoints.latestSize(),
    });
  }

  /** When something is due to be signed or copied, Unix milliseconds; null when nothing is. */
  nextDueMs(): number | null {
    const times = [this.#signDueMs(), this.#copy.nextDueMs()].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Makes the checkpoints that are due, then copies what is due. What fails is due again later; it never throws. */
  async tend(log: LogName, nowMs: number): Promise<void> {
    await this.#signDue(log, nowMs);
    await this.#copy.copyDue(log, nowMs);
  }

  /** When the next checkpoint is due; null when every entry is under one. */
  #signDueMs(): number | null {
    const size = this.#checkpoints.latestSize();
    const first = this.#atMs(size + 1);
    if (first === null) return null;
    const dueMs = this.#atMs(size + checkpointEntries) === null ? first + this.#delayMs : first;
    return Math.max(dueMs, this.#retryMs);
  }

  async #signDue(log: LogName, nowMs: number): Promise<void> {
    try {
      for (let made = 0; made < checkpointsPerTurnMax; made += 1) {
        const dueMs = this.#signDueMs();
        if (dueMs === null || dueMs > nowMs) return;
        if (!(await this.#signNext(log, nowMs))) return;
        this.#tries = 0;
        this.#retryMs = 0;
      }
    } catch {
      this.#tries += 1;
      this.#retryMs = nowMs + backoffMs(this.#tries, Math.random());
    }
  }

  /** The newest checkpoint; null before the first. */
  async checkpoint(): Promise<CheckpointView | null> {
    const origin = this.#checkpoints.origin();
    const latest = this.#checkpoints.latest();
    if (origin === null || latest === null) return null;
    const { keys } = await this.#signer().logKeys();
    return {
      origin,
      size: latest.size,
      note: this.#note(origin, latest),
      signedMs: latest.signedMs,
      pending: this.#lastSeq() - latest.size,
      pendingSinceMs: this.#atMs(latest.size + 1),
      keys: keys.map((key) => formatVerifier(verifierOf(origin, key), sha256)),
      cosigned: this.#cosignatures.latest().flatMap(({ verifier, size, cosignedSeconds }) => {
        const checkpoint = this.#checkpoints.at(size);
        if (checkpoint === null) return [];
        return [{ verifier, size, cosignedMs: cosignedSeconds * 1000, note: this.#note(origin, checkpoint) }];
      }),
    };
  }

  /** See `AuditProofsRpc.witnessed`. */
  async witnessed(from: number): Promise<WitnessedView | null> {
    const view = await this.checkpoint();
    if (view === null) return null;
    const { note, size, keys } = view;
    const proof = this.consistency(from, size)?.proof ?? [];
    return { note, size, keys, from, proof };
  }

  /**
   * See `AuditProofsRpc.cosign`. Everything is verified here, so that whoever calls can add to a note nothing but
   * true lines: a cosignature is worth what its key is, and that is known to who believes it.
   */
  async cosign(verifier: string, size: number, text: string, nowMs: number): Promise<CosignAnswer> {
    const witness = parseWitnessKey(verifier, sha256);
    const line = parseSignature(text);
    const cosignedSeconds = line === null ? null : cosignedAt(line.signature);
    if (witness === null || line === null || cosignedSeconds === null) return "not_a_cosignature";
    const origin = this.#checkpoints.origin();
    const checkpoint = this.#checkpoints.at(size);
    if (origin === null || checkpoint === null) return "unknown_checkpoint";
    const note: SignedNote = { text: headText({ origin, size, root: checkpoint.root }), signatures: [line] };
    if (!(await isCosigned(note, witness, sha256))) return "not_a_cosignature";
    if (Math.abs(cosignedSeconds * 1000 - nowMs) > witnessClockMsMax) return "clock_off";
    // From here on nothing is awaited: two cosignatures at once can't both be the last.
    return this.#storage.transactionSync(() => this.#cosignatures.keep({ verifier, size, line, cosignedSeconds }));
  }

  /** See `AuditProofsRpc.inclusion`. */
  async inclusion(seq: number, wanted: number | null): Promise<InclusionView | null> {
    const origin = this.#checkpoints.origin();
    const latest = this.#checkpoints.latest();
    const size = wanted ?? latest?.size ?? 0;
    if (origin === null || latest === null || seq < 1 || seq > size || size > latest.size) return null;
    const leafJson = await this.#leaf(seq);
    // Its years are over, and nobody has it any more.
    if (leafJson === null) return null;
    return {
      seq,
      size,
      leafJson,
      proof: inclusionProof(this.#tree.read, seq - 1, size, sha256).map(plain),
      root: plain(treeRoot(this.#tree.read, size, sha256)),
      note: this.#note(origin, latest),
    };
  }

  /** See `AuditProofsRpc.consistency`. */
  consistency(from: number, wanted: number | null): ConsistencyView | null {
    const size = this.#checkpoints.latestSize();
    const to = wanted ?? size;
    if (from < 1 || from > to || to > size) return null;
    return { from, to, proof: consistencyProof(this.#tree.read, from, to, sha256).map(plain) };
  }

  /** See `AuditProofsRpc.tile`. */
  async tile(path: TilePath): Promise<Bytes | null> {
    const size = this.#checkpoints.latestSize();
    const end = path.index * tileWidth + path.width;
    const here = this.#tree.tile(path, size);
    if (here !== null || path.level !== "entries" || end > size) return here;
    const leaves = await this.#older(path.index);
    return leaves === null ? null : bundleOf(leaves.slice(0, path.width));
  }

  /** Entries that the second copy has for good. */
  copiedEntries(): number {
    return this.#copy.copiedEntries();
  }

  async #leaf(seq: number): Promise<string | null> {
    const query = "SELECT leaf FROM entries WHERE seq = ?";
    const [here] = this.#storage.sql.exec<{ leaf: string }>(query, seq).toArray();
    if (here !== undefined) return here.leaf;
    const leaves = await this.#older(Math.floor((seq - 1) / tileWidth));
    return leaves?.[(seq - 1) % tileWidth] ?? null;
  }

  /** @returns false when the tree must grow on in a later turn */
  async #signNext(log: LogName, nowMs: number): Promise<boolean> {
    const last = this.#lastSeq();
    let from = this.#checkpoints.latestSize();
    for (;;) {
      const size = Math.min(last, from + checkpointEntries);
      if (!this.#storage.transactionSync(() => this.#tree.grow(size))) return false;
      const root = plain(treeRoot(this.#tree.read, size, sha256));
      const proof = from === 0 ? [] : consistencyProof(this.#tree.read, from, size, sha256).map(plain);
      const answer = await this.#signer().signHead({ log, size, root, from, proof });
      if (answer.kind === "signed") {
        const { origin, keyId, signature } = answer;
        const checkpoint: StoredCheckpoint = { size, root, keyId, signature, signedMs: nowMs };
        this.#storage.transactionSync(() => this.#checkpoints.add(origin, checkpoint));
        return true;
      }
      // The answer to an earlier request was lost: from there on. A size that this log never had, or one that
      // it was at before, means that the log was rolled back, and then there is nothing that may be signed.
      if (answer.size <= from || answer.size > last) throw new Error("another head of this log was signed");
      from = answer.size;
    }
  }

  /** The log's own signature first, then whoever cosigned. */
  #note(origin: string, { size, root, keyId, signature }: StoredCheckpoint): string {
    const own = { name: origin, keyId, signature };
    return formatNote({
      text: headText({ origin, size, root }),
      signatures: [own, ...this.#cosignatures.linesOf(size)],
    });
  }

  #lastSeq(): number {
    return this.#storage.sql.exec<{ seq: number }>("SELECT coalesce(max(seq), 0) AS seq FROM entries").one().seq;
  }

  #atMs(seq: number): number | null {
    const rows = this.#storage.sql.exec<{ at_ms: number }>("SELECT at_ms FROM entries WHERE seq = ?", seq);
    return rows.toArray()[0]?.at_ms ?? null;
  }
}

function verifierOf(origin: string, { publicKey }: LogKey): Verifier {
  return { name: origin, type: signatureTypes.ed25519, publicKey };
}

/** Not a view into something larger: only its own bytes cross the RPC. */
function plain(hash: Uint8Array): Bytes {
  return new Uint8Array(hash);
}
