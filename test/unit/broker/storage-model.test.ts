import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Properties } from "../../../core/mqtt/properties.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { StoredMessage, Write } from "../../../durable-objects/tenant-hub/broker/events.ts";
import { expiryNever, type Message, newSession } from "../../../durable-objects/tenant-hub/broker/session.ts";
import type { JournalBounds } from "../../../durable-objects/tenant-hub/journal.ts";
import { OutboxStore } from "../../../durable-objects/tenant-hub/outbox-store.ts";
import { HubStorage } from "../../../durable-objects/tenant-hub/storage.ts";
import { deviceId, org, topicOf } from "./harness.ts";
import { Died, NodeSql } from "./node-sql.ts";
import { memoryOf, StorageModel } from "./storage-model.ts";

const sessions = ["a", "b", "ü – 設備"].map((client, n) =>
  newSession({ kind: "device", device: deviceId(n % 2) }, client, expiryNever),
);
const topics = ["x", "y", "größe", "🚪", "🚫"].map((name) => topicOf(deviceId(1), name) as TopicName);
/** Objects, so that some messages of a tick share one. */
const payloads = ["", "payload", "x".repeat(300)].map((text) => new TextEncoder().encode(text));
const bounds: readonly JournalBounds[] = [
  { bytesMin: 1, bytesMax: 1, rowsMax: 1, pendingMax: 1 },
  { bytesMin: 100, bytesMax: 400, rowsMax: 4, pendingMax: 6 },
  { bytesMin: 100, bytesMax: 4000, rowsMax: 100, pendingMax: 100 },
  { bytesMin: 1_000_000, bytesMax: 1_000_000, rowsMax: 1000, pendingMax: 1000 },
];

const properties: fc.Arbitrary<Properties | null> = fc.option(
  fc.record(
    {
      contentType: fc.string({ maxLength: 5 }).filter((text) => text.isWellFormed() && !text.includes("\0")),
      correlationData: fc.uint8Array({ maxLength: 5 }),
      userProperties: fc.constant([
        ["name", "one"],
        ["name", "two"],
      ] as const),
      subscriptionIdentifiers: fc.constant([1, 268_435_455]),
    },
    { requiredKeys: [] },
  ),
  { freq: 2 },
);
const message: fc.Arbitrary<Message> = fc.record({
  topic: fc.constantFrom(...topics),
  payload: fc.constantFrom(...payloads),
  qos: fc.constantFrom<0 | 1 | 2>(1, 2, 0),
  retain: fc.boolean(),
  properties,
  expiresAtMs: fc.option(fc.constant(1_790_000_000_123)),
});
const who = fc.constantFrom(...sessions);
const n = fc.nat({ max: 20 });

type Action =
  | { readonly act: "put"; readonly who: (typeof sessions)[number]; readonly message: Message; readonly sent: boolean }
  | { readonly act: "fan"; readonly message: Message }
  | { readonly act: "sent" | "acknowledged" | "released" | "pubcomp" | "pubrel" | "unretained"; readonly n: number }
  | { readonly act: "received" | "end"; readonly who: (typeof sessions)[number]; readonly n: number }
  | { readonly act: "retain"; readonly message: Message }
  | { readonly act: "record" | "drain" | "park"; readonly n: number }
  | { readonly act: "commit" | "flush" | "evict" | "crash" }
  | { readonly act: "die"; readonly statements: number };

const act = <const T extends string>(...names: T[]) => fc.constantFrom(...names);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: act("put"), who, message, sent: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ act: act("fan"), message }) },
  { weight: 16, arbitrary: fc.record({ act: act("sent", "acknowledged", "acknowledged", "released", "pubcomp"), n }) },
  { weight: 4, arbitrary: fc.record({ act: act("pubrel", "unretained"), n }) },
  { weight: 4, arbitrary: fc.record({ act: act("received", "received", "received", "end"), who, n }) },
  { weight: 3, arbitrary: fc.record({ act: act("retain"), message }) },
  { weight: 4, arbitrary: fc.record({ act: act("record", "record", "drain", "park"), n }) },
  { weight: 8, arbitrary: fc.record({ act: act("commit", "commit", "commit", "evict", "flush", "crash") }) },
  {
    weight: 5,
    arbitrary: fc.record({ act: act("die"), statements: fc.oneof(fc.nat({ max: 2 }), fc.nat({ max: 15 })) }),
  },
);

class World {
  readonly sql = new NodeSql();
  private readonly bounds: JournalBounds;
  private storage: HubStorage;
  private outbox: OutboxStore;
  /** With what is staged; without it. */
  private now = new StorageModel();
  private committed = new StorageModel();
  private seq = 1;
  readonly seen = { died: 0, rolledBack: 0 };

  constructor(bounds: JournalBounds) {
    this.bounds = bounds;
    this.storage = this.open();
    this.outbox = new OutboxStore(this.sql as never);
    for (const session of sessions) this.write({ kind: "put_session", session });
    this.commit();
  }

  private open(): HubStorage {
    return new HubStorage(this.sql as never, this.sql.transaction, this.bounds);
  }

  private write(...writes: Write[]): void {
    for (const write of writes) this.now.apply(write);
    this.storage.stage(writes);
  }

  private commit(): void {
    this.storage.commit();
    this.committed = this.now.copy();
  }

  perform(action: Action): void {
    const { now } = this;
    switch (action.act) {
      case "put":
        this.put(action.who.key, action.message, action.sent);
        return;
      case "fan":
        for (const { key } of sessions) this.put(key, { ...action.message }, true);
        return;
      case "sent":
      case "acknowledged":
      case "released": {
        const [seq, stored] = pick([...now.messages], action.n) ?? [];
        if (seq === undefined || stored === undefined) return;
        const key = stored.key as never;
        if (action.act === "sent") {
          if (stored.packetId === null) this.write({ kind: "set_packet_id", key, seq, packetId: this.freeId(key) });
          return;
        }
        this.write({ kind: "delete_message", key, seq });
        if (action.act === "released")
          this.write({ kind: "put_release", key, packetId: this.freeId(key), seq: this.seq++ });
        return;
      }
      case "pubcomp": {
        const release = pick([...now.releases.values()], action.n);
        if (release !== undefined)
          this.write({ kind: "delete_release", key: release.key as never, packetId: release.packetId });
        return;
      }
      case "received":
        if (!now.received.has(`${action.who.key} ${action.n}`))
          this.write({ kind: "put_received", key: action.who.key, packetId: action.n });
        return;
      case "pubrel": {
        const received = pick([...now.received.values()], action.n);
        if (received !== undefined)
          this.write({ kind: "delete_received", key: received.key as never, packetId: received.packetId });
        return;
      }
      case "end":
        this.write({ kind: "delete_session", key: action.who.key }, { kind: "put_session", session: action.who });
        return;
      case "retain":
        this.write({ kind: "put_retained", device: deviceId(1), message: { ...action.message, retain: true } });
        return;
      case "unretained": {
        const topic = pick([...now.retained.keys()], action.n);
        if (topic !== undefined) this.write({ kind: "delete_retained", topic: topic as TopicName });
        return;
      }
      default:
        this.performRest(action);
    }
  }

  private performRest(action: Action): void {
    if (action.act === "record") {
      const record = { kind: "presence", device: deviceId(1), online: true, at: `${action.n}\n${this.seq}` } as const;
      this.write({ kind: "append_outbox", record, json: JSON.stringify(record), bytes: 10 + action.n });
    } else if (action.act === "drain" || action.act === "park") this.drain(action.act, action.n);
    else if (action.act === "die") this.die(action.statements);
    else if (action.act === "crash") this.reopen();
    else {
      this.commit();
      if (action.act === "flush") this.storage.flush();
      if (action.act === "evict") this.reopen();
    }
  }

  private put(key: string, message: Message, sent: boolean): void {
    const packetId = sent ? this.freeId(key) : null;
    this.write({ kind: "put_message", key: key as never, seq: this.seq++, packetId, message });
  }

  private freeId(key: string): number {
    const taken = new Set([...this.now.messages.values()].map(({ packetId }) => packetId));
    for (let id = 1; ; id += 1) if (!taken.has(id) && !this.now.releases.has(`${key} ${id}`)) return id;
  }

  /** The outbox only knows what was committed. */
  private drain(act: "drain" | "park", n: number): void {
    this.commit();
    const rows = this.outbox.peek(1000, Number.POSITIVE_INFINITY);
    const gone = act === "park" ? rows.slice(n % 7, (n % 7) + 1) : rows.filter((_, at) => (at + n) % 3 === 0);
    this.sql.transaction(() => {
      if (act === "drain") this.outbox.remove(gone);
      else for (const row of gone) this.outbox.park(row, n);
    });
    const left = new Set(gone.map(({ seq }) => seq));
    this.now.outbox = this.now.outbox.filter(({ seq }) => !left.has(seq));
    this.committed = this.now.copy();
  }

  /** The object dies in the middle of a commit or of the checkpoint behind it. */
  private die(statements: number): void {
    this.sql.statementsLeft = statements;
    try {
      this.storage.commit();
      this.storage.flush();
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      this.seen.died += 1;
    }
    this.sql.statementsLeft = Number.POSITIVE_INFINITY;
    const before = this.committed;
    try {
      this.committed = this.now.copy();
      this.reopen();
    } catch {
      // All or nothing: then it must be what was there before.
      this.seen.rolledBack += 1;
      this.committed = before;
      this.reopen();
    }
  }

  private reopen(): void {
    this.now = this.committed.copy();
    this.storage = this.open();
    this.check();
    const state = this.storage.load(org);
    expect(memoryOf(state)).toEqual(this.now.memory());
    expect(state.nextSeq).toBeGreaterThanOrEqual(this.now.nextSeq);
    this.seq = Math.max(this.seq, state.nextSeq);
    this.check();
  }

  /** What can be read is what the model holds, staged or not. */
  check(): void {
    const seqs = Array.from({ length: this.seq }, (_, seq) => seq).reverse();
    for (const { key } of sessions) {
      const stored: StoredMessage[] = seqs.flatMap((seq) => {
        const own = this.now.messages.get(seq);
        return own?.key === key ? { seq, packetId: own.packetId, message: own.message } : [];
      });
      expect(this.storage.messages(key, seqs)).toEqual(stored);
    }
    const retained = topics.flatMap((topic) => this.now.retained.get(topic)?.message ?? []);
    expect(this.storage.retained(topics)).toEqual(retained);
    const records = this.outbox.peek(1000, Number.POSITIVE_INFINITY);
    expect(records.map(({ seq, record, bytes }) => ({ seq, json: JSON.stringify(record), bytes }))).toEqual(
      this.committed.outbox,
    );
  }
}

function pick<T>(items: readonly T[], n: number): T | undefined {
  return items[n % Math.max(1, items.length)];
}

describe("storage, whatever is written and wherever the object dies", () => {
  it.each(bounds)(
    "says what a plain model says, with a checkpoint at $rowsMax rows or $pendingMax entries",
    (bound) => {
      const seen = { died: 0, rolledBack: 0 };
      fc.assert(
        fc.property(fc.array(action, { minLength: 10, maxLength: 80, size: "max" }), (actions) => {
          const world = new World(bound);
          for (const each of actions) {
            world.perform(each);
            world.check();
          }
          world.perform({ act: "evict" });
          seen.died += world.seen.died;
          seen.rolledBack += world.seen.rolledBack;
        }),
        { numRuns: 100 },
      );
      // The runs went where it is hard, or they prove nothing.
      expect(seen.died).toBeGreaterThan(20);
      expect(seen.rolledBack).toBeGreaterThan(5);
    },
    60_000,
  );
});
