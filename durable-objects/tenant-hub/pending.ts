import type { DeviceId } from "../../core/ids.ts";
import type { TopicName } from "../../core/topics/topic-name.ts";
import type { StoredMessage } from "./broker/events.ts";
import { PassingMap } from "./broker/passing-map.ts";
import type { Message, SessionKey } from "./broker/session.ts";
import { JournalReader, type JournalWrite, refuseWrite } from "./journal-codec.ts";

/** A row of the journal, as memory holds it; its bytes are there once it is finished. */
export interface JournalRow {
  bytes: Uint8Array<ArrayBuffer> | null;
}

/** A message that is in the journal and not in the tables. The bytes stay in their row: nothing else is kept alive. */
interface PendingMessage {
  readonly key: SessionKey;
  /** Changed by `set_packet_id`. */
  packetId: number | null;
  readonly row: JournalRow;
  readonly offset: number;
  /** Bytes of the operation. */
  readonly bytes: number;
}

interface PendingRetained {
  readonly row: JournalRow;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Changes to one session's set of packet ids. A put and its delete leave nothing behind, because of the
 * broker's promise that it never puts an id that is there already.
 */
class PacketIds {
  /** Id → seq (0 where it has none); not in the table. */
  readonly fresh = new PassingMap<number, number>();
  /** In the table, to be deleted before `fresh` is inserted. */
  readonly gone = new Set<number>();

  get size(): number {
    return this.fresh.size + this.gone.size;
  }
}

/**
 * What the journal says beyond the tables: what it adds to them, changes and deletes. Written only by
 * `note`. INVARIANT: a message in `messages` is not in the tables; seqs are never used twice.
 */
export class Pending {
  readonly messages = new PassingMap<number, PendingMessage>();
  readonly deletedMessages = new Map<number, SessionKey>();
  readonly packetIds = new Map<number, { readonly key: SessionKey; readonly packetId: number }>();
  readonly releases = new Map<SessionKey, PacketIds>();
  readonly received = new Map<SessionKey, PacketIds>();
  /** By topic; null is deleted. */
  readonly retained = new Map<TopicName, PendingRetained | null>();
  /** Ended sessions → the highest seq at that time: what they had in `messages` is gone. */
  private readonly ended = new Map<SessionKey, number>();
  /** The highest seq of a message in the journal. */
  private highest = 0;
  private bytes = 0;
  /** Entries in all of `releases` and `received`. */
  private exchanges = 0;
  private lastReader: { readonly row: JournalRow; readonly reader: JournalReader } | null = null;
  /** Reads the row that is being written. */
  private readonly unfinished: () => JournalReader;

  constructor(unfinished: () => JournalReader) {
    this.unfinished = unfinished;
  }

  /**
   * Takes note of an operation that stands in the journal.
   * @param offset where it stands in the row
   * @param end where the next one will
   */
  note(write: JournalWrite, row: JournalRow, offset: number, end: number): void {
    switch (write.kind) {
      case "put_message": {
        const { key, seq, packetId } = write;
        if (seq > this.highest) this.highest = seq;
        const bytes = end - offset;
        this.messages.set(seq, { key, packetId, row, offset, bytes });
        this.bytes += bytes;
        return;
      }
      case "delete_message": {
        const message = this.messages.get(write.seq);
        if (message === undefined) {
          this.packetIds.delete(write.seq);
          this.deletedMessages.set(write.seq, write.key);
          return;
        }
        this.messages.delete(write.seq);
        this.bytes -= message.bytes;
        return;
      }
      case "set_packet_id": {
        const { key, seq, packetId } = write;
        const message = this.messages.get(seq);
        if (message === undefined) this.packetIds.set(seq, { key, packetId });
        else message.packetId = packetId;
        return;
      }
      case "put_release":
        this.putId(this.releases, write.key, write.packetId, write.seq);
        return;
      case "delete_release":
        this.deleteId(this.releases, write.key, write.packetId);
        return;
      case "put_received":
        this.putId(this.received, write.key, write.packetId, 0);
        return;
      case "delete_received":
        this.deleteId(this.received, write.key, write.packetId);
        return;
      case "put_retained":
        this.setRetained(write.message.topic, { row, offset, bytes: end - offset });
        return;
      case "delete_retained":
        this.setRetained(write.topic, null);
        return;
      case "delete_session":
        // The tables have forgotten it already. Going through `messages` would make a storm of leaving clients slow.
        this.ended.set(write.key, this.highest);
        this.forgetIds(this.releases, write.key);
        this.forgetIds(this.received, write.key);
        return;
      default:
        refuseWrite(write);
    }
  }

  /** A session's message; null when it was deleted, undefined when only the tables can tell. */
  message(key: SessionKey, seq: number): StoredMessage | null | undefined {
    const pending = this.messages.get(seq);
    if (pending === undefined) return this.deletedMessages.has(seq) || this.ended.has(key) ? null : undefined;
    if (pending.key !== key || !this.lives(seq, pending)) return null;
    return { seq, packetId: pending.packetId, message: this.read(pending) };
  }

  /** The topic's retained message; null when it was deleted, undefined when only the tables can tell. */
  retainedMessage(topic: TopicName): Message | null | undefined {
    const pending = this.retained.get(topic);
    return pending === undefined || pending === null ? pending : { ...this.read(pending), retain: true };
  }

  /** How many rows of the tables it is about. */
  get size(): number {
    const messages = this.messages.size + this.deletedMessages.size + this.packetIds.size;
    return messages + this.retained.size + this.exchanges;
  }

  /** Bytes of the messages in it, as the journal has them. */
  get messageBytes(): number {
    return this.bytes;
  }

  /** The shortest writes that say the same, deletions before what replaces them. */
  *writes(): IterableIterator<JournalWrite> {
    for (const [seq, key] of this.deletedMessages) yield { kind: "delete_message", key, seq };
    for (const [seq, { key, packetId }] of this.packetIds) yield { kind: "set_packet_id", key, seq, packetId };
    for (const [key, { fresh, gone }] of this.releases) {
      for (const packetId of gone) yield { kind: "delete_release", key, packetId };
      for (const [packetId, seq] of fresh) yield { kind: "put_release", key, packetId, seq };
    }
    for (const [key, { fresh, gone }] of this.received) {
      for (const packetId of gone) yield { kind: "delete_received", key, packetId };
      for (const packetId of fresh.keys()) yield { kind: "put_received", key, packetId };
    }
    for (const [topic, pending] of this.retained) {
      if (pending === null) yield { kind: "delete_retained", topic };
      else yield { kind: "put_retained", device: this.deviceOf(pending), message: this.read(pending) };
    }
    for (const [seq, pending] of this.messages) {
      if (!this.lives(seq, pending)) continue;
      const { key, packetId } = pending;
      yield { kind: "put_message", key, seq, packetId, message: this.read(pending) };
    }
  }

  private setRetained(topic: TopicName, pending: PendingRetained | null): void {
    this.bytes += (pending?.bytes ?? 0) - (this.retained.get(topic)?.bytes ?? 0);
    this.retained.set(topic, pending);
  }

  private putId(sessions: Map<SessionKey, PacketIds>, key: SessionKey, packetId: number, seq: number): void {
    idsOf(sessions, key).fresh.set(packetId, seq);
    this.exchanges += 1;
  }

  private deleteId(sessions: Map<SessionKey, PacketIds>, key: SessionKey, packetId: number): void {
    const ids = idsOf(sessions, key);
    if (ids.fresh.delete(packetId)) {
      this.exchanges -= 1;
      return;
    }
    ids.gone.add(packetId);
    this.exchanges += 1;
  }

  private forgetIds(sessions: Map<SessionKey, PacketIds>, key: SessionKey): void {
    this.exchanges -= sessions.get(key)?.size ?? 0;
    sessions.delete(key);
  }

  private lives(seq: number, { key }: PendingMessage): boolean {
    return seq > (this.ended.get(key) ?? 0);
  }

  private deviceOf(pending: PendingRetained): DeviceId {
    const write = this.operation(pending);
    if (write.kind !== "put_retained") throw new Error(`a retained message is in the journal as ${write.kind}`);
    return write.device;
  }

  private read(pending: PendingMessage | PendingRetained): Message {
    const write = this.operation(pending);
    if (write.kind === "put_message" || write.kind === "put_retained") return write.message;
    throw new Error(`a message is in the journal as ${write.kind}`);
  }

  /** One reader as long as the row is the same, so that payloads that were shared come back shared. */
  private operation({ row, offset }: PendingMessage | PendingRetained): JournalWrite {
    if (row.bytes === null) return this.unfinished().operationAt(offset);
    if (this.lastReader?.row !== row) this.lastReader = { row, reader: new JournalReader(row.bytes, false) };
    return this.lastReader.reader.operationAt(offset);
  }
}

function idsOf(sessions: Map<SessionKey, PacketIds>, key: SessionKey): PacketIds {
  let ids = sessions.get(key);
  if (ids === undefined) {
    ids = new PacketIds();
    sessions.set(key, ids);
  }
  return ids;
}
