import type { Write } from "./broker/events.ts";
import type { Session } from "./broker/session.ts";
import { type JournalWrite, refuseWrite } from "./journal-codec.ts";
import { blob, propertiesValue } from "./message-rows.ts";
import { writeMeta } from "./shards/tables.ts";

/** Writes that go to their tables at once: they are rare. `delete_session` is one of them, and in the journal too. */
export type DirectWrite =
  | Exclude<Write, JournalWrite | { readonly kind: "append_outbox" }>
  | Extract<Write, { readonly kind: "delete_session" }>;

/** Where the `meta` table has the day of `DailyRecords`. */
export const dayKey = "day";

/** Performs one; the caller holds the transaction. */
export function applyDirect(sql: SqlStorage, write: DirectWrite): void {
  switch (write.kind) {
    case "put_session":
      putSession(sql, write.session);
      return;
    case "delete_session":
      for (const table of ["sessions", "subscriptions", "messages", "releases", "received"])
        sql.exec(`DELETE FROM ${table} WHERE key = ?`, write.key);
      return;
    case "put_subscription": {
      const { qos, noLocal, retainAsPublished, retainHandling, identifier } = write.subscription;
      sql.exec(
        "INSERT OR REPLACE INTO subscriptions (key, text, qos, no_local, retain_as_published, retain_handling, identifier) VALUES (?, ?, ?, ?, ?, ?, ?)",
        write.key,
        write.text,
        qos,
        noLocal ? 1 : 0,
        retainAsPublished ? 1 : 0,
        retainHandling,
        identifier,
      );
      return;
    }
    case "delete_subscription":
      sql.exec("DELETE FROM subscriptions WHERE key = ? AND text = ?", write.key, write.text);
      return;
    default:
      applyAccess(sql, write);
  }
}

type AccessWrite = Exclude<
  DirectWrite,
  { readonly kind: "put_session" | "delete_session" | "put_subscription" | "delete_subscription" }
>;

function applyAccess(sql: SqlStorage, write: AccessWrite): void {
  switch (write.kind) {
    case "put_device": {
      const { tokenSha256, online, sinceMs } = write.entry;
      sql.exec(
        "INSERT OR REPLACE INTO devices (device, token_sha256, online, since_ms) VALUES (?, ?, ?, ?)",
        write.device,
        tokenSha256,
        online ? 1 : 0,
        sinceMs,
      );
      return;
    }
    case "delete_device":
      sql.exec("DELETE FROM devices WHERE device = ?", write.device);
      return;
    case "put_member":
      if (write.role === null) sql.exec("DELETE FROM members WHERE user = ?", write.user);
      else sql.exec("INSERT OR REPLACE INTO members (user, role) VALUES (?, ?)", write.user, write.role);
      return;
    case "put_key":
      if (write.key === null) sql.exec("DELETE FROM api_keys WHERE user = ?", write.user);
      else {
        const { sha256, sid, expiresAtMs } = write.key;
        const text = "INSERT OR REPLACE INTO api_keys (user, sha256, sid, expires_at_ms) VALUES (?, ?, ?, ?)";
        sql.exec(text, write.user, sha256, sid, expiresAtMs);
      }
      return;
    case "put_group": {
      const devices = [...write.content.devices];
      const members = [...write.content.members];
      if (devices.length + members.length === 0) sql.exec("DELETE FROM group_content WHERE id = ?", write.group);
      else {
        const lists = [JSON.stringify(devices), JSON.stringify(members)];
        sql.exec("INSERT OR REPLACE INTO group_content (id, devices, members) VALUES (?, ?, ?)", write.group, ...lists);
      }
      return;
    }
    case "begin_day":
      writeMeta(sql, dayKey, JSON.stringify(write.begun));
      return;
    case "put_ended_sid":
      sql.exec("INSERT OR REPLACE INTO ended_sids (sid, until_ms) VALUES (?, ?)", write.sid, write.untilMs);
      return;
    case "delete_ended_sid":
      sql.exec("DELETE FROM ended_sids WHERE sid = ?", write.sid);
      return;
    default:
      refuseWrite(write);
  }
}

function putSession(sql: SqlStorage, session: Session): void {
  const { key, principal, clientId, expirySeconds, socket, disconnectedAtMs, will, willDueAtMs } = session;
  sql.exec(
    "INSERT OR REPLACE INTO sessions (key, principal, client_id, expiry_s, socket, disconnected_at_ms, will_topic, will_payload, will_qos, will_retain, will_properties, will_due_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    key,
    principal.kind === "device" ? principal.device : principal.user,
    clientId,
    expirySeconds,
    socket,
    disconnectedAtMs,
    will?.topic ?? null,
    will === null ? null : blob(will.payload),
    will?.qos ?? null,
    will === null ? null : will.retain ? 1 : 0,
    will === null ? null : propertiesValue(will.properties),
    willDueAtMs,
  );
}
