import type { Write } from "./broker/events.ts";
import { messageBytes } from "./broker/message.ts";
import { type JournalWrite, refuseWrite } from "./journal-codec.ts";
import { blob, propertiesValue } from "./message-rows.ts";
import type { Pending } from "./pending.ts";

/** Brings to the tables what the journal says beyond them; the caller holds the transaction. */
export function applyPending(sql: SqlStorage, pending: Pending): void {
  for (const write of pending.writes()) applyWrite(sql, write);
}

function applyWrite(sql: SqlStorage, write: JournalWrite): void {
  switch (write.kind) {
    case "put_message":
      putMessage(sql, write);
      return;
    case "set_packet_id":
      sql.exec("UPDATE messages SET packet_id = ? WHERE key = ? AND seq = ?", write.packetId, write.key, write.seq);
      return;
    case "delete_message":
      sql.exec("DELETE FROM messages WHERE key = ? AND seq = ?", write.key, write.seq);
      return;
    case "put_release":
      sql.exec(
        "INSERT OR REPLACE INTO releases (key, packet_id, seq) VALUES (?, ?, ?)",
        write.key,
        write.packetId,
        write.seq,
      );
      return;
    case "delete_release":
      sql.exec("DELETE FROM releases WHERE key = ? AND packet_id = ?", write.key, write.packetId);
      return;
    case "put_received":
      sql.exec("INSERT OR REPLACE INTO received (key, packet_id) VALUES (?, ?)", write.key, write.packetId);
      return;
    case "delete_received":
      sql.exec("DELETE FROM received WHERE key = ? AND packet_id = ?", write.key, write.packetId);
      return;
    case "put_retained":
      putRetained(sql, write);
      return;
    case "delete_retained":
      sql.exec("DELETE FROM retained WHERE topic = ?", write.topic);
      return;
    case "delete_session":
      // Its rows were deleted when it ended; `Pending.writes` never says so again.
      return;
    default:
      refuseWrite(write);
  }
}

function putMessage(sql: SqlStorage, write: Write & { readonly kind: "put_message" }): void {
  const { topic, payload, qos, retain, properties, expiresAtMs } = write.message;
  sql.exec(
    "INSERT INTO messages (key, seq, packet_id, qos, retain, topic, payload, properties, expires_at_ms, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    write.key,
    write.seq,
    write.packetId,
    qos,
    retain ? 1 : 0,
    topic,
    blob(payload),
    propertiesValue(properties),
    expiresAtMs,
    messageBytes(write.message),
  );
}

function putRetained(sql: SqlStorage, write: Write & { readonly kind: "put_retained" }): void {
  const { topic, payload, qos, properties, expiresAtMs } = write.message;
  sql.exec(
    "INSERT OR REPLACE INTO retained (topic, device, qos, payload, properties, expires_at_ms, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)",
    topic,
    write.device,
    qos,
    blob(payload),
    propertiesValue(properties),
    expiresAtMs,
    messageBytes(write.message),
  );
}
