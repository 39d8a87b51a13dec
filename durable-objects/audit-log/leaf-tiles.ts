import { hashBytes, tileWidth } from "../../core/audit/tree.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Leaf hashes of entries whose rows are not here any more, by whole tiles: 32 bytes an entry, so all proofs of a log of
 * a hundred million entries are still the object's own.
 */
export class LeafTiles {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS leaf_tiles (idx INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT");
  }

  /** Entries that are here as hashes alone; tiles are taken from the first on, without a gap. */
  entries(): number {
    const query = "SELECT coalesce(max(idx), -1) + 1 AS tiles FROM leaf_tiles";
    return this.#sql.exec<{ tiles: number }>(query).one().tiles * tileWidth;
  }

  /** Hashes of the leaves `from` (inclusive) to `to` (exclusive), counted from 0, of those that are here. */
  read(from: number, to: number): Bytes[] {
    const end = Math.min(to, this.entries());
    if (from >= end) return [];
    const query = "SELECT idx, hashes FROM leaf_tiles WHERE idx >= ? AND idx <= ? ORDER BY idx";
    const rows = this.#sql.exec<{ idx: number; hashes: ArrayBuffer }>(
      query,
      Math.floor(from / tileWidth),
      Math.floor((end - 1) / tileWidth),
    );
    return [...rows].flatMap(({ idx, hashes }) =>
      Array.from({ length: tileWidth }, (_, place) =>
        new Uint8Array(hashes, place * hashBytes, hashBytes).slice(),
      ).filter((_, place) => idx * tileWidth + place >= from && idx * tileWidth + place < end),
    );
  }

  /** Takes the next tile. @param hashes of all its leaves */
  add(hashes: readonly Uint8Array[]): void {
    const bytes = new Uint8Array(tileWidth * hashBytes);
    for (const [place, hash] of hashes.entries()) bytes.set(hash, place * hashBytes);
    this.#sql.exec("INSERT INTO leaf_tiles (idx, hashes) VALUES (?, ?)", this.entries() / tileWidth, bytes.buffer);
  }
}
