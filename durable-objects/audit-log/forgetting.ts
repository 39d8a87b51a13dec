import { facetsOf } from "../../core/audit/facets.ts";
import type { LogName } from "../../core/audit/logs.ts";
import { tileWidth } from "../../core/audit/tree.ts";
import { bareEntry, type EntryRow, readKept } from "./entry-row.ts";
import { LeafTiles } from "./leaf-tiles.ts";
import { TreeStore } from "./tree-store.ts";

/** Entries that an object keeps, the newest: a gigabyte of its ten. Beyond it they are elsewhere, and read from there. */
export const keptEntriesMax = 1_000_000;
/** Tiles in one turn: 2,048 entries with their index, some 0.2 s in which the log answers nobody. */
export const forgottenPerTurnMax = 8;
/** Between two turns that have more to do, in milliseconds. */
const turnDelayMs = 500;

/** How far entries have got elsewhere. */
export interface Elsewhere {
  /** Entries up to this number are in Postgres. */
  readonly drainedSeq: number;
  /** … and up to this one in the bucket, which takes what is under a checkpoint alone. */
  readonly copiedEntries: number;
  /** Whether personal fields of all entries are sealed and without erased people's numbers. */
  readonly isTidy: boolean;
}

/**
 * Forgets the oldest entries, by whole tiles, once they are in Postgres, in the bucket and under a checkpoint, counted,
 * and no open intent stands among them. Their leaf hashes stay, so proofs stay, and what is read from elsewhere can be
 * held against them. Synchronous.
 */
export class Forgetting {
  readonly #sql: SqlStorage;
  readonly #tiles: LeafTiles;
  readonly #tree: TreeStore;
  readonly #keptMax: number;
  /** When a turn that left something is to be followed. Written by `forgetSome`. */
  #dueMs: number | null = null;

  constructor(sql: SqlStorage, keptMax: number = keptEntriesMax) {
    this.#sql = sql;
    this.#tiles = new LeafTiles(sql);
    this.#tree = new TreeStore(sql);
    this.#keptMax = keptMax;
  }

  nextDueMs(): number | null {
    return this.#dueMs;
  }

  /** Forgets what one turn may, in the caller's transaction. */
  forgetSome(log: LogName, elsewhere: Elsewhere, nowMs: number): void {
    const until = this.#until(elsewhere);
    let taken = 0;
    for (; taken < forgottenPerTurnMax && this.#tiles.entries() + tileWidth <= until; taken += 1) this.#forgetTile(log);
    this.#dueMs = taken === forgottenPerTurnMax ? nowMs + turnDelayMs : null;
  }

  /** The last entry that may be forgotten. */
  #until({ drainedSeq, copiedEntries, isTidy }: Elsewhere): number {
    if (!isTidy) return 0;
    const last = this.#sql.exec<{ seq: number }>("SELECT coalesce(max(seq), 0) AS seq FROM entries").one().seq;
    const counted = this.#sql.exec<{ seq: number }>("SELECT seq FROM counted").toArray()[0]?.seq ?? 0;
    const query = "SELECT min(seq) AS seq FROM open_intents";
    const open = this.#sql.exec<{ seq: number | null }>(query).one().seq ?? Number.MAX_SAFE_INTEGER;
    return Math.min(last - this.#keptMax, drainedSeq, copiedEntries, counted, open - 1);
  }

  #forgetTile(log: LogName): void {
    const from = this.#tiles.entries();
    const rows = this.#sql.exec<EntryRow>(
      "SELECT * FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq",
      ...[from, from + tileWidth],
    );
    for (const row of rows.toArray()) {
      for (const [facet, value] of facetsOf(bareEntry(log, row)))
        this.#sql.exec("DELETE FROM facets WHERE facet = ? AND value = ? AND seq = ?", facet, value, row.seq);
      const kept = readKept(row.personal);
      if (kept.kind === "plain" && Object.keys(kept.personal).length > 0) throw new Error("an entry is still in clear");
      for (const { subject } of kept.kind === "sealed" ? kept.sealed : [])
        this.#sql.exec("DELETE FROM addresses WHERE subject = ? AND seq = ?", subject, row.seq);
    }
    this.#tiles.add(this.#tree.read(0, from, from + tileWidth));
    this.#sql.exec("DELETE FROM entries WHERE seq > ? AND seq <= ?", from, from + tileWidth);
  }
}
