import type { TopicName } from "../../core/topics/topic-name.ts";
import type { StoredMessage } from "./broker/events.ts";
import type { Message, SessionKey } from "./broker/state.ts";
import { JournalEncoder, JournalReader, type JournalWrite } from "./journal-codec.ts";
import { bytesOf } from "./message-rows.ts";
import { type JournalRow, Pending } from "./pending.ts";
import { applyPending } from "./pending-tables.ts";

/**
 * A row is finished when it is larger than this; one more operation is a largest packet, and a value may
 * have 2 MB.
 */
export const rowBytesMax = 1024 * 1024;
export interface JournalBounds {
  readonly bytesMax: number;
  readonly rowsMax: number;
}

/**
 * When the journal is rewritten. 2 MiB are some 12,000 messages of 128 bytes, stored and deleted: a pause
 * of a few milliseconds each quarter of a second under full load, and as much to read when the object wakes.
 */
export const journalBounds: JournalBounds = {
  bytesMax: 2 * 1024 * 1024,
  /** For little traffic, whose rows are small: what a wake has to read stays a moment's work. */
  rowsMax: 512,
};

/**
 * The redo journal in front of the tables of messages. What a tick writes is one row here; a message
 * that was delivered by the next checkpoint never reaches the tables.
 *
 * A crash before a row is inserted: the tick never happened. After it: the next `Journal` on the same
 * database finds it. During a checkpoint: that is one transaction, so either the old journal is there
 * with the old tables, or the new with the new.
 */
export class Journal {
  private readonly sql: SqlStorage;
  private readonly bounds: JournalBounds;
  private readonly encoder = new JournalEncoder();
  private pending = new Pending();
  /** The row that the encoder is writing. */
  private row: JournalRow = { bytes: null };
  /** Finished, not inserted. */
  private finished: JournalRow[] = [];
  /** What was put since the last `write`: its row can't be read before. */
  private readonly freshMessages = new Map<number, Message>();
  private readonly freshRetained = new Map<TopicName, Message>();
  /** What is in the table. */
  private rows = 0;
  private bytes = 0;

  /** Reads what is in the table: everything since the last checkpoint. */
  constructor(sql: SqlStorage, bounds: JournalBounds = journalBounds) {
    this.sql = sql;
    this.bounds = bounds;
    for (const { data } of sql.exec("SELECT data FROM journal ORDER BY id")) {
      const row = { bytes: bytesOf(data) as Uint8Array<ArrayBuffer> };
      this.rows += 1;
      this.bytes += row.bytes.length;
      const reader = new JournalReader(row.bytes);
      for (let offset = reader.offset, write = reader.next(); write !== null; write = reader.next()) {
        this.pending.note(write, row, offset, reader.offset);
        offset = reader.offset;
      }
    }
  }

  /** True when nothing was written since the last flush. */
  get isEmpty(): boolean {
    return this.rows === 0 && this.unwritten === 0;
  }

  /** Rows that `write` will insert. */
  get unwritten(): number {
    return this.finished.length + (this.encoder.isEmpty ? 0 : 1);
  }

  /** True when a checkpoint is due. */
  get isFull(): boolean {
    return this.bytes > this.bounds.bytesMax || this.rows > this.bounds.rowsMax;
  }

  /** The highest seq it names. */
  get highestSeq(): number {
    return this.pending.highestSeq;
  }

  /** Adds an operation, in memory. */
  add(write: JournalWrite): void {
    if (write.kind === "put_message") this.freshMessages.set(write.seq, write.message);
    else if (write.kind === "put_retained") this.freshRetained.set(write.message.topic, write.message);
    const offset = this.encoder.length;
    this.encoder.add(write);
    this.pending.note(write, this.row, offset, this.encoder.length);
    if (this.encoder.length > rowBytesMax) this.finish();
  }

  /** Inserts what was added; the caller holds the transaction if that is more than one row. */
  write(): void {
    if (!this.encoder.isEmpty) this.finish();
    for (const { bytes } of this.finished) {
      if (bytes === null) throw new Error("a journal row without bytes is finished");
      this.sql.exec("INSERT INTO journal (data) VALUES (?)", bytes.buffer);
      this.rows += 1;
      this.bytes += bytes.length;
    }
    this.finished = [];
    if (this.freshMessages.size > 0) this.freshMessages.clear();
    if (this.freshRetained.size > 0) this.freshRetained.clear();
  }

  /**
   * Makes the journal short again; the caller holds the transaction. Little that still waits is carried
   * over, and steady traffic never comes to the tables; much goes to the tables, or it would be carried
   * again and again.
   */
  checkpoint(): void {
    if (this.pending.bytes() > this.bounds.bytesMax / 4) {
      this.flush();
      return;
    }
    const carried = this.pending;
    this.clear();
    for (const write of carried.writes()) this.add(write);
    this.write();
  }

  /** Brings everything to the tables; the caller holds the transaction. */
  flush(): void {
    if (this.isEmpty) return;
    applyPending(this.sql, this.pending);
    this.clear();
  }

  /** See `Pending.message`. */
  message(key: SessionKey, seq: number): StoredMessage | null | undefined {
    return this.pending.message(key, seq, this.freshMessages.get(seq));
  }

  /** The packet id that a message in the tables was given since; undefined for none. */
  packetId(seq: number): number | undefined {
    return this.pending.packetIds.get(seq)?.packetId;
  }

  /** See `Pending.retainedMessage`. */
  retainedMessage(topic: TopicName): Message | null | undefined {
    return this.pending.retainedMessage(topic, this.freshRetained.get(topic));
  }

  private clear(): void {
    this.sql.exec("DELETE FROM journal");
    this.pending = new Pending();
    this.rows = 0;
    this.bytes = 0;
  }

  private finish(): void {
    this.row.bytes = this.encoder.take();
    this.finished.push(this.row);
    this.row = { bytes: null };
  }
}
