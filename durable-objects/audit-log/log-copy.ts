import type { LogName } from "../../core/audit/logs.ts";
import { keyIdOf, parseNote, parseVerifier } from "../../core/audit/signed-note.ts";
import type { TilePath } from "../../core/audit/tile-path.ts";
import { tileWidth } from "../../core/audit/tree.ts";
import type { CheckpointView } from "../../core/rpc/audit-proofs.ts";
import { sha256 } from "../sha256.ts";
import { backoffMs } from "./backoff.ts";
import { type CopyBucket, checkpointName, keyName, putOnce, tileName } from "./copy-bucket.ts";
import { LeafTiles } from "./leaf-tiles.ts";
import { TreeStore } from "./tree-store.ts";

/**
 * A checkpoint is copied this long after it was signed, in milliseconds, unless a newer one was: with it go the tiles
 * that are not full, up to 255 entries, so that the bucket alone can be verified. Four times a day at most.
 */
export const checkpointCopyMs = 6 * 3600_000;
/** Full tiles in one turn: 4,096 entries, some 3 MB. More follow in the next. */
export const tilesPerTurnMax = 16;

/** What is copied, of a log that was signed. */
interface Signed {
  checkpoint(): Promise<CheckpointView | null>;
  /** When the oldest checkpoint of more entries than this was signed; null when there is none. */
  signedAfter(size: number): number | null;
  signedSize(): number;
}

type Row = { entries: number; checkpoint: number };

/**
 * The second copy: full tiles as they fill, and from time to time a checkpoint with the tiles that are not full, written
 * by the log's own clock, each object once. Leaves hold commitments where a person stands, so no personal value gets
 * there. What was copied is remembered only after the bucket has it; a crash in between writes the same again.
 */
export class LogCopy {
  readonly #sql: SqlStorage;
  readonly #bucket: CopyBucket;
  readonly #tree: TreeStore;
  readonly #forgotten: LeafTiles;
  readonly #signed: Signed;
  /** Failed turns in a row, and when to try again. Written by `copyDue` alone. */
  #tries = 0;
  #retryMs = 0;

  constructor(sql: SqlStorage, bucket: CopyBucket, signed: Signed) {
    this.#sql = sql;
    this.#bucket = bucket;
    this.#tree = new TreeStore(sql);
    this.#forgotten = new LeafTiles(sql);
    this.#signed = signed;
    sql.exec(`CREATE TABLE IF NOT EXISTS copied (
      id INTEGER PRIMARY KEY CHECK (id = 1), entries INTEGER NOT NULL, checkpoint INTEGER NOT NULL
    ) STRICT`);
  }

  /** Entries in full tiles that the bucket has. */
  copiedEntries(): number {
    return this.#row().entries;
  }

  /** When there is something to copy next, Unix milliseconds; null when nothing is. */
  nextDueMs(): number | null {
    const { entries, checkpoint } = this.#row();
    const isTileDue = entries + tileWidth <= this.#signed.signedSize();
    const signedMs = this.#signed.signedAfter(isTileDue ? entries : checkpoint);
    if (signedMs === null) return null;
    return Math.max(isTileDue ? signedMs : signedMs + checkpointCopyMs, this.#retryMs);
  }

  /** Copies what is due. What fails is due again later; it never throws. */
  async copyDue(log: LogName, nowMs: number): Promise<void> {
    const dueMs = this.nextDueMs();
    if (dueMs === null || dueMs > nowMs) return;
    try {
      await this.#copyTiles(log);
      const signedMs = this.#signed.signedAfter(this.#row().checkpoint);
      if (signedMs !== null && signedMs + checkpointCopyMs <= nowMs) await this.#copyCheckpoint(log);
      this.#tries = 0;
      this.#retryMs = 0;
    } catch {
      this.#tries += 1;
      this.#retryMs = nowMs + backoffMs(this.#tries, Math.random());
    }
  }

  async #copyTiles(log: LogName): Promise<void> {
    const size = this.#signed.signedSize();
    // What is forgotten was copied before, whatever the row says.
    const from = Math.max(this.#row().entries, this.#forgotten.entries()) / tileWidth;
    const to = Math.min(Math.floor(size / tileWidth), from + tilesPerTurnMax);
    for (let index = from; index < to; index += 1) {
      const end = (index + 1) * tileWidth;
      await this.#put(log, size, [{ level: "entries", index, width: tileWidth }, ...fullTilesAt(end)]);
      this.#remember({ ...this.#row(), entries: end });
    }
  }

  /** The newest checkpoint, behind all that it is about. */
  async #copyCheckpoint(log: LogName): Promise<void> {
    const view = await this.#signed.checkpoint();
    if (view === null || view.size - this.#row().entries >= tileWidth) return;
    await this.#put(log, view.size, partialTiles(view.size));
    const encode = (text: string) => new Uint8Array(new TextEncoder().encode(text));
    for (const text of view.keys) {
      const key = parseVerifier(text, sha256);
      if (key !== null) await putOnce(this.#bucket, keyName(log, keyIdOf(key, sha256)), encode(`${text}\n`));
    }
    // Witnesses may have cosigned meanwhile: what the log signed is the same.
    const isSame = (there: Uint8Array): boolean =>
      parseNote(new TextDecoder().decode(there))?.text === parseNote(view.note)?.text;
    await putOnce(this.#bucket, checkpointName(log, view.size), encode(view.note), isSame);
    this.#remember({ ...this.#row(), checkpoint: view.size });
  }

  async #put(log: LogName, size: number, tiles: readonly TilePath[]): Promise<void> {
    await Promise.all(
      tiles.map(async (path) => {
        const bytes = this.#tree.tile(path, size);
        if (bytes === null) throw new Error("the tree lacks a tile that its size says it has");
        await putOnce(this.#bucket, tileName(log, path), bytes);
      }),
    );
  }

  #row(): Row {
    const query = "SELECT entries, checkpoint FROM copied";
    return this.#sql.exec<Row>(query).toArray()[0] ?? { entries: 0, checkpoint: 0 };
  }

  #remember({ entries, checkpoint }: Row): void {
    this.#sql.exec(
      `INSERT INTO copied (id, entries, checkpoint) VALUES (1, ?, ?)
       ON CONFLICT DO UPDATE SET entries = excluded.entries, checkpoint = excluded.checkpoint`,
      entries,
      checkpoint,
    );
  }
}

/** The tiles of hashes that the entry of this number fills: one of level 0, and at times one of each above. */
function fullTilesAt(end: number): TilePath[] {
  const tiles: TilePath[] = [];
  for (let level = 0; end % tileWidth ** (level + 1) === 0; level += 1)
    tiles.push({ level, index: end / tileWidth ** (level + 1) - 1, width: tileWidth });
  return tiles;
}

/** The tiles of a tree of this size that are not full. */
function partialTiles(size: number): TilePath[] {
  const tiles: TilePath[] = [];
  const add = (level: TilePath["level"], hashes: number): void => {
    const width = hashes % tileWidth;
    if (width > 0) tiles.push({ level, index: (hashes - width) / tileWidth, width });
  };
  add("entries", size);
  for (let level = 0; tileWidth ** level <= size; level += 1) add(level, Math.floor(size / tileWidth ** level));
  return tiles;
}
