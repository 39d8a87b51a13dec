import { type OrgId, parseId } from "../../core/ids.ts";
import type { RetainHandling } from "../../core/mqtt/packets.ts";
import { parseRole } from "../../core/tenancy/roles.ts";
import { parseSubscription } from "../../core/topics/topic-filter.ts";
import { parseTopicName, type TopicName } from "../../core/topics/topic-name.ts";
import { type BegunDay, DailyRecords } from "./broker/daily-records.ts";
import { newSession, type Principal, type Session } from "./broker/session.ts";
import { addSession, type BrokerState, emptyState, type RetainedEntry } from "./broker/state.ts";
import { dayKey } from "./direct-tables.ts";
import { bytesOf, numberOrNull, propertiesOf, qosOf, type Row } from "./message-rows.ts";
import { readMeta } from "./shards/tables.ts";

/** What a row weighs that was stored before its weight was: see `messageBytes`. */
const weight = "coalesce(bytes, length(payload) + length(topic) + 64) AS bytes";

/** The broker's memory as the tables have it; the journal is empty. */
export function loadState(sql: SqlStorage, org: OrgId): BrokerState {
  const state = emptyState(org);
  loadAccess(sql, state);
  const sessions = loadSessions(sql);
  loadSubscriptions(sql, sessions);
  loadMessages(sql, state, sessions);
  loadExchanges(sql, state, sessions);
  for (const session of sessions.values()) addSession(state, session);
  loadRetained(sql, state);
  const [outbox] = sql.exec("SELECT coalesce(sum(bytes), 0) AS bytes FROM outbox").toArray();
  state.outboxBytes = Number(outbox?.["bytes"] ?? 0);
  state.daily = loadDaily(sql);
  return state;
}

/** @throws when the stored day is none: then the hub serves nobody, rather than everybody without a bound */
function loadDaily(sql: SqlStorage): DailyRecords {
  const [row] = sql.exec("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").toArray();
  const stored = readMeta(sql, dayKey);
  return new DailyRecords(Number(row?.["seq"] ?? 0), stored === null ? null : parseDay(JSON.parse(stored)));
}

function parseDay(json: unknown): BegunDay {
  const { day, before } = (json ?? {}) as Record<string, unknown>;
  if (typeof day !== "number" || typeof before !== "number") throw new Error("not the day of a hub's records");
  return { day, before };
}

function loadAccess(sql: SqlStorage, state: BrokerState): void {
  for (const row of sql.exec("SELECT * FROM devices")) {
    const device = parseId("device", row["device"]);
    if (device === null) continue;
    const tokenSha256 = String(row["token_sha256"]);
    state.devices.set(device, { tokenSha256, online: row["online"] === 1, sinceMs: Number(row["since_ms"]) });
  }
  for (const row of sql.exec("SELECT * FROM members")) {
    const user = parseId("user", row["user"]);
    const role = parseRole(row["role"]);
    if (user !== null && role !== null) state.members.set(user, role);
  }
  for (const row of sql.exec("SELECT * FROM api_keys")) {
    const user = parseId("user", row["user"]);
    const key = { sha256: String(row["sha256"]), sid: String(row["sid"]), expiresAtMs: Number(row["expires_at_ms"]) };
    if (user !== null) state.apiKeys.set(user, key);
  }
  for (const row of sql.exec("SELECT * FROM group_content")) {
    const group = parseId("group", row["id"]);
    if (group === null) continue;
    const devices = (JSON.parse(String(row["devices"])) as unknown[]).flatMap((id) => parseId("device", id) ?? []);
    const members = (JSON.parse(String(row["members"])) as unknown[]).flatMap((id) => parseId("user", id) ?? []);
    state.groups.set(group, { devices: new Set(devices), members: new Set(members) });
  }
  for (const row of sql.exec("SELECT * FROM ended_sids"))
    state.endedSids.set(String(row["sid"]), Number(row["until_ms"]));
}

function loadSessions(sql: SqlStorage): Map<string, Session> {
  const sessions = new Map<string, Session>();
  for (const row of sql.exec("SELECT * FROM sessions")) {
    const principal = principalOf(row["principal"]);
    if (principal === null) continue;
    const session = newSession(principal, String(row["client_id"]), Number(row["expiry_s"]));
    session.socket = row["socket"] === null ? null : String(row["socket"]);
    session.disconnectedAtMs = Number(row["disconnected_at_ms"]);
    session.will = willOf(row);
    session.willDueAtMs = numberOrNull(row["will_due_at_ms"]);
    sessions.set(session.key, session);
  }
  return sessions;
}

function willOf(row: Row): Session["will"] {
  if (row["will_topic"] === null) return null;
  return {
    topic: String(row["will_topic"]),
    payload: bytesOf(row["will_payload"]),
    qos: qosOf(row["will_qos"]),
    retain: row["will_retain"] === 1,
    properties: propertiesOf(row["will_properties"]),
  };
}

function loadSubscriptions(sql: SqlStorage, sessions: ReadonlyMap<string, Session>): void {
  for (const row of sql.exec("SELECT * FROM subscriptions")) {
    const text = String(row["text"]);
    const spec = parseSubscription(text);
    if (spec === null) continue;
    sessions.get(String(row["key"]))?.subscriptions.set(text, {
      spec,
      qos: qosOf(row["qos"]),
      noLocal: row["no_local"] === 1,
      retainAsPublished: row["retain_as_published"] === 1,
      retainHandling: retainHandlingOf(row["retain_handling"]),
      identifier: numberOrNull(row["identifier"]),
    });
  }
}

/** What is on its way to each session, in order. */
function loadMessages(sql: SqlStorage, state: BrokerState, sessions: ReadonlyMap<string, Session>): void {
  for (const row of sql.exec(
    `SELECT key, seq, packet_id, qos, expires_at_ms, ${weight} FROM messages ORDER BY key, seq`,
  )) {
    const message = {
      seq: Number(row["seq"]),
      qos: qosOf(row["qos"]),
      bytes: Number(row["bytes"]),
      expiresAtMs: numberOrNull(row["expires_at_ms"]),
    };
    state.nextSeq = Math.max(state.nextSeq, message.seq + 1);
    const session = sessions.get(String(row["key"]));
    if (session === undefined) continue;
    const packetId = numberOrNull(row["packet_id"]);
    if (packetId === null) {
      session.queue.push(message);
      session.queueBytes += message.bytes;
    } else {
      session.inflight.set(packetId, { ...message, sent: true });
      session.inflightBytes += message.bytes;
    }
  }
}

/** Where each session's QoS 2 exchanges stand. */
function loadExchanges(sql: SqlStorage, state: BrokerState, sessions: ReadonlyMap<string, Session>): void {
  for (const row of sql.exec("SELECT key, packet_id, seq FROM releases ORDER BY key, seq")) {
    state.nextSeq = Math.max(state.nextSeq, Number(row["seq"]) + 1);
    sessions.get(String(row["key"]))?.released.add(Number(row["packet_id"]));
  }
  for (const row of sql.exec("SELECT key, packet_id FROM received"))
    sessions.get(String(row["key"]))?.received.add(Number(row["packet_id"]));
}

function loadRetained(sql: SqlStorage, state: BrokerState): void {
  for (const row of sql.exec(`SELECT topic, device, expires_at_ms, ${weight} FROM retained`)) {
    const device = parseId("device", row["device"]);
    const topic = parseTopicName(String(row["topic"]));
    if (device === null || topic === null) continue;
    const topics = state.retained.get(device) ?? new Map<TopicName, RetainedEntry>();
    const bytes = Number(row["bytes"]);
    topics.set(topic, { bytes, expiresAtMs: numberOrNull(row["expires_at_ms"]) });
    state.retained.set(device, topics);
    state.retainedBytes += bytes;
  }
}

function principalOf(text: SqlStorageValue | undefined): Principal | null {
  const device = parseId("device", text);
  if (device !== null) return { kind: "device", device };
  const user = parseId("user", text);
  return user === null ? null : { kind: "user", user };
}

function retainHandlingOf(value: SqlStorageValue | undefined): RetainHandling {
  return value === 1 || value === 2 ? value : 0;
}
