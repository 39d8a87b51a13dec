import { parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { messageBytes } from "../broker/message.ts";
import type { Message } from "../broker/session.ts";
import type { HubName } from "./home.ts";
import type { Moves } from "./moves.ts";
import { decodeRelayed, encodeRelayed, type Reach, type Relayed } from "./relay-codec.ts";
import { RelayRunner } from "./relay-runner.ts";
import { RelayStore } from "./relay-store.ts";
import { callHub, type ShardCall } from "./shard-call.ts";
import type { ShardHost } from "./shard-host.ts";

/** Stored for one target: 1 GiB of the object's 10. Over it a new message is dropped, as over a session's bound. */
const waitingBytesMax = 1024 * 1024 * 1024;

export interface RelayDependencies {
  readonly host: ShardHost;
  readonly moves: Moves;
  /** What this object tells with each call about the directory's interest; null in the directory itself. */
  readonly digest: () => string | null;
  /** See `RelayRunnerDependencies`. */
  readonly gapMs: number;
  /** A message for users came from elsewhere. */
  readonly heard: (message: Message) => void;
}

interface Gathered {
  readonly loose: Relayed[];
  readonly stored: Relayed[];
}

/**
 * Messages between the objects of a tenant. Above QoS 0 they are rows of the transaction that accepted
 * them, so what a PUBACK promised outlives both ends; and the receiver's mark moves in the transaction
 * of what a row caused there, so each has its effect once, QoS 2 included.
 */
export class Relay {
  private readonly deps: RelayDependencies;
  private readonly store: RelayStore;
  private readonly runners = new Map<HubName, RelayRunner>();
  private readonly waiting: Map<HubName, number>;
  private gathered = new Map<HubName, Gathered>();
  /** Staged with the commit that is under way. */
  private committed: HubName[] = [];
  private loose: (readonly [HubName, Uint8Array])[] = [];

  constructor(deps: RelayDependencies) {
    this.deps = deps;
    this.store = new RelayStore(deps.host.sql);
    this.waiting = this.store.waiting();
    for (const target of this.waiting.keys()) this.runnerFor(target);
  }

  /** True when no other object is owed anything. */
  get isEmpty(): boolean {
    return this.gathered.size === 0 && this.store.waiting().size === 0;
  }

  get hasGathered(): boolean {
    return this.gathered.size > 0;
  }

  /** A message for another object; it waits for the commit. */
  add(target: HubName, message: Message, reach: Reach): void {
    let own = this.gathered.get(target);
    if (own === undefined) {
      own = { loose: [], stored: [] };
      this.gathered.set(target, own);
    }
    if (message.qos === 0) own.loose.push({ reach, message });
    else if ((this.waiting.get(target) ?? 0) + messageBytes(message) <= waitingBytesMax)
      own.stored.push({ reach, message });
  }

  /** Before a commit: what was gathered joins it. */
  stage(): void {
    if (this.gathered.size === 0) return;
    for (const [target, { loose, stored }] of this.gathered) {
      for (const data of encodeRelayed(loose)) this.loose.push([target, data]);
      if (stored.length === 0) continue;
      const rows = encodeRelayed(stored);
      for (const { length } of rows) this.waiting.set(target, (this.waiting.get(target) ?? 0) + length);
      this.deps.host.alongside(() => {
        for (const data of rows) this.store.append(target, data);
      });
      this.committed.push(target);
    }
    // A new one: what a Map is cleared of stays in memory for longer (broker/passing-map.ts).
    this.gathered = new Map();
  }

  /** After a commit: what joined it leaves. */
  flush(): void {
    if (this.loose.length + this.committed.length === 0) return;
    const { loose, committed } = this;
    this.loose = [];
    this.committed = [];
    for (const target of committed) this.runnerFor(target).stored();
    for (const [target, data] of loose) this.runnerFor(target).add(data);
  }

  /** On waking and on an alarm: goes on with whatever waits. */
  resume(): void {
    for (const runner of this.runners.values()) runner.resume();
  }

  /** Takes what another object sends: when this returns, it is stored. */
  async take(call: ShardCall & { readonly kind: "relay" }): Promise<void> {
    const { host, moves } = this.deps;
    const rows = call.rows.map(({ seq, data }) => ({ seq, messages: decodeRelayed(data) }));
    const loose = call.loose.flatMap((data) => decodeRelayed(data));
    await moves.claimAll(devicesOf([...rows.flatMap(({ messages }) => messages), ...loose]));
    // Read after the await: the same call, sent again because it took too long, may have been here meanwhile.
    const mark = this.store.mark(call.from);
    const fresh = rows.filter(({ seq }) => seq > mark);
    for (const { messages } of fresh) for (const relayed of messages) this.deliver(relayed);
    for (const relayed of loose) this.deliver(relayed);
    const last = fresh.at(-1);
    if (last !== undefined) {
      this.store.moveMark(call.from, last.seq);
      host.alongside(() => this.store.storeMark(call.from));
    }
    host.commit();
  }

  private deliver({ reach, message }: Relayed): void {
    const { host, moves, heard } = this.deps;
    if (reach === "users") {
      heard(message);
      host.run({ kind: "relayed", message, reach });
      return;
    }
    const device = parseDeviceTopic(message.topic)?.device;
    if (device === undefined) return;
    const home = moves.homeOf(device);
    // It has moved on while the message was on its way.
    if (home !== host.name && !host.state.devices.has(device)) this.add(home, message, reach);
    else host.run({ kind: "relayed", message, reach });
  }

  private runnerFor(target: HubName): RelayRunner {
    const known = this.runners.get(target);
    if (known !== undefined) return known;
    const { host, digest } = this.deps;
    let peeked = 0;
    let confirmedSeq = 0;
    const runner = new RelayRunner(
      {
        peek: () => {
          const rows = this.store.peek(target, confirmedSeq);
          peeked = rows.reduce((sum, { data }) => sum + data.length, 0);
          return rows;
        },
        // With the next commit: a write of its own would hold the next call back until the disk has it.
        remove: (throughSeq) => {
          confirmedSeq = throughSeq;
          host.alongside(() => this.store.remove(target, throughSeq));
          this.waiting.set(target, Math.max(0, (this.waiting.get(target) ?? 0) - peeked));
        },
        rested: () => host.commit(),
        send: async ({ rows, loose }) => {
          const call = { kind: "relay", from: host.name, digest: digest(), rows, loose } as const;
          await callHub(host.env.TENANT_HUB, host.org, target, call);
        },
        wakeAt: (atMs) => host.arm(atMs),
        gapMs: this.deps.gapMs,
        pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        now: Date.now,
        random: Math.random,
      },
      this.waiting.has(target),
    );
    this.runners.set(target, runner);
    return runner;
  }
}

function devicesOf(messages: readonly Relayed[]) {
  const devices = messages.flatMap(({ reach, message }) =>
    reach === "devices" ? (parseDeviceTopic(message.topic)?.device ?? []) : [],
  );
  return [...new Set(devices)];
}
