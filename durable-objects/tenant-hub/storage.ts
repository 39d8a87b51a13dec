import { type OrgId, parseId } from "../../core/ids.ts";
import type { QoS } from "../../core/mqtt/packets.ts";
import { parseRole } from "../../core/tenancy/roles.ts";
import { parseTopicName, type TopicName } from "../../core/topics/topic-name.ts";
import type { StoredMessage, Write } from "./broker/events.ts";
import {
  addSession,
  type BrokerState,
  emptyState,
  type Message,
  newSession,
  type Principal,
  type Session,
  type SessionKey,
} from "./broker/state.ts";
import { schema } from "./storage-schema.ts";

/** Parameters of one SQL statement are at most 100; this leaves one for the session. */
const idsPerStatementMax = 90;

/**
 * The broker's writes and reads in the object's SQLite. Nothing here awaits: a step's reads and
 * writes happen between two events, never across one.
 */
export class HubStorage {
  private readonly sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    sql.exec(schema);
  }

  /** The organisation this object belongs to, once it is known. */
  org(): OrgId | null {
    const [row] = this.sql.exec("SELECT value FROM meta WHERE key = 'org'").toArray();
    return row === undefined ? null : parseId("org", row["value"]);
  }

  setOrg(org: OrgId): void {
    this.sql.exec("INSERT INTO meta (key, value) VALUES ('org', ?)", org);
  }

  /** Performs writes in order; the caller holds the transaction. */
  apply(writes: readonly Write[]): void {
    for (const write of writes) this.applyOne(write);
  }

  private applyOne(write: Write): void {
    const { sql } = this;
    switch (write.kind) {
      case "put_session":
        this.putSession(write.session);
        return;
      case "delete_session":
        sql.exec("DELETE FROM sessions WHERE key = ?", write.key);
        sql.exec("DELETE FROM subscriptions WHERE key = ?", write.key);
        sql.exec("DELETE FROM messages WHERE key = ?", write.key);
        sql.exec("DELETE FROM releases WHERE key = ?", write.key);
        sql.exec("DELETE FROM received WHERE key = ?", write.key);
        return;
      case "put_subscription":
        sql.exec("INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?)", write.key, write.text, write.qos);
        return;
      case "delete_subscription":
        sql.exec("DELETE FROM subscriptions WHERE key = ? AND text = ?", write.key, write.text);
        return;
      case "put_message": {
        const { topic, payload, qos, retain } = write.message;
        const values = [write.key, write.seq, write.packetId, qos, retain ? 1 : 0, topic, blob(payload)];
        sql.exec("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)", ...values);
        return;
      }
      case "set_packet_id":
        sql.exec("UPDATE messages SET packet_id = ? WHERE key = ? AND seq = ?", write.packetId, write.key, write.seq);
        return;
      case "delete_message":
        sql.exec("DELETE FROM messages WHERE key = ? AND seq = ?", write.key, write.seq);
        return;
      case "put_release":
        sql.exec("INSERT INTO releases VALUES (?, ?, ?)", write.key, write.packetId, write.seq);
        return;
      case "delete_release":
        sql.exec("DELETE FROM releases WHERE key = ? AND packet_id = ?", write.key, write.packetId);
        return;
      case "put_received":
        sql.exec("INSERT INTO received VALUES (?, ?)", write.key, write.packetId);
        return;
      case "delete_received":
        sql.exec("DELETE FROM received WHERE key = ? AND packet_id = ?", write.key, write.packetId);
        return;
      case "put_retained": {
        const { topic, payload, qos } = write.message;
        sql.exec("INSERT OR REPLACE INTO retained VALUES (?, ?, ?, ?)", topic, write.device, qos, blob(payload));
        return;
      }
      case "delete_retained":
        sql.exec("DELETE FROM retained WHERE topic = ?", write.topic);
        return;
      case "append_outbox":
        sql.exec("INSERT INTO outbox (record, bytes) VALUES (?, ?)", write.json, write.bytes);
        return;
      case "put_device":
      case "delete_device":
      case "put_member":
      case "put_group":
      case "put_ended_sid":
      case "delete_ended_sid":
        this.applyAccess(write);
        return;
    }
  }

  private applyAccess(write: Write): void {
    const { sql } = this;
    if (write.kind === "put_device") {
      const { tokenSha256, online, sinceMs } = write.entry;
      sql.exec(
        "INSERT OR REPLACE INTO devices VALUES (?, ?, ?, ?)",
        write.device,
        tokenSha256,
        online ? 1 : 0,
        sinceMs,
      );
    } else if (write.kind === "delete_device") {
      sql.exec("DELETE FROM devices WHERE device = ?", write.device);
    } else if (write.kind === "put_member") {
      if (write.role === null) sql.exec("DELETE FROM members WHERE user = ?", write.user);
      else sql.exec("INSERT OR REPLACE INTO members VALUES (?, ?)", write.user, write.role);
    } else if (write.kind === "put_group") {
      const devices = [...write.content.devices];
      const members = [...write.content.members];
      if (devices.length + members.length === 0) sql.exec("DELETE FROM group_content WHERE id = ?", write.group);
      else {
        const lists = [JSON.stringify(devices), JSON.stringify(members)];
        sql.exec("INSERT OR REPLACE INTO group_content VALUES (?, ?, ?)", write.group, ...lists);
      }
    } else if (write.kind === "put_ended_sid") {
      sql.exec("INSERT OR REPLACE INTO ended_sids VALUES (?, ?)", write.sid, write.untilMs);
    } else if (write.kind === "delete_ended_sid") {
      sql.exec("DELETE FROM ended_sids WHERE sid = ?", write.sid);
    }
  }

  private putSession(session: Session): void {
    const { key, principal, clientId, clean, socket, disconnectedAtMs, will } = session;
    this.sql.exec(
      "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      key,
      principal.kind === "device" ? principal.device : principal.user,
      clientId,
      clean ? 1 : 0,
      socket,
      disconnectedAtMs,
      will?.topic ?? null,
      will === null ? null : blob(will.payload),
      will?.qos ?? null,
      will === null ? null : will.retain ? 1 : 0,
    );
  }

  /** Stored messages of one session by their numbers, in that order; a number that is gone is left out. */
  messages(key: SessionKey, seqs: readonly number[]): StoredMessage[] {
    const found = new Map<number, StoredMessage>();
    for (const ids of slices(seqs)) {
      const marks = ids.map(() => "?").join(",");
      const query = `SELECT seq, packet_id, qos, retain, topic, payload FROM messages WHERE key = ? AND seq IN (${marks})`;
      for (const row of this.sql.exec(query, key, ...ids)) {
        const seq = Number(row["seq"]);
        const packetId = row["packet_id"] === null ? null : Number(row["packet_id"]);
        found.set(seq, { seq, packetId, message: messageOf(row, row["retain"] === 1) });
      }
    }
    return seqs.flatMap((seq) => found.get(seq) ?? []);
  }

  /** Retained messages by topic. */
  retained(topics: readonly TopicName[]): Message[] {
    return slices(topics).flatMap((names) => {
      const marks = names.map(() => "?").join(",");
      const query = `SELECT topic, qos, payload FROM retained WHERE topic IN (${marks})`;
      return this.sql
        .exec(query, ...names)
        .toArray()
        .map((row) => messageOf(row, true));
    });
  }

  /** Bytes of a packet that is not whole yet; `replace` forgets what was kept before. */
  putPartial(socket: string, chunks: readonly Uint8Array[], replace: boolean): void {
    if (replace) this.deletePartial(socket);
    for (const chunk of chunks) {
      this.sql.exec(
        "INSERT INTO partials SELECT ?, coalesce(max(part), 0) + 1, ? FROM partials WHERE socket = ?",
        socket,
        blob(chunk),
        socket,
      );
    }
  }

  deletePartial(socket: string): void {
    this.sql.exec("DELETE FROM partials WHERE socket = ?", socket);
  }

  partial(socket: string): Uint8Array[] {
    const rows = this.sql.exec("SELECT bytes FROM partials WHERE socket = ? ORDER BY part", socket).toArray();
    return rows.map((row) => bytesOf(row["bytes"]));
  }

  /** The broker's memory as storage has it. */
  load(org: OrgId): BrokerState {
    const state = emptyState(org);
    this.loadAccess(state);
    this.loadSessions(state);
    for (const row of this.sql.exec("SELECT topic, device FROM retained")) {
      const device = parseId("device", row["device"]);
      const topic = parseTopicName(String(row["topic"]));
      if (device === null || topic === null) continue;
      const topics = state.retained.get(device) ?? new Set<TopicName>();
      state.retained.set(device, topics.add(topic));
    }
    const [outbox] = this.sql.exec("SELECT coalesce(sum(bytes), 0) AS bytes FROM outbox").toArray();
    state.outboxBytes = Number(outbox?.["bytes"] ?? 0);
    return state;
  }

  private loadAccess(state: BrokerState): void {
    for (const row of this.sql.exec("SELECT * FROM devices")) {
      const device = parseId("device", row["device"]);
      if (device === null) continue;
      const tokenSha256 = String(row["token_sha256"]);
      state.devices.set(device, { tokenSha256, online: row["online"] === 1, sinceMs: Number(row["since_ms"]) });
    }
    for (const row of this.sql.exec("SELECT * FROM members")) {
      const user = parseId("user", row["user"]);
      const role = parseRole(row["role"]);
      if (user !== null && role !== null) state.members.set(user, role);
    }
    for (const row of this.sql.exec("SELECT * FROM group_content")) {
      const group = parseId("group", row["id"]);
      if (group === null) continue;
      const devices = (JSON.parse(String(row["devices"])) as unknown[]).flatMap((id) => parseId("device", id) ?? []);
      const members = (JSON.parse(String(row["members"])) as unknown[]).flatMap((id) => parseId("user", id) ?? []);
      state.groups.set(group, { devices: new Set(devices), members: new Set(members) });
    }
    for (const row of this.sql.exec("SELECT * FROM ended_sids"))
      state.endedSids.set(String(row["sid"]), Number(row["until_ms"]));
  }

  private loadSessions(state: BrokerState): void {
    const sessions = new Map<string, Session>();
    for (const row of this.sql.exec("SELECT * FROM sessions")) {
      const principal = principalOf(row["principal"]);
      if (principal === null) continue;
      const session = newSession(principal, String(row["client_id"]), row["clean"] === 1);
      session.socket = row["socket"] === null ? null : String(row["socket"]);
      session.disconnectedAtMs = Number(row["disconnected_at_ms"]);
      if (row["will_topic"] !== null) {
        session.will = {
          topic: String(row["will_topic"]),
          payload: bytesOf(row["will_payload"]),
          qos: qosOf(row["will_qos"]),
          retain: row["will_retain"] === 1,
        };
      }
      sessions.set(session.key, session);
    }
    for (const row of this.sql.exec("SELECT * FROM subscriptions"))
      sessions.get(String(row["key"]))?.subscriptions.set(String(row["text"]), { qos: qosOf(row["qos"]) });
    this.loadMessages(state, sessions);
    for (const session of sessions.values()) addSession(state, session);
  }

  /** What is on its way to or from each session. */
  private loadMessages(state: BrokerState, sessions: ReadonlyMap<string, Session>): void {
    const query =
      "SELECT key, seq, packet_id, qos, length(payload) + length(topic) + 64 AS bytes FROM messages ORDER BY key, seq";
    for (const row of this.sql.exec(query)) {
      const message = { seq: Number(row["seq"]), qos: qosOf(row["qos"]), bytes: Number(row["bytes"]) };
      state.nextSeq = Math.max(state.nextSeq, message.seq + 1);
      const session = sessions.get(String(row["key"]));
      if (session === undefined) continue;
      if (row["packet_id"] !== null) {
        session.inflight.set(Number(row["packet_id"]), message);
        session.lastPacketId = Math.max(session.lastPacketId, Number(row["packet_id"]));
      } else {
        session.queue.push(message);
        session.queueBytes += message.bytes;
      }
    }
    for (const row of this.sql.exec("SELECT key, packet_id, seq FROM releases ORDER BY key, seq")) {
      state.nextSeq = Math.max(state.nextSeq, Number(row["seq"]) + 1);
      sessions.get(String(row["key"]))?.released.add(Number(row["packet_id"]));
    }
    for (const row of this.sql.exec("SELECT key, packet_id FROM received"))
      sessions.get(String(row["key"]))?.received.add(Number(row["packet_id"]));
  }
}

function slices<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += idsPerStatementMax) parts.push(items.slice(at, at + idsPerStatementMax));
  return parts;
}

function principalOf(text: SqlStorageValue | undefined): Principal | null {
  const device = parseId("device", text);
  if (device !== null) return { kind: "device", device };
  const user = parseId("user", text);
  return user === null ? null : { kind: "user", user };
}

function messageOf(row: Record<string, SqlStorageValue>, retain: boolean): Message {
  const topic = parseTopicName(String(row["topic"]));
  if (topic === null) throw new Error("a stored message has no topic");
  return { topic, payload: bytesOf(row["payload"]), qos: qosOf(row["qos"]), retain };
}

function qosOf(value: SqlStorageValue | undefined): QoS {
  return value === 1 || value === 2 ? value : 0;
}

function bytesOf(value: SqlStorageValue | undefined): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new Error("a stored payload is not bytes");
}

/** A view's bytes as a buffer of their own: binding a view would store the whole frame behind it. */
function blob(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}
