import type { Message, SessionKey } from "../broker/session.ts";
import { JournalEncoder, JournalReader } from "../journal-codec.ts";

/** Whose sessions a message is for: what a device sent is for users, what a user sent for the device. */
export type Reach = "users" | "devices";

/** A message on its way to another object. */
export interface Relayed {
  readonly reach: Reach;
  readonly message: Message;
}

/** A row is finished when it is larger than this; a value may have 2 MB and one message 64 KiB. */
const rowBytesMax = 512 * 1024;

/** Its buffer is used again; writing a row never waits. */
const encoder = new JournalEncoder();

/**
 * Messages as rows: those of the journal, with the reach where a session's key stands. A topic or payload
 * that repeats is there once.
 */
export function encodeRelayed(messages: readonly Relayed[]): Uint8Array<ArrayBuffer>[] {
  const rows: Uint8Array<ArrayBuffer>[] = [];
  for (const { reach, message } of messages) {
    encoder.add({ kind: "put_message", key: reach as string as SessionKey, seq: 0, packetId: null, message });
    if (encoder.length > rowBytesMax) rows.push(encoder.take());
  }
  if (!encoder.isEmpty) rows.push(encoder.take());
  return rows;
}

/** @throws when it is no row of ours */
export function decodeRelayed(row: Uint8Array): Relayed[] {
  const reader = new JournalReader(row, false);
  const messages: Relayed[] = [];
  for (let write = reader.next(); write !== null; write = reader.next()) {
    if (write.kind !== "put_message") throw new Error(`a relayed message came as ${write.kind}`);
    messages.push({ reach: reachOf(write.key), message: write.message });
  }
  return messages;
}

function reachOf(text: string): Reach {
  if (text === "users" || text === "devices") return text;
  throw new Error("a relayed message reaches nobody");
}
