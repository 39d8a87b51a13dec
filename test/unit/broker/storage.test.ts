import { describe, expect, it } from "vitest";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { Write } from "../../../durable-objects/tenant-hub/broker/events.ts";
import { expiryNever, type Message, newSession } from "../../../durable-objects/tenant-hub/broker/session.ts";
import { journalBounds, rowBytesMax } from "../../../durable-objects/tenant-hub/journal.ts";
import { HubStorage } from "../../../durable-objects/tenant-hub/storage.ts";
import { deviceId, org, topicOf } from "./harness.ts";
import { NodeSql } from "./node-sql.ts";

const device = deviceId(1);
const session = newSession({ kind: "device", device }, "reader", expiryNever);
const { key } = session;
const topic = topicOf(device, "x") as TopicName;

function message(payload: Uint8Array): Message {
  return { topic, payload, qos: 1, retain: false, properties: null, expiresAtMs: null };
}

const put = (seq: number, payload: Uint8Array, to = key): Write => ({
  kind: "put_message",
  key: to,
  seq,
  packetId: (seq % 0xffff) + 1,
  message: message(payload),
});
const remove = (seq: number): Write => ({ kind: "delete_message", key, seq });
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, n) => from + n);

class Scene {
  readonly sql = new NodeSql();
  storage = this.open();

  open(bounds = journalBounds): HubStorage {
    return new HubStorage(this.sql as never, this.sql.transaction, bounds);
  }

  commit(...writes: Write[]): void {
    this.storage.stage(writes);
    this.storage.commit();
  }

  /** The statements of what is done. */
  statements(work: () => void): string[] {
    this.sql.statements.length = 0;
    work();
    return [...this.sql.statements];
  }

  /** Sizes of the rows that count. */
  rows(): number[] {
    const query = "SELECT length(data) AS size FROM journal WHERE epoch = (SELECT max(epoch) FROM journal) ORDER BY id";
    return this.sql.rows(query).map(({ size }) => Number(size));
  }
}

describe("the hub's storage", () => {
  it("stores a tick in one statement, however many messages it has", () => {
    const scene = new Scene();
    const payload = new Uint8Array(128);
    for (const count of [1, 500]) {
      const statements = scene.statements(() => scene.commit(...range(count, count).map((seq) => put(seq, payload))));
      expect(statements).toEqual(["INSERT OR REPLACE INTO journal (id, epoch, data) VALUES (?, ?, ?)"]);
    }
    expect(scene.statements(() => scene.commit())).toEqual([]);
  });

  it("never brings to the tables what was delivered before the checkpoint, nor deletes a row of the journal", () => {
    const scene = new Scene();
    const statements = scene.statements(() => {
      for (let tick = 0; tick < 3000; tick += 1) {
        const writes = range(tick * 20, 20).map((seq) => put(seq + 1, new Uint8Array(128).fill(seq)));
        const delivered = range((tick - 3) * 20, 20).filter((seq) => seq >= 0);
        scene.commit(...writes, ...delivered.map((seq) => remove(seq + 1)));
      }
    });
    expect(new Set(statements)).toEqual(new Set(["INSERT OR REPLACE INTO journal (id, epoch, data) VALUES (?, ?, ?)"]));
    expect(scene.sql.rows("SELECT max(epoch) AS epoch FROM journal")[0]).not.toEqual({ epoch: 0 });
    scene.commit(...range(2997 * 20, 60).map((seq) => remove(seq + 1)));
    const flush = scene.statements(() => scene.storage.flush());
    expect(flush.filter((statement) => !statement.includes("journal"))).toEqual([]);
  }, 600_000);

  it("stays short when nothing waits: a wake has one empty row to read", () => {
    const scene = new Scene();
    scene.storage = scene.open({ ...journalBounds, rowsMax: 4 });
    for (let tick = 1; tick <= 5; tick += 1) scene.commit(put(tick, new Uint8Array(9)), remove(tick));
    expect(scene.rows()).toEqual([1]);
    for (let tick = 6; tick <= 8; tick += 1) scene.commit(put(tick, new Uint8Array(9)));
    scene.storage.flush();
    expect([scene.rows(), scene.sql.count("messages")]).toEqual([[1], 3]);
  });

  it("carries what waits over a checkpoint once, and a backlog to the tables", () => {
    const scene = new Scene();
    scene.storage = scene.open({ bytesMin: 10_000, bytesMax: 40_000, rowsMax: 1000, pendingMax: 1000 });
    const before = scene.statements(() => {
      for (let seq = 1; seq <= 300; seq += 1) {
        scene.commit(put(seq, new Uint8Array(1000)));
        if (seq > 5) scene.commit(remove(seq - 5));
      }
    });
    expect(before.filter((statement) => statement.includes("messages"))).toEqual([]);
    expect(scene.rows().reduce((sum, size) => sum + size, 0)).toBeLessThan(25_000);
    for (let seq = 301; seq <= 360; seq += 1) scene.commit(put(seq, new Uint8Array(1000)));
    expect(scene.sql.count("messages")).toBeGreaterThan(30);
    const found = scene
      .open()
      .messages(key, range(290, 100))
      .map(({ seq }) => seq);
    expect(found).toEqual(range(296, 65));
  });

  it("has a payload that goes to many sessions once", () => {
    const scene = new Scene();
    const payload = new Uint8Array(10_000).fill(7);
    const keys = range(0, 200).map((n) => newSession({ kind: "device", device }, `reader ${n}`, 0).key);
    scene.commit(...keys.map((to, n) => put(n + 1, payload, to)));
    expect(scene.rows()).toHaveLength(1);
    expect(scene.rows()[0]).toBeLessThan(25_000);
    // Still once, when a checkpoint has carried it.
    scene.storage = scene.open({ ...journalBounds, rowsMax: 1 });
    scene.commit(put(300, new Uint8Array(1)));
    expect(scene.rows()[0]).toBeLessThan(25_000);
    for (const storage of [scene.storage, scene.open()])
      for (const [n, to] of keys.entries())
        expect(storage.messages(to, [n + 1])).toEqual([{ seq: n + 1, packetId: n + 2, message: message(payload) }]);
  });

  it("splits a tick that is larger than a value may be, and stores all of it or nothing", () => {
    const scene = new Scene();
    const writes = range(1, 80).map((seq) => put(seq, new Uint8Array(64 * 1024).fill(seq)));
    scene.storage.stage(writes);
    scene.sql.statementsLeft = 3;
    expect(() => scene.storage.commit()).toThrow();
    scene.sql.statementsLeft = Number.POSITIVE_INFINITY;
    expect(scene.rows()).toEqual([]);
    scene.storage = scene.open();
    scene.commit(...writes);
    const sizes = scene.rows();
    expect(sizes).toHaveLength(5);
    expect(Math.max(...sizes)).toBeLessThan(rowBytesMax + 70 * 1024);
    const found = scene.open().messages(key, range(1, 80));
    expect(found.map(({ seq, message: { payload } }) => [seq, payload.length, payload[0], payload.at(-1)])).toEqual(
      range(1, 80).map((seq) => [seq, 64 * 1024, seq, seq]),
    );
  });

  it("reads what is in the journal without a statement, and never what the next tick wrote over it", () => {
    const scene = new Scene();
    const first = new Uint8Array(50).fill(1);
    const retained: Message = { ...message(new Uint8Array(50).fill(2)), retain: true };
    scene.storage.stage([put(1, first), { kind: "put_retained", device, message: retained }]);
    let read: unknown[] = [];
    const statements = scene.statements(() => {
      read = [scene.storage.messages(key, [1]), scene.storage.retained([topic])];
    });
    scene.commit();
    scene.commit(put(2, new Uint8Array(200).fill(9)));
    expect(statements).toEqual([]);
    expect(read).toEqual([[{ seq: 1, packetId: 2, message: message(first) }], [retained]]);
    expect(scene.storage.messages(key, [1])).toEqual([{ seq: 1, packetId: 2, message: message(first) }]);
  });

  it("keeps no received frame alive, nor changes with it", () => {
    const scene = new Scene();
    const frame = new Uint8Array(1000).fill(3);
    scene.commit(put(1, frame.subarray(10, 20)));
    frame.fill(0);
    const [stored] = scene.storage.messages(key, [1]);
    expect(stored?.message.payload).toEqual(new Uint8Array(10).fill(3));
  });

  it("refuses a journal of a later release", () => {
    const scene = new Scene();
    scene.sql.exec("INSERT INTO journal VALUES (1, 1, ?)", new Uint8Array([2]));
    expect(() => scene.open()).toThrow("later release");
  });

  it("keeps a session's will, its expiry and the options of its subscriptions", () => {
    const scene = new Scene();
    const whole = newSession({ kind: "device", device }, "whole", 3600);
    whole.willDueAtMs = 1234;
    whole.disconnectedAtMs = 34;
    const properties = { willDelayInterval: 5, contentType: "text" };
    whole.will = { topic, payload: new Uint8Array([1, 2]), qos: 2, retain: true, properties };
    const spec = { share: "group", filter: topic as never };
    const subscription = {
      qos: 2,
      noLocal: false,
      retainAsPublished: true,
      retainHandling: 2,
      identifier: 77,
    } as const;
    const text = `$share/group/${topic}`;
    scene.commit(
      { kind: "put_session", session: whole },
      { kind: "put_subscription", key: whole.key, text, subscription: { spec, ...subscription } },
    );
    const loaded = scene.open().load(org);
    expect(loaded.sessions.get(whole.key)).toEqual({
      ...whole,
      subscriptions: new Map([[text, { spec, ...subscription }]]),
    });
    expect(loaded.index.match(topic, device)).toHaveLength(1);
  });
});
