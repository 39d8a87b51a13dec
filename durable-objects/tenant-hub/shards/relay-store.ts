import { bytesOf } from "../message-rows.ts";
import type { HubName } from "./home.ts";

export interface RelayRow {
  readonly seq: number;
  readonly data: Uint8Array;
}

/** Rows in one call; with their bytes bounded, a bound on how long one takes. */
const rowsPerCallMax = 256;
/** Bytes of rows in one call: well under the platform's 32 MiB. */
const bytesPerCallMax = 4 * 1024 * 1024;

/** Both ends of the relay in SQLite: what is to go to other objects, and how far each of them has been heard. */
export class RelayStore {
  private readonly sql: SqlStorage;
  private readonly marks = new Map<HubName, number>();

  constructor(sql: SqlStorage) {
    this.sql = sql;
    for (const row of sql.exec("SELECT sender, seq FROM relay_in"))
      this.marks.set(String(row["sender"]), Number(row["seq"]));
  }

  /** Adds a row; the caller holds the transaction. */
  append(target: HubName, data: Uint8Array<ArrayBuffer>): void {
    this.sql.exec("INSERT INTO relay_out (target, data) VALUES (?, ?)", target, data.buffer);
  }

  /** Bytes that wait, by target. */
  waiting(): Map<HubName, number> {
    const rows = this.sql.exec("SELECT target, sum(length(data)) AS bytes FROM relay_out GROUP BY target").toArray();
    return new Map(rows.map((row) => [String(row["target"]), Number(row["bytes"])]));
  }

  /** The oldest rows for a target behind a number, at least one if there is one. */
  peek(target: HubName, afterSeq: number): RelayRow[] {
    const rows: RelayRow[] = [];
    let bytes = 0;
    const query = "SELECT seq, data FROM relay_out WHERE target = ? AND seq > ? ORDER BY seq LIMIT ?";
    for (const row of this.sql.exec(query, target, afterSeq, rowsPerCallMax)) {
      const data = bytesOf(row["data"]);
      bytes += data.length;
      if (rows.length > 0 && bytes > bytesPerCallMax) break;
      rows.push({ seq: Number(row["seq"]), data });
    }
    return rows;
  }

  /** Forgets what the target has stored. */
  remove(target: HubName, throughSeq: number): void {
    this.sql.exec("DELETE FROM relay_out WHERE target = ? AND seq <= ?", target, throughSeq);
  }

  /** The last row of a sender that was taken; 0 for none. */
  mark(sender: HubName): number {
    return this.marks.get(sender) ?? 0;
  }

  /** Moves the mark in memory; `storeMark` must follow in the transaction of what the rows cause. */
  moveMark(sender: HubName, seq: number): void {
    this.marks.set(sender, seq);
  }

  /** The caller holds the transaction. */
  storeMark(sender: HubName): void {
    this.sql.exec("INSERT OR REPLACE INTO relay_in (sender, seq) VALUES (?, ?)", sender, this.mark(sender));
  }
}
