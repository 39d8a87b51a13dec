import { describe, expect, it } from "vitest";
import { expiryNever } from "../../../durable-objects/tenant-hub/broker/session.ts";
import { OutboxStore } from "../../../durable-objects/tenant-hub/outbox-store.ts";
import { HubStorage } from "../../../durable-objects/tenant-hub/storage.ts";
import { deviceId, org, topicOf, userId } from "./harness.ts";
import { Died, NodeSql } from "./node-sql.ts";

/** The tables as version 1 made them, word for word. */
const versionOne = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS devices (
  device TEXT PRIMARY KEY, token_sha256 TEXT NOT NULL, online INTEGER NOT NULL, since_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS devices_by_token ON devices (token_sha256);
CREATE TABLE IF NOT EXISTS members (user TEXT PRIMARY KEY, role TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS group_content (id TEXT PRIMARY KEY, devices TEXT NOT NULL, members TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended_sids (sid TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
  key TEXT PRIMARY KEY, principal TEXT NOT NULL, client_id TEXT NOT NULL, clean INTEGER NOT NULL, socket TEXT,
  disconnected_at_ms INTEGER NOT NULL, will_topic TEXT, will_payload BLOB, will_qos INTEGER, will_retain INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscriptions (
  key TEXT NOT NULL, text TEXT NOT NULL, qos INTEGER NOT NULL, PRIMARY KEY (key, text)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
  key TEXT NOT NULL, seq INTEGER NOT NULL, packet_id INTEGER, qos INTEGER NOT NULL, retain INTEGER NOT NULL,
  topic TEXT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (key, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS releases (
  key TEXT NOT NULL, packet_id INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, packet_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS received (
  key TEXT NOT NULL, packet_id INTEGER NOT NULL, PRIMARY KEY (key, packet_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retained (
  topic TEXT PRIMARY KEY, device TEXT NOT NULL, qos INTEGER NOT NULL, payload BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS partials (
  socket TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (socket, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox_parked (
  seq INTEGER PRIMARY KEY, record TEXT NOT NULL, parked_at_ms INTEGER NOT NULL
);
`;

const [device, user] = [deviceId(1), userId(1)];
const [lasting, clean] = [`${device} lasting`, `${user} clean`];
const topic = topicOf(device, "x");
const bytes = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer;

/** A database that version 1 left, with something in every table. */
function oldDatabase(): NodeSql {
  const sql = new NodeSql();
  sql.exec(versionOne);
  sql.exec("INSERT INTO meta VALUES ('org', ?)", org);
  sql.exec("INSERT INTO devices VALUES (?, 'hash', 1, 5)", device);
  sql.exec("INSERT INTO members VALUES (?, 'owner')", user);
  sql.exec(
    "INSERT INTO sessions VALUES (?, ?, 'lasting', 0, 'socket', 7, ?, ?, 1, 1)",
    lasting,
    device,
    topic,
    bytes("w"),
  );
  sql.exec("INSERT INTO sessions VALUES (?, ?, 'clean', 1, NULL, 8, NULL, NULL, NULL, NULL)", clean, user);
  sql.exec("INSERT INTO subscriptions VALUES (?, ?, 2)", lasting, topic);
  sql.exec("INSERT INTO messages VALUES (?, 4, 1, 1, 0, ?, ?)", lasting, topic, bytes("sent"));
  sql.exec("INSERT INTO messages VALUES (?, 5, NULL, 2, 0, ?, ?)", lasting, topic, bytes("waits"));
  sql.exec("INSERT INTO releases VALUES (?, 9, 6)", lasting);
  sql.exec("INSERT INTO received VALUES (?, 3)", lasting);
  sql.exec("INSERT INTO retained VALUES (?, ?, 1, ?)", topic, device, bytes("kept"));
  sql.exec("INSERT INTO partials VALUES ('socket', 1, ?)", bytes("half"));
  for (const n of [1, 2, 3]) sql.exec("INSERT INTO outbox (record, bytes) VALUES (?, ?)", `{"n":${n}}`, 70 + n);
  sql.exec("DELETE FROM outbox WHERE seq = 3");
  sql.exec("INSERT INTO outbox_parked VALUES (3, '{}', 1)");
  return sql;
}

const open = (sql: NodeSql): HubStorage => new HubStorage(sql as never, sql.transaction);

function columns(sql: NodeSql): unknown {
  const tables = sql.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
  return tables.map(({ name }) => [
    name,
    sql.rows(`SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info('${String(name)}') ORDER BY name`),
  ]);
}

describe("tables that an earlier release wrote", () => {
  it("open with everything that was in them", () => {
    const sql = oldDatabase();
    const storage = open(sql);
    expect(storage.org()).toBe(org);
    const state = storage.load(org);
    expect(state.devices.get(device)).toEqual({ tokenSha256: "hash", online: true, sinceMs: 5 });
    expect(state.members.get(user)).toBe("owner");
    const [one, two] = [state.sessions.get(lasting as never), state.sessions.get(clean as never)];
    expect([one?.expirySeconds, two?.expirySeconds]).toEqual([expiryNever, 0]);
    expect(one).toMatchObject({ socket: "socket", attached: null, disconnectedAtMs: 7, willDueAtMs: null, unsent: 0 });
    expect(one?.will).toEqual({ topic, payload: new Uint8Array(bytes("w")), qos: 1, retain: true, properties: null });
    expect([...(one?.subscriptions ?? [])]).toEqual([
      [
        topic,
        {
          spec: { share: null, filter: topic },
          qos: 2,
          noLocal: false,
          retainAsPublished: false,
          retainHandling: 0,
          identifier: null,
        },
      ],
    ]);
    const weight = (text: string): number => text.length + topic.length + 64;
    expect([...(one?.inflight ?? [])]).toEqual([
      [1, { seq: 4, qos: 1, bytes: weight("sent"), expiresAtMs: null, sent: true }],
    ]);
    expect([...(one?.queue ?? [])]).toEqual([{ seq: 5, qos: 2, bytes: weight("waits"), expiresAtMs: null }]);
    expect([one?.inflightBytes, one?.queueBytes]).toEqual([weight("sent"), weight("waits")]);
    expect([...(one?.released ?? []), ...(one?.received ?? [])]).toEqual([9, 3]);
    expect(state.retained.get(device)?.get(topic as never)).toEqual({ bytes: weight("kept"), expiresAtMs: null });
    expect([state.retainedBytes, state.nextSeq, state.outboxBytes]).toEqual([weight("kept"), 7, 71 + 72]);
    const message = { topic, payload: new Uint8Array(bytes("waits")), qos: 2, retain: false };
    expect(storage.messages(lasting as never, [5])).toEqual([
      { seq: 5, packetId: null, message: { ...message, properties: null, expiresAtMs: null } },
    ]);
    expect(storage.retained([topic as never])).toMatchObject([{ payload: new Uint8Array(bytes("kept")) }]);
    expect(storage.partial("socket")).toEqual([new Uint8Array(bytes("half"))]);
  });

  it("keep their outbox in order, and its numbers go on", () => {
    const sql = oldDatabase();
    const storage = open(sql);
    storage.stage([4, 5].map((n) => ({ kind: "append_outbox", record: {} as never, json: `{"n":${n}}`, bytes: n })));
    storage.commit();
    const outbox = new OutboxStore(sql as never);
    const expected = [1, 2, 4, 5].map((n) => ({ seq: n, record: { n }, bytes: n < 3 ? 70 + n : n }));
    expect(outbox.peek(9, 1e9)).toEqual(expected);
    outbox.remove(outbox.peek(1, 1e9));
    expect(outbox.peek(9, 1e9)).toEqual(expected.slice(1));
  });

  it("become the tables that a new object has, and stay them", () => {
    const [migrated, made] = [oldDatabase(), new NodeSql()];
    for (const sql of [migrated, made]) open(sql);
    expect(columns(migrated)).toEqual(columns(made));
    const before = columns(migrated);
    open(migrated).load(org);
    expect(columns(migrated)).toEqual(before);
    expect(migrated.count("sessions")).toBe(2);
  });

  it("are whole after a death at any statement of the change", () => {
    for (let statements = 0; ; statements += 1) {
      const sql = oldDatabase();
      sql.statementsLeft = statements;
      let died = false;
      try {
        open(sql);
      } catch (error) {
        if (!(error instanceof Died)) throw error;
        died = true;
      }
      sql.statementsLeft = Number.POSITIVE_INFINITY;
      const state = open(sql).load(org);
      expect([state.sessions.size, state.retained.size, state.nextSeq]).toEqual([2, 1, 7]);
      if (!died) {
        expect(statements).toBeGreaterThan(3);
        return;
      }
    }
  });

  it("learn of API keys, which go with their member", () => {
    const sql = oldDatabase();
    open(sql);
    sql.exec("INSERT INTO api_keys VALUES (?, 'hash', 'ses_1', 9)", user);
    const state = open(sql).load(org);
    expect(state.apiKeys).toEqual(new Map([[user, { sha256: "hash", sid: "ses_1", expiresAtMs: 9 }]]));
  });

  it("are refused when a later release wrote them", () => {
    const sql = new NodeSql();
    open(sql);
    sql.exec("UPDATE meta SET value = '4' WHERE key = 'schema'");
    expect(() => open(sql)).toThrow("version 4");
  });
});
