import type { IngestRecord } from "../../core/rpc/data.ts";

export interface OutboxRow {
  readonly seq: number;
  readonly record: IngestRecord;
  readonly bytes: number;
}

/** A record as it is appended: its JSON, and its weight as the broker counts it. */
export interface OutboxRecord {
  readonly json: string;
  readonly bytes: number;
}

/** Parked records kept for an operator; older ones make room, and their number stays known by `seq`. */
export const parkedMax = 1000;

/** Characters of a row before another begins: three bytes each stay under the 2 MB of a value. */
const rowCharactersMax = 512 * 1024;

/** One record inside a stored row. */
interface Line extends OutboxRecord {
  readonly seq: number;
}

/**
 * The outbox in the object's SQLite. The records that are appended together share a row, because a
 * statement costs many times what a record does: a line each, `{bytes} {json}`. A row's `seq` is the seq
 * of its last record and the others count down from it, so that SQLite's AUTOINCREMENT has always seen
 * the highest one and none is used twice. A row from before that is one record, without its bytes.
 */
export class OutboxStore {
  private readonly sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** Appends records in order; the caller holds the transaction. */
  append(records: readonly OutboxRecord[]): void {
    let lines: string[] = [];
    let characters = 0;
    let bytes = 0;
    for (const record of records) {
      lines.push(`${record.bytes} ${record.json}`);
      characters += record.json.length;
      bytes += record.bytes;
      if (characters < rowCharactersMax) continue;
      this.appendRow(lines, bytes);
      lines = [];
      characters = 0;
      bytes = 0;
    }
    if (lines.length > 0) this.appendRow(lines, bytes);
  }

  private appendRow(lines: readonly string[], bytes: number): void {
    this.sql.exec(
      "INSERT INTO outbox (seq, record, bytes) SELECT coalesce(max(seq), 0) + ?, ?, ? FROM sqlite_sequence WHERE name = 'outbox'",
      lines.length,
      lines.join("\n"),
      bytes,
    );
  }

  /** The oldest records, at most so many and so many bytes, and at least one if there is one. */
  peek(recordsMax: number, bytesMax: number): OutboxRow[] {
    const rows: OutboxRow[] = [];
    let bytes = 0;
    for (const stored of this.sql.exec("SELECT * FROM outbox ORDER BY seq LIMIT ?", recordsMax)) {
      for (const line of linesOf(stored)) {
        bytes += line.bytes;
        if (rows.length === recordsMax || (rows.length > 0 && bytes > bytesMax)) return rows;
        rows.push({ seq: line.seq, record: JSON.parse(line.json) as IngestRecord, bytes: line.bytes });
      }
    }
    return rows;
  }

  /** Deletes records; the caller holds the transaction. */
  remove(rows: readonly OutboxRow[]): void {
    const gone = new Set(rows.map(({ seq }) => seq));
    for (const seq of gone) {
      const stored = this.rowWith(seq);
      if (stored === undefined) continue;
      const lines = linesOf(stored);
      this.replace(Number(stored["seq"]), lines, gone);
      for (const line of lines) gone.delete(line.seq);
    }
  }

  /** Sets a record aside that Postgres refuses while it takes later ones; the caller holds the transaction. */
  park(row: OutboxRow, nowMs: number): void {
    const stored = this.rowWith(row.seq);
    const line = stored === undefined ? undefined : linesOf(stored).find(({ seq }) => seq === row.seq);
    if (line === undefined) return;
    this.sql.exec("INSERT INTO outbox_parked (seq, record, parked_at_ms) VALUES (?, ?, ?)", line.seq, line.json, nowMs);
    this.remove([row]);
    this.sql.exec(
      "DELETE FROM outbox_parked WHERE seq NOT IN (SELECT seq FROM outbox_parked ORDER BY seq DESC LIMIT ?)",
      parkedMax,
    );
  }

  get isEmpty(): boolean {
    return this.sql.exec("SELECT 1 FROM outbox LIMIT 1").toArray().length === 0;
  }

  /** The row that holds a record, if there is one. */
  private rowWith(seq: number): Row | undefined {
    return this.sql.exec("SELECT * FROM outbox WHERE seq >= ? ORDER BY seq LIMIT 1", seq).toArray()[0];
  }

  /** Puts in a row's place what is left of it: a row for each run without a gap. */
  private replace(rowSeq: number, lines: readonly Line[], gone: ReadonlySet<number>): void {
    this.sql.exec("DELETE FROM outbox WHERE seq = ?", rowSeq);
    let run: Line[] = [];
    for (const line of lines) {
      if (!gone.has(line.seq)) {
        run.push(line);
        continue;
      }
      this.insertRun(run);
      run = [];
    }
    this.insertRun(run);
  }

  private insertRun(run: readonly Line[]): void {
    const last = run.at(-1);
    if (last === undefined) return;
    this.sql.exec(
      "INSERT INTO outbox (seq, record, bytes) VALUES (?, ?, ?)",
      last.seq,
      run.map(({ bytes, json }) => `${bytes} ${json}`).join("\n"),
      run.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }
}

type Row = Record<string, SqlStorageValue>;

/** The records of a stored row, oldest first. */
function linesOf(row: Row): Line[] {
  const text = String(row["record"]);
  const last = Number(row["seq"]);
  if (text.startsWith("{")) return [{ seq: last, json: text, bytes: Number(row["bytes"]) }];
  const lines = text.split("\n");
  return lines.map((line, index) => {
    const space = line.indexOf(" ");
    const bytes = Number(line.slice(0, space));
    return { seq: last - lines.length + 1 + index, json: line.slice(space + 1), bytes };
  });
}
