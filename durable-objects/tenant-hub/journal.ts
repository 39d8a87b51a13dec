import type { TopicName } from "../../core/topics/topic-name.ts";
import type { StoredMessage } from "./broker/events.ts";
import type { Message, SessionKey } from "./broker/session.ts";
import { JournalEncoder, JournalReader, type JournalWrite } from "./journal-codec.ts";
import { bytesOf } from "./message-rows.ts";
import { type JournalRow, Pending } from "./pending.ts";
import { applyPending } from "./pending-tables.ts";

/**
 * A row is finished when it is larger than this; one more operation is a largest packet, and a value may
 * have 2 MB.
 */
export const rowBytesMax = 1024 * 1024;

/** When a checkpoint is due: over any of these. */
export interface JournalBounds {
  /**
   * Bytes, or four times what waits if that is more. A short journal is overwritten while SQLite still has its
   * pages at hand; a long one need not carry the same messages again and again.
   */
  readonly bytesMin: number;
  /** Bytes, whatever waits: what a wake has to read. */
  readonly bytesMax: number;
  /** For little traffic, whose rows are small. */
  readonly rowsMax: number;
  /** Messages and such that wait: what one checkpoint may have to bring to the tables. */
  readonly pendingMax: number;
}

export const journalBounds: JournalBounds = {
  bytesMin: 1024 * 1024,
  bytesMax: 8 * 1024 * 1024,
  rowsMax: 512,
  /** At some 5 µs each; four times what one connected session may have waiting. */
  pendingMax: 16_384,
};

/**
 * The redo journal in front of the tables of messages. What a tick writes is one row here; a message
 * that was delivered by the next checkpoint never reaches the tables.
 *
 * A row is overwritten, never deleted, because a deletion is paid for like an insertion: each checkpoint
 * begins a new epoch at the first id, and only the rows of the newest epoch count.
 *
 * A crash before a row is inserted: the tick never happened. After it: the next `Journal` on the same
 * database finds it. During a checkpoint: that is one transaction, so either the old journal is there
 * with the old tables, or the new with the new.
 */
export class Journal {
  private readonly sql: SqlStorage;
  private readonly bounds: JournalBounds;
  private readonly encoder = new JournalEncoder();
  private pending = new Pending(() => this.encoder.reader());
  /** The row that the encoder is writing. */
  private row: JournalRow = { bytes: null };
  /** Finished, not stored. */
  private finished: JournalRow[] = [];
  private epoch = 0;
  /** Stored in this epoch. */
  private rows = 0;
  private bytes = 0;

  /** Reads what was stored since the last checkpoint. */
  constructor(sql: SqlStorage, bounds: JournalBounds = journalBounds) {
    this.sql = sql;
    this.bounds = bounds;
    const query = "SELECT epoch, data FROM journal WHERE epoch = (SELECT max(epoch) FROM journal) ORDER BY id";
    for (const { epoch, data } of sql.exec(query)) {
      this.epoch = Number(epoch);
      this.replay(bytesOf(data) as Uint8Array<ArrayBuffer>);
    }
  }

  private replay(bytes: Uint8Array<ArrayBuffer>): void {
    const row: JournalRow = { bytes };
    const reader = new JournalReader(bytes, false);
    let { offset } = reader;
    for (let write = reader.next(); write !== null; write = reader.next()) {
      this.pending.note(write, row, offset, reader.offset);
      offset = reader.offset;
    }
    this.rows += 1;
    this.bytes += bytes.length;
  }

  /** True when it says nothing beyond the tables. */
  get isEmpty(): boolean {
    return this.pending.size === 0 && this.unwritten === 0;
  }

  /** Rows that `write` will store. */
  get unwritten(): number {
    return this.finished.length + (this.encoder.isEmpty ? 0 : 1);
  }

  /** True when a checkpoint is due. */
  get isFull(): boolean {
    const { bytesMin, bytesMax, rowsMax, pendingMax } = this.bounds;
    if (this.rows > rowsMax || this.bytes > bytesMax || this.pending.size > pendingMax) return true;
    return this.bytes > bytesMin && this.bytes > this.pending.messageBytes * 4;
  }

  /** Adds an operation, in memory, where it can be read from now on; `write` stores it. */
  add(write: JournalWrite): void {
    const offset = this.encoder.length;
    this.encoder.add(write);
    this.pending.note(write, this.row, offset, this.encoder.length);
    if (this.encoder.length > rowBytesMax) this.finish();
  }

  /** Stores what was added; the caller holds the transaction if that is more than one row. */
  write(): void {
    if (!this.encoder.isEmpty) this.finish();
    for (const { bytes } of this.finished) {
      if (bytes === null) throw new Error("a journal row without bytes is finished");
      this.store(bytes);
    }
    this.finished = [];
  }

  /**
   * Makes the journal short again; the caller holds the transaction. Little that still waits is carried
   * over, so that steady traffic never comes to the tables; much goes to the tables, or it would be
   * carried again and again.
   */
  checkpoint(): void {
    const { bytesMax, pendingMax } = this.bounds;
    if (this.pending.size > pendingMax / 2 || this.pending.messageBytes > bytesMax / 4) {
      this.flush();
      return;
    }
    const carried = this.pending;
    this.begin();
    for (const write of carried.writes()) this.add(write);
    this.write();
    if (this.rows === 0) this.store(this.encoder.take());
  }

  /** Brings everything to the tables; the caller holds the transaction. */
  flush(): void {
    if (this.rows === 0 && this.unwritten === 0) return;
    applyPending(this.sql, this.pending);
    this.begin();
    this.store(this.encoder.take());
  }

  /** See `Pending.message`. */
  message(key: SessionKey, seq: number): StoredMessage | null | undefined {
    return this.pending.message(key, seq);
  }

  /** The packet id that a message in the tables was given since; undefined for none. */
  packetId(seq: number): number | undefined {
    return this.pending.packetIds.get(seq)?.packetId;
  }

  /** See `Pending.retainedMessage`. */
  retainedMessage(topic: TopicName): Message | null | undefined {
    return this.pending.retainedMessage(topic);
  }

  /** A new epoch. It counts from its first row on, be it an empty one. */
  private begin(): void {
    this.pending = new Pending(() => this.encoder.reader());
    this.epoch += 1;
    this.rows = 0;
    this.bytes = 0;
  }

  private store(bytes: Uint8Array<ArrayBuffer>): void {
    this.rows += 1;
    this.bytes += bytes.length;
    this.sql.exec(
      "INSERT OR REPLACE INTO journal (id, epoch, data) VALUES (?, ?, ?)",
      this.rows,
      this.epoch,
      bytes.buffer,
    );
  }

  private finish(): void {
    this.row.bytes = this.encoder.take();
    this.finished.push(this.row);
    this.row = { bytes: null };
  }
}
