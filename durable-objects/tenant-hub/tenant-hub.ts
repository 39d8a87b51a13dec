import { DurableObject } from "cloudflare:workers";
import { type DeviceId, type GroupId, type OrgId, parseId, type UserId } from "../../core/ids.ts";
import { encodePacket } from "../../core/mqtt/encode.ts";
import type { Packet } from "../../core/mqtt/packets.ts";
import { problemResponse } from "../../core/problem.ts";
import { gatewayHeaders } from "../../core/rpc/durable-objects.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import type { Env } from "../env.ts";
import { objectKeys } from "../mesh.ts";
import { type Attachment, attachmentOf, socketOf } from "./attachment.ts";
import { judgeCredentials, judgeUpgrade } from "./authenticate.ts";
import { deadlineOf, nextDeadlineMs } from "./broker/deadlines.ts";
import type { BrokerEvent, Close, Effect, Write } from "./broker/events.ts";
import type { BrokerState, Identity, SocketId, UpgradeCredential } from "./broker/state.ts";
import { step } from "./broker/step.ts";
import { heldBytesMax, type LiveSocket, liveSocket } from "./live-socket.ts";
import { OutboxRunner } from "./outbox-runner.ts";
import { OutboxStore } from "./outbox-store.ts";
import { HubStorage } from "./storage.ts";
import type { PresenceEntry, TenantHubMethods } from "./tenant-hub-methods.ts";

/** Sockets of one hub: under the platform's 32,768, with room for those that are closing. */
const socketsMax = 30_000;
/** Events closer together than this share a commit, in milliseconds. */
const groupCommitMs = 1;
/**
 * A packet that is not whole after so long is kept in storage, in milliseconds. MQTT.js sends a packet
 * in half a dozen frames, whole within one: kept at once, each of them would cost a disk flush.
 */
const partialKeepMs = 20;
/** Payload of one command: the largest packet, less its topic. */
const commandBytesMax = 60 * 1024;

type Outgoing =
  | { readonly kind: "send"; readonly live: LiveSocket; readonly packet: Packet }
  | { readonly kind: "close"; readonly live: LiveSocket; readonly close: Close };

/** A user's credentials that are being judged; boxed, so that only the one who means to awaits it. */
interface PendingIdentity {
  readonly identity: Promise<Identity>;
}

/**
 * One tenant's MQTT hub: the shell round the pure broker. It decodes bytes, feeds events to `step`,
 * commits the writes in one transaction, and only then sends.
 *
 * A crash before the commit: nobody was told anything, the client sends again. A crash after it: the
 * message is stored; the client may send it again, which QoS 1 allows and QoS 2 knows by its stored
 * packet id. The runtime holds packets back until the commit is durable (the output gate).
 *
 * INVARIANT: a step and all it asks for run without awaiting, so no event sees half of another; what
 * several steps wrote is committed together, in their order, before anything they send leaves.
 */
export class TenantHub extends DurableObject<Env> implements TenantHubMethods {
  private readonly storage: HubStorage;
  private readonly outbox: OutboxRunner;
  /** Null until the first call names the organisation. Written by `openOrg` and `run`. */
  private state: BrokerState | null = null;
  private readonly live = new Map<SocketId, LiveSocket>();
  /** What was caused since the last commit. */
  private writes: Write[] = [];
  private outgoing: Outgoing[] = [];
  private touched = new Set<SocketId>();
  private appended = false;
  /** Written only by `groupCommit`: the commit that events of this moment share. */
  private grouped: Promise<void> | null = null;
  /** Written only by `commit`. */
  private committedAtMs = 0;
  /** Sockets whose partial packet may differ from what is stored; the timer that stores it, while there are any. */
  private readonly unkept = new Set<LiveSocket>();
  private keeping: ReturnType<typeof setTimeout> | null = null;
  /** Written only by `arm` and `alarm`: when the stored alarm rings, or null. */
  private armedAtMs: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.storage = new HubStorage(ctx.storage.sql);
    this.outbox = new OutboxRunner({
      env,
      outbox: new OutboxStore(ctx.storage.sql),
      settle: (change, bytes) => {
        ctx.storage.transactionSync(change);
        this.handle({ kind: "outbox_drained", bytes });
      },
      arm: (atMs) => this.arm(atMs),
    });
    void ctx.blockConcurrencyWhile(async () => {
      this.armedAtMs = await ctx.storage.getAlarm();
      const org = this.storage.org();
      if (org !== null) this.restore(org);
    });
  }

  /** A WebSocket upgrade that the gateway has checked. */
  override async fetch(request: Request): Promise<Response> {
    const requestId = request.headers.get(gatewayHeaders.requestId) ?? "";
    const org = parseId("org", request.headers.get(gatewayHeaders.org));
    if (org === null) return problemResponse("malformed_request", requestId);
    const state = this.openOrg(org);
    const header = request.headers.get(gatewayHeaders.authorization);
    const upgrade = await judgeUpgrade(header, org, objectKeys(this.env).access, Date.now());
    if (upgrade?.kind === "bad_credentials") return problemResponse("invalid_token", requestId);
    if (upgrade?.kind === "unavailable") return problemResponse("unavailable", requestId);
    // Counted after the await, so that a crowd can't pass the check together.
    if (state.sockets.size >= socketsMax) return problemResponse("unavailable", requestId);
    const client = this.accept(upgrade);
    return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "mqtt" } });
  }

  private accept(upgrade: UpgradeCredential | null): WebSocket {
    // biome-ignore lint/correctness/noUndeclaredVariables: a global of the Workers runtime
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.ctx.acceptWebSocket(server);
    const id = crypto.randomUUID();
    this.live.set(id, liveSocket(id, server, []));
    this.handle({ kind: "socket_opened", socket: id, upgrade });
    return client;
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const live = this.liveOf(socket);
    if (live === undefined) return;
    if (typeof data === "string") {
      const close = { code: 1003, reason: "MQTT is sent in binary frames [MQTT-6.0.0-1]" };
      this.handle({ kind: "close_socket", socket: live.id, close });
      return;
    }
    const chunk = new Uint8Array(data);
    live.stream.push(chunk);
    live.unsaved.push(chunk);
    if (live.busy && live.stream.pendingBytes > heldBytesMax) {
      const close = { code: 1008, reason: `at most ${heldBytesMax} bytes before CONNACK` };
      this.handle({ kind: "close_socket", socket: live.id, close });
      return;
    }
    await this.takePackets(live);
  }

  /** Feeds every whole packet to the broker, then commits. Awaits only a user's token, after the commit. */
  private async takePackets(live: LiveSocket): Promise<void> {
    let judging: PendingIdentity | null = null;
    while (!live.busy && this.live.has(live.id)) {
      const item = live.stream.next();
      if (item.kind === "incomplete") break;
      live.consumed = true;
      if (item.kind === "packet") judging = this.run({ kind: "packet", socket: live.id, packet: item.packet });
      else this.run({ kind: "refused", socket: live.id, refusal: item.refusal });
    }
    this.keepPartial(live);
    const committed = this.groupCommit();
    if (judging === null) return;
    await committed;
    const identity = await judging.identity;
    // The broker judges the identity against what it knows now, not what it knew before the await.
    live.busy = false;
    this.run({ kind: "authenticated", socket: live.id, identity });
    await this.takePackets(live);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    const live = this.liveOf(socket);
    if (live === undefined) return;
    this.live.delete(live.id);
    if (live.hasPartial) this.storage.deletePartial(live.id);
    this.handle({ kind: "socket_closed", socket: live.id });
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.webSocketClose(socket);
  }

  override async alarm(): Promise<void> {
    this.armedAtMs = null;
    if (this.state === null) return;
    this.handle({ kind: "tick" });
    const draining = this.outbox.runIfDue(this.state.org);
    if (draining !== null) this.ctx.waitUntil(draining);
    const deadline = nextDeadlineMs(this.state);
    if (deadline !== null) this.arm(deadline);
  }

  /* TenantHubMethods: called by HubControl after it has verified the call. */

  putDevice(org: OrgId, device: DeviceId, tokenSha256: string): void {
    this.openOrg(org);
    this.handle({ kind: "put_device", device, tokenSha256 });
  }

  removeDevice(org: OrgId, device: DeviceId): void {
    this.openOrg(org);
    this.handle({ kind: "remove_device", device });
  }

  putMember(org: OrgId, user: UserId, role: Role | null): void {
    this.openOrg(org);
    this.handle({ kind: "put_member", user, role });
  }

  putGroup(
    org: OrgId,
    group: GroupId,
    content: { readonly devices: readonly DeviceId[]; readonly members: readonly UserId[] },
    leaving: UserId | null,
  ): boolean {
    const before = this.openOrg(org).groups.get(group);
    const devices = new Set(content.devices);
    const members = new Set(content.members);
    if (leaving !== null) {
      const rest = new Set(before?.members ?? []);
      rest.delete(leaving);
      if (!sameSet(members, rest) || !sameSet(devices, before?.devices ?? new Set())) return false;
    }
    this.handle({ kind: "put_group", group, content: { devices, members } });
    return true;
  }

  endSession(org: OrgId, sid: string, user: UserId | null): void {
    this.openOrg(org);
    this.handle({ kind: "end_session", sid, user });
  }

  publishCommand(org: OrgId, device: DeviceId, payload: string): boolean {
    const bytes = new TextEncoder().encode(payload);
    if (!this.openOrg(org).devices.has(device) || bytes.length > commandBytesMax) return false;
    this.handle({ kind: "publish_command", device, payload: bytes });
    return true;
  }

  presence(org: OrgId, devices: readonly DeviceId[]): PresenceEntry[] {
    const state = this.openOrg(org);
    return devices.flatMap((device) => {
      const entry = state.devices.get(device);
      if (entry === undefined || entry.sinceMs === 0) return [];
      return [{ device, online: entry.online, since: new Date(entry.sinceMs).toISOString() }];
    });
  }

  /** The state of this object's one organisation; a call for another one is a bug and throws. */
  private openOrg(org: OrgId): BrokerState {
    if (this.state === null) {
      this.storage.setOrg(org);
      this.restore(org);
    }
    if (this.state === null || this.state.org !== org) throw new Error("this hub belongs to another organisation");
    return this.state;
  }

  /** Rebuilds memory from storage and from the sockets that hibernated. */
  private restore(org: OrgId): void {
    const state = this.storage.load(org);
    this.state = state;
    for (const socket of this.ctx.getWebSockets()) {
      const attachment = socket.deserializeAttachment() as Attachment | null;
      if (attachment === null || attachment.closed) continue;
      state.sockets.set(attachment.id, socketOf(attachment));
      this.live.set(attachment.id, liveSocket(attachment.id, socket, this.storage.partial(attachment.id)));
    }
    this.handle({ kind: "restored" });
    this.outbox.wake();
  }

  private liveOf(socket: WebSocket): LiveSocket | undefined {
    const attachment = socket.deserializeAttachment() as Attachment | null;
    return attachment === null || attachment.closed ? undefined : this.live.get(attachment.id);
  }

  /** One event from beginning to end. */
  private handle(event: BrokerEvent): void {
    this.run(event);
    this.commit();
  }

  /**
   * Steps the broker through an event and whatever its effects ask for at once.
   * @returns a pending judgement of credentials, if the event began one
   */
  private run(first: BrokerEvent): PendingIdentity | null {
    const now = Date.now();
    const events: BrokerEvent[] = [first];
    let judging: PendingIdentity | null = null;
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      if (this.state === null) throw new Error("an event came before the organisation was known");
      const result = step(this.state, event, now);
      this.state = result.state;
      for (const effect of result.effects) judging = this.perform(effect, events, now) ?? judging;
    }
    return judging;
  }

  private perform(effect: Effect, events: BrokerEvent[], now: number): PendingIdentity | null {
    switch (effect.kind) {
      case "write":
        this.writes.push(copied(effect.write));
        if (effect.write.kind === "append_outbox") this.appended = true;
        return null;
      case "send": {
        const live = this.live.get(effect.socket);
        if (live !== undefined) this.outgoing.push({ kind: "send", live, packet: effect.packet });
        return null;
      }
      case "close": {
        const live = this.live.get(effect.socket);
        if (live === undefined) return null;
        this.live.delete(effect.socket);
        this.outgoing.push({ kind: "close", live, close: effect.close });
        return null;
      }
      case "load":
        // What this event wrote must be there to be read.
        this.flushWrites();
        events.push({
          kind: "loaded",
          from: effect.from,
          to: effect.to,
          messages: this.storage.messages(effect.from, effect.seqs),
        });
        return null;
      case "load_retained": {
        this.flushWrites();
        const messages = this.storage.retained(effect.topics);
        events.push({ kind: "retained_loaded", session: effect.session, qos: effect.qos, messages });
        return null;
      }
      case "save_socket":
        this.touched.add(effect.socket.id);
        return null;
      case "authenticate": {
        if (this.state === null) throw new Error("credentials came before the organisation was known");
        const { connect, socket } = effect;
        const keys = objectKeys(this.env).access;
        const identity = judgeCredentials(connect, socket.upgrade, this.state, keys, now);
        if (!(identity instanceof Promise)) {
          events.push({ kind: "authenticated", socket: socket.id, identity });
          return null;
        }
        const live = this.live.get(socket.id);
        if (live !== undefined) live.busy = true;
        return { identity };
      }
    }
  }

  private flushWrites(): void {
    if (this.writes.length === 0) return;
    const { writes } = this;
    this.writes = [];
    try {
      this.ctx.storage.transactionSync(() => this.storage.apply(writes));
    } catch (error) {
      // Memory is ahead of storage now. Nothing was acknowledged: start again from storage.
      this.ctx.abort("the hub's writes failed");
      throw error;
    }
  }

  /**
   * Commits at once when the last commit is a while ago; else together with everything else that has
   * already arrived: one transaction for many sockets' messages carries several times what one each
   * does. An event does not wait for it: the next frame of the same socket would wait as well. A pending
   * timer keeps the object from being evicted, so nothing falls between.
   */
  private groupCommit(): Promise<void> {
    if (this.grouped === null && Date.now() - this.committedAtMs > groupCommitMs) {
      this.commit();
      return Promise.resolve();
    }
    this.grouped ??= scheduler.wait(0).then(() => {
      this.grouped = null;
      this.commit();
    });
    return this.grouped;
  }

  /** COMMIT POINT: the writes, then the packets that acknowledge them. */
  private commit(): void {
    this.committedAtMs = Date.now();
    this.flushWrites();
    for (const id of this.touched) {
      const socket = this.state?.sockets.get(id);
      const live = this.live.get(id);
      if (socket === undefined || live === undefined) continue;
      live.socket.serializeAttachment(attachmentOf(socket, false));
      const deadline = deadlineOf(socket);
      if (deadline !== null) this.arm(deadline.atMs);
    }
    this.touched.clear();
    const { outgoing } = this;
    this.outgoing = [];
    let encodedPacket: Packet | null = null;
    let encoded = new Uint8Array();
    for (const out of outgoing) {
      if (out.kind === "close") {
        this.closeSocket(out.live, out.close);
        continue;
      }
      // One message to many subscribers is the same packet object: encoded once.
      if (out.packet !== encodedPacket) encoded = new Uint8Array(encodePacket(out.packet, 4));
      encodedPacket = out.packet;
      try {
        out.live.socket.send(encoded);
      } catch {
        // The peer is gone; its close event follows and tells the broker.
      }
    }
    if (this.appended) {
      this.appended = false;
      this.outbox.schedule();
    }
  }

  private closeSocket(live: LiveSocket, close: Close): void {
    if (live.hasPartial) this.storage.deletePartial(live.id);
    try {
      const attachment = live.socket.deserializeAttachment() as Attachment | null;
      if (attachment !== null) live.socket.serializeAttachment({ ...attachment, closed: true });
      // RFC 6455 section 5.5: at most 123 bytes of reason.
      live.socket.close(close.code, close.reason.slice(0, 120));
    } catch {
      // Already closed from the other side.
    }
  }

  /**
   * Keeps the bytes of a packet that is not whole yet, so that an eviction loses none. Not of a socket
   * that nobody stands behind yet: a stranger must not be able to make us write, a byte at a time. A CONNECT
   * that an eviction cuts is sent again.
   */
  private savePartial(live: LiveSocket): void {
    const chunks = live.consumed ? [live.stream.pending()] : live.unsaved;
    const known = this.state?.sockets.get(live.id)?.phase === "connected";
    const keep = known && live.stream.pendingBytes > 0;
    if (keep) this.storage.putPartial(live.id, chunks, live.consumed && live.hasPartial);
    else if (live.hasPartial) this.storage.deletePartial(live.id);
    live.hasPartial = keep;
    live.unsaved = [];
    // What was not kept is written whole once somebody is known.
    live.consumed = !keep && live.stream.pendingBytes > 0;
  }

  /**
   * Stores the partial packet a little later, if it is still one then. A pending timer keeps the object
   * from being evicted, so nothing can be lost before it.
   */
  private keepPartial(live: LiveSocket): void {
    if (live.stream.pendingBytes === 0 && !live.hasPartial) {
      live.unsaved = [];
      live.consumed = false;
      this.unkept.delete(live);
      return;
    }
    this.unkept.add(live);
    this.keeping ??= setTimeout(() => {
      this.keeping = null;
      const sockets = [...this.unkept];
      this.unkept.clear();
      this.ctx.storage.transactionSync(() => {
        for (const socket of sockets) if (this.live.has(socket.id)) this.savePartial(socket);
      });
    }, partialKeepMs);
  }

  /** Rings no later than this. */
  private arm(atMs: number): void {
    if (this.armedAtMs !== null && this.armedAtMs <= atMs) return;
    this.armedAtMs = atMs;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(atMs));
  }
}

/** A session or device entry is mutable memory: a write keeps what it was when it was asked for. */
function copied(write: Write): Write {
  return write.kind === "put_session" ? { ...write, session: { ...write.session } } : write;
}

function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
