import { type OrgId, parseId } from "../../core/ids.ts";
import type { TopicName } from "../../core/topics/topic-name.ts";
import type { StoredMessage, Write } from "./broker/events.ts";
import type { Message, SessionKey } from "./broker/session.ts";
import type { BrokerState } from "./broker/state.ts";
import { applyDirect, type DirectWrite } from "./direct-tables.ts";
import { Journal, type JournalBounds, journalBounds } from "./journal.ts";
import { blob, bytesOf, messageOf, numberOrNull } from "./message-rows.ts";
import { type OutboxRecord, OutboxStore } from "./outbox-store.ts";
import { loadState } from "./storage-load.ts";
import { openSchema } from "./storage-schema.ts";

/** Parameters of one SQL statement are at most 100; this leaves one for the session. */
const idsPerStatementMax = 90;

/**
 * The broker's writes and reads in the object's SQLite. Nothing here awaits: a step's reads and
 * writes happen between two events, never across one.
 *
 * A statement costs many times what a message does, so a tick's messages are one row of the journal and
 * its records one row of the outbox; the tables see what has not gone by the next checkpoint.
 *
 * After a method threw, memory may be ahead of the tables: start again with a new `HubStorage`.
 */
export class HubStorage {
  private readonly sql: SqlStorage;
  private readonly transaction: (change: () => void) => void;
  private readonly journal: Journal;
  private readonly outbox: OutboxStore;
  /** Staged and not written: what has its own table, and records for the outbox. */
  private direct: DirectWrite[] = [];
  private records: OutboxRecord[] = [];
  /** Changes of the same transaction that are no writes of the broker's. */
  private others: (() => void)[] = [];

  /** @param transaction runs a change whole or, when it throws, not at all */
  constructor(sql: SqlStorage, transaction: (change: () => void) => void, bounds: JournalBounds = journalBounds) {
    this.sql = sql;
    this.transaction = transaction;
    openSchema(sql, transaction);
    this.journal = new Journal(sql, bounds);
    this.outbox = new OutboxStore(sql);
  }

  /** The organisation this object belongs to, once it is known. */
  org(): OrgId | null {
    const [row] = this.sql.exec("SELECT value FROM meta WHERE key = 'org'").toArray();
    return row === undefined ? null : parseId("org", row["value"]);
  }

  setOrg(org: OrgId): void {
    this.sql.exec("INSERT INTO meta (key, value) VALUES ('org', ?)", org);
  }

  /** Takes writes in their order: messages can be read from now on, all of them are stored by `commit`. */
  stage(writes: readonly Write[]): void {
    for (const write of writes) this.sort(write);
  }

  /** True when `commit` has something to store. */
  get hasStaged(): boolean {
    return this.direct.length + this.records.length + this.others.length + this.journal.unwritten > 0;
  }

  /** Adds a change to the transaction of the next `commit`. */
  alongside(change: () => void): void {
    this.others.push(change);
  }

  /** COMMIT POINT: stores what was staged, all or none. */
  commit(): void {
    const { direct, records, others } = this;
    const statements = direct.length + records.length + others.length + this.journal.unwritten;
    if (statements === 0) return;
    this.direct = [];
    this.records = [];
    if (others.length > 0) this.others = [];
    const write = () => {
      this.write(direct, records);
      for (const change of others) change();
    };
    if (statements === 1 && others.length === 0) write();
    else this.transaction(write);
    if (this.journal.isFull) this.transaction(() => this.journal.checkpoint());
  }

  /** Where each write goes. */
  private sort(write: Write): void {
    switch (write.kind) {
      case "put_message":
      case "delete_message":
      case "set_packet_id":
      case "put_release":
      case "delete_release":
      case "put_received":
      case "delete_received":
      case "put_retained":
      case "delete_retained":
        this.journal.add(write);
        return;
      case "append_outbox":
        this.records.push(write);
        return;
      case "delete_session":
        // A replay must not bring back what the journal holds of it.
        this.journal.add(write);
        this.direct.push(write);
        return;
      default:
        this.direct.push(write);
    }
  }

  private write(direct: readonly DirectWrite[], records: readonly OutboxRecord[]): void {
    for (const write of direct) applyDirect(this.sql, write);
    if (records.length > 0) this.outbox.append(records);
    this.journal.write();
  }

  /** Brings what is in the journal to the tables. */
  flush(): void {
    this.transaction(() => this.journal.flush());
  }

  /** Stored messages of one session by their numbers, in that order; a number that is gone is left out. */
  messages(key: SessionKey, seqs: readonly number[]): StoredMessage[] {
    const found = new Map<number, StoredMessage>();
    const inTables: number[] = [];
    for (const seq of seqs) {
      const message = this.journal.message(key, seq);
      if (message === undefined) inTables.push(seq);
      else if (message !== null) found.set(seq, message);
    }
    for (const ids of slices(inTables)) {
      const marks = ids.map(() => "?").join(",");
      const query = `SELECT * FROM messages WHERE key = ? AND seq IN (${marks})`;
      for (const row of this.sql.exec(query, key, ...ids)) {
        const seq = Number(row["seq"]);
        const packetId = this.journal.packetId(seq) ?? numberOrNull(row["packet_id"]);
        found.set(seq, { seq, packetId, message: messageOf(row, row["retain"] === 1) });
      }
    }
    return seqs.flatMap((seq) => found.get(seq) ?? []);
  }

  /** Retained messages by topic, in that order. */
  retained(topics: readonly TopicName[]): Message[] {
    const found = new Map<TopicName, Message>();
    const inTables: TopicName[] = [];
    for (const topic of topics) {
      const message = this.journal.retainedMessage(topic);
      if (message === undefined) inTables.push(topic);
      else if (message !== null) found.set(topic, message);
    }
    for (const names of slices(inTables)) {
      const marks = names.map(() => "?").join(",");
      for (const row of this.sql.exec(`SELECT * FROM retained WHERE topic IN (${marks})`, ...names)) {
        const message = messageOf(row, true);
        found.set(message.topic, message);
      }
    }
    return topics.flatMap((topic) => found.get(topic) ?? []);
  }

  /** Keeps the bytes of a packet that is not whole yet, in place of what was kept before. */
  putPartial(socket: string, bytes: Uint8Array): void {
    this.deletePartial(socket);
    this.sql.exec("INSERT INTO partials VALUES (?, 1, ?)", socket, blob(bytes));
  }

  deletePartial(socket: string): void {
    this.sql.exec("DELETE FROM partials WHERE socket = ?", socket);
  }

  partial(socket: string): Uint8Array[] {
    const rows = this.sql.exec("SELECT bytes FROM partials WHERE socket = ? ORDER BY part", socket).toArray();
    return rows.map((row) => bytesOf(row["bytes"]));
  }

  /** The broker's memory as storage has it. What the journal holds goes to the tables first. */
  load(org: OrgId): BrokerState {
    this.flush();
    return loadState(this.sql, org);
  }
}

function slices<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += idsPerStatementMax) parts.push(items.slice(at, at + idsPerStatementMax));
  return parts;
}
