import { type DeviceId, type OrgId, parseId } from "../../../core/ids.ts";
import type { ConnectPacket } from "../../../core/mqtt/packets.ts";
import { parseTopicFilter } from "../../../core/topics/topic-filter.ts";
import type { Effect, Write } from "../broker/events.ts";
import { retainedMatching } from "../broker/retained.ts";
import type { Route } from "../broker/routes.ts";
import type { Elsewhere, Identity, Message, UpgradeCredential } from "../broker/session.ts";
import type { Onward, ShardView } from "../broker/state.ts";
import { Announcer } from "./announcer.ts";
import { allHomes, countsAfter } from "./counts.ts";
import { ForeignInterest } from "./foreign-interest.ts";
import { directoryName, type HubName, parseShardCount } from "./home.ts";
import { Moves, referenceTo, storeCounts, storedCounts } from "./moves.ts";
import { Relay } from "./relay.ts";
import { encodeRelayed } from "./relay-codec.ts";
import { callHub, type LinkCall, type ShardAnswer } from "./shard-call.ts";
import type { ShardHost } from "./shard-host.ts";
import { openShardTables } from "./tables.ts";

/** Retained messages of one answer, and their bytes: what one session may have waiting. */
const retainedMax = 16_384;
const retainedBytesMax = 16 * 1024 * 1024;

/**
 * One of several objects of a tenant: what it is to the others. A tenant of one shard that never had
 * more has none of this, and pays nothing for it.
 */
export class ShardLink implements ShardView {
  private readonly host: ShardHost;
  private readonly moves: Moves;
  private readonly relay: Relay;
  /** In the directory. */
  private announcer: Announcer | null = null;
  /** On a shard. */
  private readonly foreign: ForeignInterest | null;

  /**
   * @param isNew true when the object was never used before
   * @returns null for a tenant that is whole in one object
   */
  static open(host: ShardHost, isNew: boolean): ShardLink | null {
    const count = parseShardCount(host.env.HUB_SHARDS);
    if (host.name !== directoryName(host.org)) return new ShardLink(host, count, null);
    const before = storedCounts(host.sql);
    const counts = countsAfter(before ?? (isNew ? [] : [1]), count);
    if (counts.length === 1 && count === 1) return null;
    storeCounts(host.sql, counts);
    return new ShardLink(host, count, counts);
  }

  private constructor(host: ShardHost, count: number, counts: readonly number[] | null) {
    this.host = host;
    openShardTables(host.sql);
    this.moves = new Moves(host, count, counts);
    this.foreign = counts === null ? new ForeignInterest(host.sql) : null;
    this.announcer = this.newAnnouncer();
    this.relay = new Relay({
      host,
      moves: this.moves,
      digest: () => this.foreign?.digest ?? null,
      // An object takes some 1,000 calls a second: as many milliseconds between a shard's calls as there are shards.
      gapMs: this.foreign === null ? 1 : count,
      heard: (message) => this.announcer?.heardOf(message),
    });
  }

  /** Once the broker's memory is whole: goes on with what waits from before. */
  wake(): void {
    this.relay.resume();
    this.announcer?.resume();
    this.alarm();
  }

  /** The object's alarm rang, for whatever reason. */
  alarm(): void {
    this.relay.resume();
    this.announcer?.resume();
    void this.moves
      .alarm(() => this.relay.isEmpty)
      .then((isOver) => {
        // From now on there are fewer to tell.
        if (isOver) this.announcer = this.newAnnouncer();
      });
  }

  private newAnnouncer(): Announcer | null {
    const { host } = this;
    if (this.foreign !== null) return null;
    const shards = allHomes(host.org, this.moves.history).filter((name) => name !== host.name);
    return new Announcer(host, shards);
  }

  /* ShardView: what the broker asks. */

  get announces(): boolean {
    return this.announcer?.hasPeers === true;
  }

  isHome(device: DeviceId): boolean {
    return this.foreign !== null || this.host.state.devices.has(device);
  }

  mayKnow(device: DeviceId): boolean {
    return this.foreign === null && (!this.moves.isMine(device) || !this.moves.isSettled);
  }

  onward({ topic, parsed }: Route): Onward | null {
    if (parsed === null) return null;
    if (this.foreign !== null) {
      const qos = this.foreign.qosFor(topic, parsed.device);
      return qos === null ? null : { target: directoryName(this.host.org), qos };
    }
    if (this.host.state.devices.has(parsed.device) || !this.mayKnow(parsed.device)) return null;
    return { target: this.moves.homeOf(parsed.device), qos: 2 };
  }

  /* What the shell reports. */

  observe(write: Write): void {
    this.announcer?.observe(write);
  }

  send(effect: Effect & { readonly kind: "relay" }): void {
    this.relay.add(effect.target, effect.message, effect.reach);
  }

  announce(effect: Effect & { readonly kind: "announce" }): void {
    this.announcer?.announce(effect);
  }

  /** True when messages for other objects wait for a commit. */
  get hasGathered(): boolean {
    return this.relay.hasGathered;
  }

  stage(): void {
    this.relay.stage();
  }

  flush(): void {
    this.relay.flush();
    this.announcer?.flush();
  }

  /** Devices that could be on their way here: what the shell means to ask or change waits for them. Null: nothing to wait for. */
  arrivals(devices: readonly DeviceId[]): Promise<void> | null {
    return devices.some((device) => this.moves.mayBeElsewhere(device)) ? this.moves.claimAll(devices) : null;
  }

  /**
   * Judges where a CONNECT belongs, before its credentials are.
   * @returns null when here; a promise when its device is to be fetched first, whose answer is null or "not now"
   */
  place(connect: ConnectPacket, upgrade: UpgradeCredential | null): Elsewhere | Promise<Identity | null> | null {
    const { username } = connect;
    const device = parseId("device", username);
    if (device === null) {
      const isUser = parseId("user", username) !== null || (username === null && upgrade?.kind === "user");
      return isUser && this.foreign !== null ? elsewhere(`/mqtt/${this.host.org}`) : null;
    }
    if (!this.moves.isMine(device)) return elsewhere(referenceTo(this.host.org, device));
    if (!this.moves.mayBeElsewhere(device)) return null;
    return this.moves.claim(device).then(
      () => null,
      () => ({ kind: "unavailable" }),
    );
  }

  /** What another object of this tenant asks; the shell has checked that it is of this tenant. */
  async answer(call: LinkCall): Promise<ShardAnswer> {
    switch (call.kind) {
      case "relay":
        await this.relay.take(call);
        this.announcer?.heardFrom(call.from, call.digest);
        return null;
      case "interest":
        return this.hear(call);
      case "retained":
        return call.filters.map((filter) => this.retainedFor(filter));
      case "counts":
        return this.moves.history;
      case "hand_over":
        return this.moves.handOver(call.device, call.part);
      case "handed_over":
        this.moves.handedOver(call.device, call.bundle);
        return null;
      case "take":
        await this.moves.take(call.device);
        return null;
      case "sweep":
        return await this.moves.sweep(call.count, this.relay.isEmpty);
      case "find_token":
        return await this.findToken(call.sha256);
    }
  }

  private hear({ change }: LinkCall & { readonly kind: "interest" }): boolean {
    const { foreign, host } = this;
    if (foreign === null) throw new Error("the directory has an interest of its own");
    if (change.base !== null && change.base !== foreign.digest) return false;
    host.alongside(() => foreign.apply(change));
    host.commit();
    return true;
  }

  private retainedFor(text: string): Uint8Array[] {
    const { host } = this;
    const filter = parseTopicFilter(text);
    if (filter === null) return [];
    const messages: Message[] = [];
    let bytes = 0;
    for (const message of host.retained(retainedMatching(host.state, filter).slice(0, retainedMax))) {
      bytes += message.payload.length;
      if (bytes > retainedBytesMax) break;
      messages.push(message);
    }
    return encodeRelayed(messages.map((message) => ({ reach: "users", message })));
  }

  /** The directory asks every home; a home looks among its own. */
  private async findToken(sha256: string): Promise<DeviceId | null> {
    const { host, moves } = this;
    for (const [device, entry] of host.state.devices) if (entry.tokenSha256 === sha256) return device;
    if (this.foreign !== null) return null;
    const call = { kind: "find_token", sha256 } as const;
    const others = allHomes(host.org, moves.history).filter((name) => name !== host.name);
    const found = await Promise.all(others.map((name) => callHub(host.env.TENANT_HUB, host.org, name, call)));
    return found.find((device) => device !== null) ?? null;
  }
}

/** What an object that is whole by itself answers: a release is under way, and not everybody knows the same setting. */
export function answerAlone(org: OrgId, name: HubName, call: LinkCall): ShardAnswer {
  if (call.kind === "counts") return [1];
  throw new Error(`${name === directoryName(org) ? "this tenant" : "this object"} is not split; try again`);
}

function elsewhere(reference: string): Elsewhere {
  return { kind: "elsewhere", reference };
}
