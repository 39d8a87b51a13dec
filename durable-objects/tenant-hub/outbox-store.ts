import type { IngestRecord } from "../../core/rpc/data.ts";

export interface OutboxRow {
  readonly seq: number;
  readonly record: IngestRecord;
  readonly bytes: number;
}

/** Parked records kept for an operator; older ones make room, and their number stays known by `seq`. */
export const parkedMax = 1000;

/** The outbox in the object's SQLite. Rows are appended by the broker's own transaction (HubStorage). */
export class OutboxStore {
  private readonly sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** The oldest rows, at most so many records and bytes, and at least one if there is one. */
  peek(recordsMax: number, bytesMax: number): OutboxRow[] {
    const rows: OutboxRow[] = [];
    let bytes = 0;
    for (const row of this.sql.exec("SELECT seq, record, bytes FROM outbox ORDER BY seq LIMIT ?", recordsMax)) {
      bytes += Number(row["bytes"]);
      if (rows.length > 0 && bytes > bytesMax) break;
      const record = JSON.parse(String(row["record"])) as IngestRecord;
      rows.push({ seq: Number(row["seq"]), record, bytes: Number(row["bytes"]) });
    }
    return rows;
  }

  remove(rows: readonly OutboxRow[]): void {
    for (const { seq } of rows) this.sql.exec("DELETE FROM outbox WHERE seq = ?", seq);
  }

  /** Sets a record aside that Postgres refuses while it takes later ones. */
  park(row: OutboxRow, nowMs: number): void {
    this.sql.exec("INSERT INTO outbox_parked SELECT seq, record, ? FROM outbox WHERE seq = ?", nowMs, row.seq);
    this.sql.exec("DELETE FROM outbox WHERE seq = ?", row.seq);
    this.sql.exec(
      "DELETE FROM outbox_parked WHERE seq NOT IN (SELECT seq FROM outbox_parked ORDER BY seq DESC LIMIT ?)",
      parkedMax,
    );
  }

  get isEmpty(): boolean {
    return this.sql.exec("SELECT 1 FROM outbox LIMIT 1").toArray().length === 0;
  }
}
