import type { TilePath } from "../../core/audit/tile-path.ts";
import { foldComplete, type HashReader, hashBytes, tileWidth } from "../../core/audit/tree.ts";
import { sha256 } from "../sha256.ts";
import { LeafTiles } from "./leaf-tiles.ts";

/** Full tiles folded in one turn: 64 fold 16,384 entries, some 0.1 s, which only a log from before the tree needs. */
const foldsPerTurnMax = 64;

/**
 * The tree's hashes. Leaf hashes stand with their entries already; here is one more hash for each full
 * tile, that is for 256 entries, and for 256 of those. All of it follows from the entries, so an append
 * writes nothing here: `grow` adds what is missing before a checkpoint is made, and a kill at any
 * point leaves hashes that are right and some that are yet to come.
 */
export class TreeStore {
  readonly #sql: SqlStorage;
  readonly #forgotten: LeafTiles;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#forgotten = new LeafTiles(sql);
    sql.exec(`CREATE TABLE IF NOT EXISTS tile_roots (
      level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, idx)
    ) STRICT, WITHOUT ROWID`);
  }

  /** Hashes of `levels` 0, 1, 2 …, as core/audit/tree.ts asks for them. */
  readonly read: HashReader = (level, from, to) => {
    if (level === 0) {
      const query = "SELECT leaf_hash FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq";
      const rows = this.#sql.exec<{ leaf_hash: string }>(query, from, to);
      return [...this.#forgotten.read(from, to), ...[...rows].map((row) => bytesOf(row.leaf_hash))];
    }
    const query = "SELECT hash FROM tile_roots WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx";
    return [...this.#sql.exec<{ hash: ArrayBuffer }>(query, level, from, to)].map((row) => new Uint8Array(row.hash));
  };

  /**
   * Adds the roots of all full tiles of a tree of this size, in the caller's transaction.
   * @returns false when there is more to do than fits one turn
   */
  grow(size: number): boolean {
    let folds = 0;
    for (let level = 1; tileWidth ** level <= size; level += 1) {
      const due = Math.floor(size / tileWidth ** level);
      for (let index = this.#count(level); index < due; index += 1) {
        if (folds === foldsPerTurnMax) return false;
        folds += 1;
        const tile = this.read(level - 1, index * tileWidth, (index + 1) * tileWidth);
        const query = "INSERT INTO tile_roots (level, idx, hash) VALUES (?, ?, ?)";
        this.#sql.exec(query, level, index, foldComplete(tile, sha256).slice().buffer as ArrayBuffer);
      }
    }
    return true;
  }

  /**
   * A tile's bytes as tlog-tiles serves them; null when a tree of `size` entries does not have it, and for entries whose
   * leaves are not here any more.
   */
  tile({ level, index, width }: TilePath, size: number): Uint8Array<ArrayBuffer> | null {
    const start = index * tileWidth;
    const end = start + width;
    const hashes = level === "entries" ? size : Math.floor(size / tileWidth ** level);
    if (end > hashes) return null;
    if (level === "entries") return start < this.#forgotten.entries() ? null : this.#bundle(start, end);
    const bytes = new Uint8Array(width * hashBytes);
    for (const [place, hash] of this.read(level, start, end).entries()) bytes.set(hash, place * hashBytes);
    return bytes;
  }

  #bundle(start: number, end: number): Uint8Array<ArrayBuffer> {
    const query = "SELECT leaf FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq";
    return bundleOf([...this.#sql.exec<{ leaf: string }>(query, start, end)].map(({ leaf }) => leaf));
  }

  #count(level: number): number {
    // They are added in order, so the newest says how many there are; counting them would read each.
    const query = "SELECT coalesce(max(idx), -1) + 1 AS n FROM tile_roots WHERE level = ?";
    return this.#sql.exec<{ n: number }>(query, level).one().n;
  }
}

/** Leaves' texts, each behind its length in two bytes; a leaf is far below 64 KiB (core/audit/parse.ts). */
export function bundleOf(leaves: readonly string[]): Uint8Array<ArrayBuffer> {
  const parts = leaves.flatMap((text) => {
    const leaf = Buffer.from(text, "utf8");
    const length = Buffer.alloc(2);
    length.writeUInt16BE(leaf.length);
    return [length, leaf];
  });
  return new Uint8Array(Buffer.concat(parts));
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "hex"));
}
