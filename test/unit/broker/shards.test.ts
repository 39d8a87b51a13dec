import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DeviceId, makeId } from "../../../core/ids.ts";
import type { QoS } from "../../../core/mqtt/packets.ts";
import { parseSubscription, parseTopicFilter, type TopicFilter } from "../../../core/topics/topic-filter.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { DeviceBundle } from "../../../durable-objects/tenant-hub/broker/handover.ts";
import type { Message } from "../../../durable-objects/tenant-hub/broker/session.ts";
import { decodeBundle, encodeBundle } from "../../../durable-objects/tenant-hub/shards/bundle-codec.ts";
import {
  allHomes,
  countsAfter,
  formerHomes,
  formerHomesOf,
} from "../../../durable-objects/tenant-hub/shards/counts.ts";
import { ForeignInterest } from "../../../durable-objects/tenant-hub/shards/foreign-interest.ts";
import {
  homeIndex,
  homeName,
  homeNames,
  parseHubName,
  parseShardCount,
} from "../../../durable-objects/tenant-hub/shards/home.ts";
import { emptyDigest, Interest, type InterestChange } from "../../../durable-objects/tenant-hub/shards/interest.ts";
import { InterestPeer } from "../../../durable-objects/tenant-hub/shards/interest-peer.ts";
import { decodeRelayed, encodeRelayed, type Relayed } from "../../../durable-objects/tenant-hub/shards/relay-codec.ts";
import {
  looseBytesMax,
  type RelayBatch,
  RelayRunner,
} from "../../../durable-objects/tenant-hub/shards/relay-runner.ts";
import { RelayStore } from "../../../durable-objects/tenant-hub/shards/relay-store.ts";
import { openShardTables } from "../../../durable-objects/tenant-hub/shards/tables.ts";
import { deviceId, org, topicOf } from "./harness.ts";
import { NodeSql } from "./node-sql.ts";

const random = (seed: number): Uint8Array => new Uint8Array(10).map((_, at) => (seed * 31 + at * 17) & 0xff);
const manyDevices = (count: number): DeviceId[] =>
  Array.from({ length: count }, (_, index) => makeId("device", 1_700_000_000_000 + index, random(index)));
type Sql = ConstructorParameters<typeof RelayStore>[0];
const shardSql = (): Sql => {
  const sql = new NodeSql() as unknown as Sql;
  openShardTables(sql);
  return sql;
};

describe("a device's home", () => {
  it("is the same for ever", () => {
    const known = "dev_01jzq6y2k3fabv5n6p7q8r9s0t" as DeviceId;
    expect([2, 3, 4, 8, 16, 64].map((count) => homeIndex(known, count))).toEqual([0, 2, 3, 5, 9, 9]);
  });

  it("spreads devices that were enrolled one after another evenly", () => {
    for (const count of [2, 4, 7, 64]) {
      const sizes = new Array<number>(count).fill(0);
      for (const device of manyDevices(20_000))
        sizes[homeIndex(device, count)] = (sizes[homeIndex(device, count)] ?? 0) + 1;
      const mean = 20_000 / count;
      // Six standard deviations of a fair draw.
      for (const size of sizes) expect(Math.abs(size - mean)).toBeLessThan(6 * Math.sqrt(mean));
    }
  });

  it("changes for no more devices than must move, and only to the shards that are new", () => {
    const devices = manyDevices(20_000);
    for (const [from, to] of [
      [4, 5],
      [2, 8],
      [16, 17],
    ] as const) {
      const moved = devices.filter((device) => homeIndex(device, from) !== homeIndex(device, to));
      expect(moved.every((device) => homeIndex(device, to) >= from)).toBe(true);
      expect(Math.abs(moved.length / devices.length - (to - from) / to)).toBeLessThan(0.02);
    }
  });

  it("is the organisation's own object when there is one shard", () => {
    expect(homeName(org, deviceId(1), 1)).toBe(org);
    expect(homeNames(org, 1)).toEqual([org]);
    expect(homeNames(org, 2)).toEqual([`${org}:shard:0`, `${org}:shard:1`]);
  });

  it("has a name that says whose it is", () => {
    expect(parseHubName(org)).toEqual({ org, index: null });
    expect(parseHubName(`${org}:shard:3`)).toEqual({ org, index: 3 });
    for (const name of ["", "x", `${org}:`, `${org}:shard:`, `${org}:shard:64`, `${org}:shard:-1`, `${org}:shard:1:2`])
      expect(parseHubName(name)).toBeNull();
  });

  it("follows a setting that is a number from 1 to 64, the same in both units that have it", () => {
    expect([undefined, "", "1", "64"].map(parseShardCount)).toEqual([1, 1, 1, 64]);
    for (const text of ["0", "65", "-1", "2.5", "four", " 4"])
      expect(() => parseShardCount(text)).toThrow("HUB_SHARDS");
    const settings = ["durable-objects", "workers/studio"].map(
      (unit) => /^HUB_SHARDS = "(\d+)"$/m.exec(readFileSync(`${unit}/wrangler.toml`, "utf8"))?.[1],
    );
    expect(settings[0]).toMatch(/^\d+$/);
    expect(settings[1]).toBe(settings[0]);
  });

  it("remembers every number of shards that devices may still live under", () => {
    expect(countsAfter([], 4)).toEqual([4]);
    expect(countsAfter([1], 1)).toEqual([1]);
    expect(countsAfter([1, 4], 2)).toEqual([1, 4, 2]);
    expect(countsAfter([1, 4], 1)).toEqual([4, 1]);
    expect(formerHomes(org, [4])).toEqual([]);
    expect(formerHomes(org, [1, 2, 4])).toEqual([...homeNames(org, 2), org]);
    expect(allHomes(org, [1, 2])).toEqual([org, ...homeNames(org, 2)]);
    for (const device of manyDevices(50)) {
      expect(formerHomesOf(org, device, [4])).toEqual([]);
      expect(formerHomesOf(org, device, [1, 2, 4])).toEqual([homeName(org, device, 2), org]);
    }
  });
});

describe("interest", () => {
  const filters = ["+/notes", "+/status", "a/#", "b/notes", "#"].map(
    (rest) => parseTopicFilter(`sentinel/${org}/devices/${rest}`) as TopicFilter,
  );
  const change = fc.record({
    session: fc.constantFrom("usr_1 a", "usr_1 b", "usr_2 a"),
    filter: fc.constantFrom(...filters),
    action: fc.constantFrom("put", "put", "delete", "end"),
    qos: fc.constantFrom<QoS>(0, 1, 2),
    /** What becomes of the next call to the shard. */
    fate: fc.constantFrom("arrives", "arrives", "is lost", "answer is lost", "shard forgot all", "directory restarts"),
  });

  it("is the same on both sides in the end, whatever was lost, repeated or forgotten between", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
        const model = new Map<string, Map<string, QoS>>();
        let confirmed = emptyDigest;
        let sql = shardSql();
        let shard = new ForeignInterest(sql);
        let fate = "arrives";
        const interest = new Interest((filter) => peer.touch(filter));
        const newPeer = (): InterestPeer =>
          new InterestPeer(
            {
              interest,
              send: async (sent: InterestChange) => {
                const now = fate;
                fate = "arrives";
                if (now === "is lost") throw new Error("lost");
                const applied = shard.apply(sent);
                if (now === "answer is lost") throw new Error("lost");
                return applied;
              },
              confirmed: (digest) => {
                confirmed = digest;
              },
            },
            confirmed,
          );
        let peer = newPeer();
        for (const { session, filter, action, qos, fate: next } of changes) {
          const own = model.get(session) ?? new Map<string, QoS>();
          if (action === "put") {
            interest.put(session, filter, filter, qos);
            model.set(session, own.set(filter, qos));
          } else if (action === "delete") {
            interest.delete(session, filter);
            own.delete(filter);
          } else {
            interest.deleteSession(session);
            model.delete(session);
          }
          fate = next;
          if (next === "shard forgot all") {
            sql = shardSql();
            shard = new ForeignInterest(sql);
            peer.heard(shard.digest);
          }
          if (next === "directory restarts") peer = newPeer();
          await peer.sync();
        }
        fate = "arrives";
        peer.heard(shard.digest);
        expect(await peer.sync()).toBe(true);
        const wanted = new Map<string, QoS>();
        for (const own of model.values())
          for (const [filter, qos] of own) if ((wanted.get(filter) ?? -1) < qos) wanted.set(filter, qos);
        expect(new Map(interest.entries())).toEqual(wanted);
        expect(shard.digest).toBe(interest.digest);
        // And what is stored says the same as memory.
        const reloaded = new ForeignInterest(sql);
        expect(reloaded.digest).toBe(interest.digest);
        for (const device of ["a", "b", "c"]) {
          const topic = `sentinel/${org}/devices/${device}/notes` as TopicName;
          const best = [...wanted].flatMap(([filter, qos]) =>
            [`/+/notes`, `/#`, `/${device}/#`, `/${device}/notes`].some((end) => filter.endsWith(`devices${end}`))
              ? qos
              : [],
          );
          expect(reloaded.qosFor(topic, device)).toBe(best.length === 0 ? null : Math.max(...best));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("of one filter at two QoS is told at the higher one, and falls back when that goes", () => {
    const interest = new Interest(() => {});
    const [filter] = filters as [TopicFilter];
    interest.put("usr_1 a", filter, filter, 1);
    interest.put("usr_2 a", "$share/g/x", filter, 2);
    expect(interest.entries()).toEqual([[filter, 2]]);
    interest.deleteSession("usr_2 a");
    expect(interest.entries()).toEqual([[filter, 1]]);
    interest.delete("usr_1 a", filter);
    expect(interest.digest).toBe(emptyDigest);
  });
});

const message = (device: DeviceId, text: string, qos: QoS = 1): Message => ({
  topic: topicOf(device, "notes") as TopicName,
  payload: new TextEncoder().encode(text),
  qos,
  retain: false,
  properties: null,
  expiresAtMs: null,
});

describe("the relay", () => {
  it("brings messages as they are, in order, in rows that fit a value", () => {
    const relayed: Relayed[] = Array.from({ length: 60 }, (_, index) => ({
      reach: index % 2 === 0 ? "users" : "devices",
      message: {
        ...message(deviceId(index % 3), "x".repeat(40_000) + index, (index % 3) as QoS),
        retain: index % 5 === 0,
        expiresAtMs: index % 4 === 0 ? 5_000_000 + index : null,
        properties: index % 7 === 0 ? { contentType: "text/plain", userProperties: [["a", "b"]] } : null,
      },
    }));
    const rows = encodeRelayed(relayed);
    expect(rows.length).toBeGreaterThan(2);
    for (const row of rows) expect(row.length).toBeLessThan(1024 * 1024);
    expect(rows.flatMap((row) => decodeRelayed(row))).toEqual(relayed);
  });

  it("takes every stored row over in order, once in effect, whatever fails and dies in between", async () => {
    const fates = fc.array(fc.constantFrom("arrives", "is lost", "answer is lost"), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fates, async (plan) => {
        const sender = shardSql();
        const receiver = new RelayStore(shardSql());
        const arrived: number[] = [];
        let now = 0;
        let wakeAt = 0;
        const begin = (): { store: RelayStore; runner: RelayRunner } => {
          const store = new RelayStore(sender);
          const runner = new RelayRunner(
            {
              peek: () => store.peek("b", 0),
              remove: (through) => store.remove("b", through),
              rested: () => {},
              send: async ({ rows }: RelayBatch) => {
                const fate = plan.shift() ?? "arrives";
                if (fate === "is lost") throw new Error("lost");
                for (const { seq, data } of rows.filter(({ seq }) => seq > receiver.mark("a"))) {
                  arrived.push(data[0] ?? -1);
                  receiver.moveMark("a", seq);
                }
                if (fate === "answer is lost") throw new Error("lost");
              },
              wakeAt: (atMs) => {
                wakeAt = atMs;
              },
              gapMs: 4,
              pause: async (ms) => {
                now += ms;
              },
              now: () => now,
              random: () => 0.5,
            },
            store.waiting().has("b"),
          );
          return { store, runner };
        };
        let { store, runner } = begin();
        const settled = async (): Promise<void> => {
          for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
        };
        for (let value = 0; value < 40; value += 1) {
          store.append("b", new Uint8Array([value]));
          runner.stored();
          await settled();
          if (value % 13 === 12) ({ store, runner } = begin());
          now = Math.max(now, wakeAt);
          runner.resume();
          await settled();
        }
        for (let turn = 0; turn < 100 && !runner.isIdle; turn += 1) {
          now = Math.max(now, wakeAt);
          runner.resume();
          await settled();
        }
        expect(arrived).toEqual(Array.from({ length: 40 }, (_, value) => value));
        expect(store.waiting().size).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("has one call under way and gathers the rest into the next; QoS 0 over its bound is dropped", async () => {
    const sent: RelayBatch[] = [];
    let finish: (() => void) | null = null;
    const runner = new RelayRunner(
      {
        peek: () => [],
        remove: () => {},
        rested: () => {},
        send: (batch) => {
          sent.push(batch);
          return new Promise((resolve) => {
            finish = resolve;
          });
        },
        wakeAt: () => {},
        gapMs: 0,
        pause: () => Promise.resolve(),
        now: () => 0,
        random: () => 0,
      },
      false,
    );
    const part = new Uint8Array(1024 * 1024);
    runner.add(part);
    for (let index = 0; index < 20; index += 1) runner.add(part);
    expect(sent.map(({ loose }) => loose.length)).toEqual([1]);
    (finish as (() => void) | null)?.();
    for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
    expect(sent.map(({ loose }) => loose.length)).toEqual([1, looseBytesMax / part.length]);
  });

  it("goes on with what its rest brings", async () => {
    const rows = [{ seq: 1, data: new Uint8Array([1]) }];
    const sent: number[] = [];
    const runner: RelayRunner = new RelayRunner(
      {
        peek: () => rows,
        remove: () => void rows.shift(),
        rested: () => {
          if (sent.length > 1) return;
          rows.push({ seq: 2, data: new Uint8Array([2]) });
          runner.stored();
        },
        send: async (batch) => void sent.push(...batch.rows.map(({ seq }) => seq)),
        wakeAt: () => {},
        gapMs: 0,
        pause: () => Promise.resolve(),
        now: () => 0,
        random: () => 0,
      },
      false,
    );
    runner.stored();
    for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
    expect(sent).toEqual([1, 2]);
    expect(runner.isIdle).toBe(true);
  });

  it("calls at once after a rest, and else no more often than the gap allows", async () => {
    let now = 0;
    const calls: number[] = [];
    const runner = new RelayRunner(
      {
        peek: () => [],
        remove: () => {},
        rested: () => {},
        send: async () => {
          calls.push(now);
        },
        wakeAt: () => {},
        gapMs: 10,
        pause: async (ms) => {
          now += ms;
        },
        now: () => now,
        random: () => 0,
      },
      false,
    );
    for (const atMs of [0, 3, 50, 51]) {
      now = Math.max(now, atMs);
      runner.add(new Uint8Array(1));
      for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
    }
    expect(calls).toEqual([0, 10, 50, 60]);
  });
});

describe("a device's bundle", () => {
  it("comes out as it went in", () => {
    const device = deviceId(7);
    const spec = (text: string) => parseSubscription(text) as NonNullable<ReturnType<typeof parseSubscription>>;
    const shared = `$share/g/${topicOf(device, "commands")}`;
    const big = Array.from({ length: 50 }, (_, index) => ({
      seq: 100 + index,
      packetId: index < 10 ? 60_000 + index : null,
      message: { ...message(device, "y".repeat(50_000) + index, 2), expiresAtMs: 99, properties: { contentType: "a" } },
    }));
    const bundle: DeviceBundle = {
      device,
      entry: { tokenSha256: "ab".repeat(32), online: false, sinceMs: 17 },
      sessions: [
        {
          clientId: "ä client/with spaces",
          expirySeconds: 0xffff_ffff,
          disconnectedAtMs: 5,
          will: {
            topic: topicOf(device, "wills"),
            payload: new Uint8Array([0, 255, 128]),
            qos: 1,
            retain: true,
            properties: { willDelayInterval: 9, correlationData: new Uint8Array([1, 2]) },
          },
          willDueAtMs: 123,
          subscriptions: [
            [
              shared,
              {
                spec: spec(shared),
                qos: 2,
                noLocal: false,
                retainAsPublished: true,
                retainHandling: 1,
                identifier: 268,
              },
            ],
          ],
          messages: big,
          released: [9, 3, 77],
          received: [5, 4],
        },
        {
          clientId: "",
          expirySeconds: 0,
          disconnectedAtMs: 0,
          will: null,
          willDueAtMs: null,
          subscriptions: [],
          messages: [],
          released: [],
          received: [],
        },
      ],
      retained: [{ ...message(device, "kept"), retain: true }],
    };
    const parts = encodeBundle(bundle);
    expect(parts.length).toBeGreaterThan(3);
    for (const part of parts) expect(part.length).toBeLessThan(1.5 * 1024 * 1024);
    const found = decodeBundle(parts);
    const plain = (sessions: DeviceBundle["sessions"]) =>
      sessions.map((session) => ({
        ...session,
        messages: session.messages.map(({ seq, packetId, message: one }) => ({ seq, packetId, message: one })),
      }));
    expect({ ...found, sessions: plain(found.sessions) }).toEqual(bundle);
  });

  it("is refused in parts that are not all there", () => {
    expect(() => decodeBundle([])).toThrow("names no device");
    expect(() => decodeBundle([new Uint8Array([9])])).toThrow("unknown kind");
  });
});
