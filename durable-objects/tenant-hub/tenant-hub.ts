import { DurableObject } from "cloudflare:workers";
import { type DeviceId, type GroupId, type OrgId, parseId, type UserId } from "../../core/ids.ts";
import type { Packet } from "../../core/mqtt/packets.ts";
import { reasonCodes } from "../../core/mqtt/reason-codes.ts";
import { problemResponse } from "../../core/problem.ts";
import { gatewayHeaders, type HubStanding, type RefusedDevices } from "../../core/rpc/durable-objects.ts";
import type { HubRange } from "../../core/rpc/hub-backup.ts";
import type { LimitsInUse } from "../../core/rpc/hub-limits.ts";
import type { GeoPolicy } from "../../core/tenancy/geo-policy.ts";
import type { LimitsPolicy } from "../../core/tenancy/limits-policy.ts";
import { shutCode } from "../../core/tenancy/org-state.ts";
import { limitsOf } from "../../core/tenancy/plan.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import type { Env } from "../env.ts";
import { limitScaleOf } from "../limit-scale.ts";
import { objectKeys } from "../mesh.ts";
import { Admission } from "./admission.ts";
import { type Attachment, attachmentOf, socketOf } from "./attachment.ts";
import { judgeCredentials, judgeUpgrade } from "./authenticate.ts";
import { Briefing } from "./briefing.ts";
import { protocolError, refusal } from "./broker/closes.ts";
import { deadlineOf, nextDeadlineMs, sessionDeadlineMs } from "./broker/deadlines.ts";
import type { BrokerEvent, Close, Effect, RefusedPlace, Write } from "./broker/events.ts";
import { Rates } from "./broker/rates.ts";
import type { Elsewhere, Identity, SocketId, UpgradeCredential } from "./broker/session.ts";
import type { ApiKey, BrokerState } from "./broker/state.ts";
import { advance } from "./broker/step.ts";
import { HubExport } from "./export.ts";
import { GeoWatch, geoClose } from "./geo-watch.ts";
import { HubLimits } from "./hub-limits.ts";
import { heldBytesMax, type LiveSocket, liveSocket } from "./live-socket.ts";
import { OutboxRunner } from "./outbox-runner.ts";
import { OutboxStore } from "./outbox-store.ts";
import { Outgoing } from "./outgoing.ts";
import { PartialKeeper } from "./partial-keeper.ts";
import { reconciliation } from "./reconcile.ts";
import { parseHubName, parseShardCount } from "./shards/home.ts";
import type { ShardAnswer, ShardCall } from "./shards/shard-call.ts";
import { answerAlone, ShardLink } from "./shards/shard-link.ts";
import { readStanding, shutClose, writeStanding } from "./standing.ts";
import { HubStorage } from "./storage.ts";
import type { PresenceEntry, TenantHubMethods } from "./tenant-hub-methods.ts";
import { Tick } from "./tick.ts";
import type { Told, ToldLimits } from "./told.ts";

/** Sockets of one hub: under the platform's 32,768, with room for those that are closing. */
const socketsMax = 30_000;
/** Packets held back by one commit: more leave at once, so that a burst does not fill the memory. */
const heldPacketsMax = 65_536;
/** Payload of one command: the largest packet, less its topic. */
const commandBytesMax = 60 * 1024;

const textFrame = { ...protocolError("MQTT is sent in binary frames [MQTT-6.0.0-1]"), code: 1003 };
const heldTooMuch = refusal(`at most ${heldBytesMax} bytes before CONNACK`, reasonCodes.quota_exceeded);

/** A user's credentials that are being judged; boxed, so that only the one who means to awaits it. */
interface PendingIdentity {
  readonly identity: Promise<Identity>;
}

/**
 * One tenant's MQTT hub: the shell round the pure broker. It decodes bytes, feeds events to the broker,
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
  private readonly partials: PartialKeeper;
  private readonly admission = new Admission();
  private readonly geo: GeoWatch;
  private readonly limits: HubLimits;
  /** Null until the first call names the organisation. Written by `openOrg` and `restore`. */
  private state: BrokerState | null = null;
  /** Null for a tenant that is whole in this object. Written by `restore`. */
  private link: ShardLink | null = null;
  /** Null in the directory. Written by `restore`. */
  private briefing: Briefing | null = null;
  /** Whether the organisation is open, as studio says. Written by `restore` and `setStanding`. */
  private standing: HubStanding | null = null;
  /** True once everything was deleted: until it is evicted, this object serves nobody. */
  private erased = false;
  private readonly live = new Map<SocketId, LiveSocket>();
  private readonly bySocket = new Map<WebSocket, LiveSocket>();
  /** What was caused since the last commit. */
  private writes: Write[] = [];
  private readonly outgoing = new Outgoing();
  private touched = new Set<SocketId>();
  private appended = false;
  /** Reused by every step; empty between two. */
  private readonly effects: Effect[] = [];
  private readonly tick = new Tick(() => this.commit());
  /** When the first of what waits for the next commit came, or null. */
  private requestedAtMs: number | null = null;
  /** Written only by `wakeAt`: when acknowledgements that wait are looked at, or null. */
  private wakesAtMs: number | null = null;
  /** Written only by `arm` and `alarm`: when the stored alarm rings, or null. */
  private armedAtMs: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.storage = new HubStorage(ctx.storage.sql, (change) => ctx.storage.transactionSync(change));
    this.geo = new GeoWatch(ctx.storage.sql);
    this.limits = new HubLimits(ctx.storage.sql);
    this.outbox = new OutboxRunner({
      env,
      outbox: new OutboxStore(ctx.storage.sql),
      settle: (change, bytes) => {
        ctx.storage.transactionSync(change);
        this.handle({ kind: "outbox_drained", bytes });
      },
      arm: (atMs) => this.arm(atMs),
    });
    this.partials = new PartialKeeper({
      put: (socket, bytes) => this.storage.putPartial(socket, bytes),
      remove: (socket) => this.storage.deletePartial(socket),
      isKnown: (live) => this.state?.sockets.get(live.id)?.phase === "connected",
    });
    void ctx.blockConcurrencyWhile(async () => {
      this.armedAtMs = await ctx.storage.getAlarm();
      const org = this.storage.org();
      if (org !== null) this.restore(org, false);
    });
  }

  /** A WebSocket upgrade that the gateway has checked. */
  override async fetch(request: Request): Promise<Response> {
    const requestId = request.headers.get(gatewayHeaders.requestId) ?? "";
    const org = parseId("org", request.headers.get(gatewayHeaders.org));
    if (org === null) return problemResponse("malformed_request", requestId);
    if (this.erased) return problemResponse("not_found", requestId);
    const state = this.openOrg(org);
    if (!this.takesUpgrade(Number(request.headers.get(gatewayHeaders.arrived)))) {
      const seconds = this.admission.retryAfterSeconds(Math.random());
      return problemResponse("unavailable", requestId, { headers: { "Retry-After": String(seconds) } });
    }
    if (this.briefing !== null && !(await this.briefing.heard())) return problemResponse("unavailable", requestId);
    const header = request.headers.get(gatewayHeaders.authorization);
    const upgrade = await judgeUpgrade(header, org, objectKeys(this.env).access, Date.now());
    if (upgrade?.kind === "bad_credentials") return problemResponse("invalid_token", requestId);
    if (upgrade?.kind === "unavailable") return problemResponse("unavailable", requestId);
    // After the await: it may have been shut or erased meanwhile.
    const standing = this.standing?.state ?? "active";
    if (this.erased) return problemResponse("not_found", requestId);
    if (standing !== "active") return problemResponse(shutCode(standing), requestId);
    // Counted after the await, so that a crowd can't pass the check together.
    if (state.sockets.size >= socketsMax) return problemResponse("unavailable", requestId);
    const client = this.accept(upgrade, request.headers.get(gatewayHeaders.geo));
    return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "mqtt" } });
  }

  /**
   * Refused before there is a socket: whoever waits for so long has often given up, and a socket of nobody is memory
   * and work that those who are still there wait for.
   * @param arrivedMs when the edge took it; not a number or 0: an edge that does not say
   */
  private takesUpgrade(arrivedMs: number): boolean {
    const now = Date.now();
    if (arrivedMs > 0) this.admission.waited(arrivedMs, now);
    return this.admission.admits(now, () => this.atTheDoor());
  }

  private accept(upgrade: UpgradeCredential | null, from: string | null): WebSocket {
    // biome-ignore lint/correctness/noUndeclaredVariables: a global of the Workers runtime
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.ctx.acceptWebSocket(server);
    const id = crypto.randomUUID();
    this.remember(liveSocket(id, server, null, []));
    this.geo.opened(id, from);
    this.handle({ kind: "socket_opened", socket: id, upgrade });
    return client;
  }

  /** Awaits only a user's token: then what it returns settles when the user is connected or refused. */
  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> | undefined {
    const live = this.liveOf(socket);
    if (live === undefined) return undefined;
    if (typeof data === "string") {
      this.handle({ kind: "close_socket", socket: live.id, close: textFrame });
      return undefined;
    }
    live.stream.push(new Uint8Array(data));
    if (live.busy) {
      if (live.stream.pendingBytes > heldBytesMax)
        this.handle({ kind: "close_socket", socket: live.id, close: heldTooMuch });
      return undefined;
    }
    const judging = this.takePackets(live);
    return judging === null ? undefined : this.judged(live, judging);
  }

  /** Feeds every whole packet to the broker; the commit follows, now or with others. */
  private takePackets(live: LiveSocket): PendingIdentity | null {
    const now = Date.now();
    let judging: PendingIdentity | null = null;
    while (!live.busy && this.live.has(live.id)) {
      const item = live.stream.next();
      if (item.kind === "incomplete") break;
      judging =
        item.kind === "packet"
          ? this.take(live, item.packet, now)
          : this.run({ kind: "refused", socket: live.id, refusal: item.refusal }, now);
    }
    if (live.stream.pendingBytes > 0 || live.keepDelayMs > 0 || live.keptBytes > 0) this.partials.changed(live);
    this.commitSoon(now);
    return judging;
  }

  private take(live: LiveSocket, packet: Packet, now: number): PendingIdentity | null {
    if (packet.type === "connect" && !this.admission.admits(now, () => this.atTheDoor())) {
      const retryAfterSeconds = this.admission.retryAfterSeconds(Math.random());
      return this.run({ kind: "shed", socket: live.id, packet, retryAfterSeconds }, now);
    }
    return this.run({ kind: "packet", socket: live.id, packet }, now);
  }

  private atTheDoor(): number {
    let waiting = 0;
    for (const socket of this.state?.sockets.values() ?? []) if (socket.phase !== "connected") waiting += 1;
    return waiting;
  }

  private async judged(live: LiveSocket, judging: PendingIdentity): Promise<void> {
    const identity = await judging.identity;
    // The broker judges the identity against what it knows now, not what it knew before the await.
    live.busy = false;
    this.run({ kind: "authenticated", socket: live.id, identity: this.judgePlace(live.id, identity) }, Date.now());
    const next = this.takePackets(live);
    if (next !== null) await this.judged(live, next);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    const live = this.liveOf(socket);
    if (live === undefined) return;
    this.forget(live);
    this.handle({ kind: "socket_closed", socket: live.id });
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.webSocketClose(socket);
  }

  override async alarm(): Promise<void> {
    this.armedAtMs = null;
    if (this.state === null) return;
    this.handle({ kind: "tick" });
    this.link?.alarm();
    const draining = this.outbox.runIfDue(this.state.org);
    if (draining !== null) this.ctx.waitUntil(draining);
    this.closeRefused();
    const deadline = nextDeadlineMs(this.state);
    if (deadline !== null) this.arm(deadline);
  }

  /* TenantHubMethods: called by HubControl after it has verified the call. */

  putDevice(org: OrgId, device: DeviceId, tokenSha256: string): void | Promise<void> {
    return this.withDevices(org, [device], () => this.handle({ kind: "put_device", device, tokenSha256 }));
  }

  removeDevice(org: OrgId, device: DeviceId): void | Promise<void> {
    return this.withDevices(org, [device], () => this.handle({ kind: "remove_device", device }));
  }

  putMember(org: OrgId, user: UserId, role: Role | null): void {
    this.openOrg(org);
    this.handle({ kind: "put_member", user, role });
  }

  putKey(org: OrgId, user: UserId, key: ApiKey): void {
    this.openOrg(org);
    this.handle({ kind: "put_key", user, key });
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

  endSessions(org: OrgId, sids: readonly string[], user: UserId | null): void {
    this.openOrg(org);
    for (const sid of sids) this.handle({ kind: "end_session", sid, user });
  }

  publishCommand(org: OrgId, device: DeviceId, payload: string): boolean | Promise<boolean> {
    const bytes = new TextEncoder().encode(payload);
    return this.withDevices(org, [device], (state) => {
      if (!state.devices.has(device) || bytes.length > commandBytesMax) return false;
      this.handle({ kind: "publish_command", device, payload: bytes });
      return true;
    });
  }

  presence(org: OrgId, devices: readonly DeviceId[]): PresenceEntry[] | Promise<PresenceEntry[]> {
    return this.withDevices(org, devices, (state) =>
      devices.flatMap((device) => {
        const entry = state.devices.get(device);
        if (entry === undefined || entry.sinceMs === 0) return [];
        return [{ device, online: entry.online, since: new Date(entry.sinceMs).toISOString() }];
      }),
    );
  }

  putGeo(org: OrgId, policy: GeoPolicy, version: number): void {
    this.openOrg(org);
    // What this write is stored with: whoever is told that it was done must find it after a crash.
    this.storage.alongside(() => void this.geo.put(policy, version));
    this.commit();
    this.closeRefused();
  }

  putLimits(org: OrgId, told: ToldLimits): void {
    const state = this.openOrg(org);
    this.storage.alongside(() => this.limits.put(told));
    this.commit();
    state.rates.setLimits(this.limits.current);
  }

  limitsTold(org: OrgId): LimitsPolicy {
    this.openOrg(org);
    return this.limits.current;
  }

  limitsInUse(org: OrgId): Omit<LimitsInUse, "requests"> {
    const { rates, sockets } = this.openOrg(org);
    const now = Date.now();
    return { packets: rates.tenantUse(now), sockets: sockets.size, heaviest: rates.heaviest(now) };
  }

  /** What studio told this object: nothing is said of a standing that nobody told. */
  private told(): Told {
    const standing = this.standing?.version === 0 ? null : this.standing;
    return { standing, geo: this.geo.told, limits: this.limits.told };
  }

  private learn(org: OrgId, { standing, geo, limits }: Told): void {
    if (geo !== null) this.putGeo(org, geo.policy, geo.version);
    if (limits !== null) this.putLimits(org, limits);
    if (standing !== null) this.setStanding(org, standing);
  }

  geoRefused(org: OrgId, before: GeoPolicy, after: GeoPolicy): RefusedDevices {
    const state = this.openOrg(org);
    const isKnown = (device: DeviceId) => state.devices.has(device);
    return this.geo.refusedDevices({ before, after }, state.sockets.values(), isKnown, Date.now());
  }

  /** Closes what the policy refuses by now, and comes back when something that it allows ends. */
  private closeRefused(): void {
    const { state } = this;
    if (state === null) return;
    const now = Date.now();
    for (const socket of this.geo.refused(state.sockets.values(), now))
      this.run({ kind: "close_socket", socket, close: geoClose }, now);
    this.commit();
    const end = this.geo.nextEndMs(now);
    if (end !== null) this.arm(end);
  }

  /** The last word on a CONNECT whose credentials are good: whether they may come from there. */
  private judgePlace(id: SocketId, identity: Identity | Elsewhere): Identity | Elsewhere | RefusedPlace {
    const socket = this.state?.sockets.get(id);
    if (socket === undefined || identity.kind === "elsewhere") return identity;
    return this.geo.admits(socket, identity, Date.now()) ? identity : { kind: "refused_place", close: geoClose };
  }

  setStanding(org: OrgId, standing: HubStanding): void {
    this.openOrg(org);
    if (this.standing !== null && standing.version < this.standing.version) return;
    this.standing = standing;
    this.limitDay();
    this.storage.alongside(() => writeStanding(this.ctx.storage.sql, standing));
    this.closeIfShut();
    this.commit();
  }

  /** Sockets, then all that is stored; no will is published, for nobody is left to hear one. */
  async erase(_org: OrgId): Promise<void> {
    this.erased = true;
    for (const live of [...this.live.values()]) {
      this.forget(live);
      closeSocket(live, shutClose("deleting", Math.random()));
    }
    this.state = null;
    this.link = null;
    this.writes = [];
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  beginExport(org: OrgId, which: string): number {
    this.openOrg(org);
    // What was acknowledged is in its tables then, and not in the journal.
    this.commit();
    this.durably(() => this.storage.flush());
    return this.exported().begin(which);
  }

  readExport(org: OrgId, which: string, page: number): Uint8Array<ArrayBuffer> | null {
    this.openOrg(org);
    return this.exported().page(which, page);
  }

  endExport(org: OrgId, which: string): void {
    this.openOrg(org);
    this.exported().end(which);
  }

  private exported(): HubExport {
    const { storage } = this.ctx;
    return new HubExport(storage.sql, (change) => storage.transactionSync(change));
  }

  reconcile(org: OrgId, range: HubRange): void {
    const now = Date.now();
    for (const event of reconciliation(this.openOrg(org), range)) this.run(event, now);
    this.commit();
  }

  /** Each object of a split tenant has an equal share of the plan: devices are spread over them by their ids' hashes. */
  private limitDay(): void {
    const { standing, state } = this;
    if (standing === null || state === null) return;
    const { messages_a_day: limit } = limitsOf(standing.plan, limitScaleOf(this.env));
    state.daily.limit = Math.ceil(limit / parseShardCount(this.env.HUB_SHARDS));
  }

  recordsOf(org: OrgId, day: number): number {
    return this.openOrg(org).daily.takenOn(day);
  }

  private closeIfShut(): void {
    const { standing, state } = this;
    if (standing === null || standing.state === "active" || state === null) return;
    const now = Date.now();
    for (const socket of [...state.sockets.keys()])
      this.run({ kind: "close_socket", socket, close: shutClose(standing.state, Math.random()) }, now);
  }

  /** For the tenant's other hub objects: nobody but this Worker can reach an object, so its own word is enough. */
  async shard(org: OrgId, call: ShardCall): Promise<ShardAnswer> {
    this.openOrg(org);
    if (call.kind === "told") return this.told();
    return this.link === null ? answerAlone(org, this.name(org), call) : await this.link.answer(call);
  }

  /** Acts at once, or when devices that are on their way here from another object have arrived. */
  private withDevices<T>(org: OrgId, devices: readonly DeviceId[], act: (state: BrokerState) => T): T | Promise<T> {
    const state = this.openOrg(org);
    const arrivals = this.link?.arrivals(devices) ?? null;
    return arrivals === null ? act(state) : arrivals.then(() => act(state));
  }

  /** The state of this object's one organisation; a call for another one is a bug and throws. */
  private openOrg(org: OrgId): BrokerState {
    if (this.erased) throw new Error("this hub was erased");
    if (this.state === null) {
      if (parseHubName(this.name(org))?.org !== org) throw new Error("this hub's name is another organisation's");
      this.storage.setOrg(org);
      this.restore(org, true);
    }
    if (this.state === null || this.state.org !== org) throw new Error("this hub belongs to another organisation");
    return this.state;
  }

  /** Rebuilds memory from storage and from the sockets that hibernated. */
  private restore(org: OrgId, isNew: boolean): void {
    const state = this.storage.load(org);
    this.state = state;
    this.standing = readStanding(this.ctx.storage.sql);
    this.limitDay();
    this.link = this.openLink(org, state, isNew);
    state.shard = this.link;
    state.rates = new Rates(limitScaleOf(this.env), this.limits.current);
    const take = (told: Told) => this.learn(org, told);
    this.briefing = Briefing.of(this.name(org), { env: this.env, sql: this.ctx.storage.sql, org, take });
    for (const socket of this.ctx.getWebSockets()) {
      const attachment = socket.deserializeAttachment() as Attachment | null;
      if (attachment === null || attachment.closed) continue;
      state.sockets.set(attachment.id, socketOf(attachment, state));
      this.geo.opened(attachment.id, attachment.geo ?? null);
      const level = attachment.session === null ? null : attachment.level;
      this.remember(liveSocket(attachment.id, socket, level, this.storage.partial(attachment.id)));
    }
    this.handle({ kind: "restored" });
    // A crash between the word and its sockets: whatever came back with it ends now.
    this.closeIfShut();
    this.commit();
    this.closeRefused();
    this.outbox.wake();
    this.link?.wake();
  }

  private openLink(org: OrgId, state: BrokerState, isNew: boolean): ShardLink | null {
    const { env, ctx, storage } = this;
    const staged = <T>(read: () => T): T => {
      this.stage();
      return read();
    };
    return ShardLink.open(
      {
        env,
        sql: ctx.storage.sql,
        org,
        name: this.name(org),
        state,
        run: (event) => void this.run(event, Date.now()),
        perform: (effects) => {
          for (const effect of effects) this.perform(state, effect, Date.now());
        },
        commit: () => this.commit(),
        alongside: (change) => storage.alongside(change),
        messages: (key, seqs) => staged(() => storage.messages(key, seqs)),
        retained: (topics) => staged(() => storage.retained(topics)),
        arm: (atMs) => this.arm(atMs),
      },
      isNew,
    );
  }

  /** The name that this object is reached by. */
  private name(org: OrgId): string {
    return this.ctx.id.name ?? org;
  }

  private remember(live: LiveSocket): void {
    this.live.set(live.id, live);
    this.bySocket.set(live.socket, live);
  }

  private forget(live: LiveSocket): void {
    this.live.delete(live.id);
    this.bySocket.delete(live.socket);
    this.geo.forget(live.id);
    this.partials.gone(live);
  }

  private liveOf(socket: WebSocket): LiveSocket | undefined {
    const known = this.bySocket.get(socket);
    if (known !== undefined) return known;
    const attachment = socket.deserializeAttachment() as Attachment | null;
    return attachment === null || attachment.closed ? undefined : this.live.get(attachment.id);
  }

  /** One event from beginning to end. */
  private handle(event: BrokerEvent): void {
    this.run(event, Date.now());
    this.commit();
  }

  /**
   * Takes the broker through an event and whatever its effects ask for at once.
   * @returns a pending judgement of credentials, if the event began one
   */
  private run(event: BrokerEvent, now: number): PendingIdentity | null {
    const { effects, state } = this;
    if (state === null) throw new Error("an event came before the organisation was known");
    let judging: PendingIdentity | null = null;
    advance(state, event, now, effects);
    // What a load or a judgement gives back causes more effects, behind those that are there already.
    for (let at = 0; at < effects.length; at += 1) {
      const pending = this.perform(state, effects[at] as Effect, now);
      if (pending !== null) judging = pending;
    }
    effects.length = 0;
    return judging;
  }

  private perform(state: BrokerState, effect: Effect, now: number): PendingIdentity | null {
    switch (effect.kind) {
      case "write":
        this.write(effect.write);
        return null;
      case "send": {
        const live = this.live.get(effect.socket.id);
        if (live !== undefined) this.outgoing.send(live, effect.socket.level, effect.packet);
        return null;
      }
      case "send_all":
        this.outgoing.sendAll(effect.sockets, effect.packet, (socket) => this.live.get(socket.id));
        return null;
      case "close": {
        const live = this.live.get(effect.socket.id);
        if (live === undefined) return null;
        this.forget(live);
        this.outgoing.close(live, effect.close);
        return null;
      }
      case "load": {
        const { from, to, seqs } = effect;
        this.stage();
        advance(state, { kind: "loaded", from, to, messages: this.storage.messages(from, seqs) }, now, this.effects);
        return null;
      }
      case "load_retained": {
        const { request, topics } = effect;
        this.stage();
        advance(
          state,
          { kind: "retained_loaded", request, messages: this.storage.retained(topics) },
          now,
          this.effects,
        );
        return null;
      }
      case "wake":
        this.wakeAt(effect.atMs);
        return null;
      case "save_socket":
        this.touched.add(effect.socket.id);
        return null;
      case "relay":
        this.link?.send(effect);
        return null;
      case "announce":
        this.link?.announce(effect);
        return null;
      case "authenticate": {
        const { connect, socket } = effect;
        const keys = objectKeys(this.env).access;
        const judge = () => judgeCredentials(connect, socket.upgrade, state, keys, Date.now());
        const placed = this.link?.place(connect, socket.upgrade) ?? null;
        const identity = placed instanceof Promise ? placed.then((known) => known ?? judge()) : (placed ?? judge());
        if (!(identity instanceof Promise)) {
          const judged = this.judgePlace(socket.id, identity);
          advance(state, { kind: "authenticated", socket: socket.id, identity: judged }, now, this.effects);
          return null;
        }
        const live = this.live.get(socket.id);
        if (live !== undefined) live.busy = true;
        return { identity };
      }
    }
  }

  private write(write: Write): void {
    this.link?.observe(write);
    if (write.kind === "append_outbox") this.appended = true;
    if (write.kind !== "put_session") {
      this.writes.push(write);
      return;
    }
    // A session is mutable memory: the write keeps what it was when it was asked for.
    this.writes.push({ ...write, session: { ...write.session } });
    const deadlineMs = sessionDeadlineMs(write.session);
    if (deadlineMs !== null) this.arm(deadlineMs);
  }

  /** Shows storage what was written since the last commit, so that it can be read. */
  private stage(): void {
    if (this.writes.length === 0) return;
    const { writes } = this;
    this.writes = [];
    this.durably(() => this.storage.stage(writes));
  }

  /** Memory is ahead of storage when a write fails. Nothing was acknowledged: start again from storage. */
  private durably(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.ctx.abort("the hub's writes failed");
      throw error;
    }
  }

  /**
   * Commits together with everything else that has already arrived: one transaction and one frame a socket for
   * many messages carry several times what one each does.
   */
  private commitSoon(now: number): void {
    const stores = this.writes.length > 0 || this.storage.hasStaged || this.link?.hasGathered === true;
    // A part of a packet asks for nothing.
    if (!stores && this.outgoing.isEmpty && this.touched.size === 0) return;
    this.requestedAtMs ??= now;
    if (this.outgoing.size > heldPacketsMax) this.commit();
    else this.tick.request(stores, this.outgoing.sockets, now);
  }

  /** COMMIT POINT: the writes, then the packets that acknowledge them. */
  private commit(): void {
    if (this.requestedAtMs !== null) this.admission.waited(this.requestedAtMs, Date.now());
    this.requestedAtMs = null;
    this.stage();
    this.link?.stage();
    this.durably(() => this.storage.commit());
    for (const id of this.touched) this.saveSocket(id);
    // A new one: what a Set is cleared of stays in memory for longer (broker/passing-map.ts).
    if (this.touched.size > 0) this.touched = new Set();
    this.outgoing.flush((live, close) => closeSocket(live, close));
    this.link?.flush();
    if (!this.appended) return;
    this.appended = false;
    this.outbox.schedule();
  }

  private saveSocket(id: SocketId): void {
    const socket = this.state?.sockets.get(id);
    const live = this.live.get(id);
    if (socket === undefined || live === undefined) return;
    socket.savedSeenMs = socket.lastSeenMs;
    live.socket.serializeAttachment(attachmentOf(socket, false, this.geo.attachmentOf(id)));
    const deadline = deadlineOf(socket);
    if (deadline !== null) this.arm(deadline.atMs);
  }

  /** Rings no later than this. */
  /** A timer and no alarm: what waits is in memory. */
  private wakeAt(atMs: number): void {
    if (this.wakesAtMs !== null && this.wakesAtMs <= atMs) return;
    this.wakesAtMs = atMs;
    setTimeout(
      () => {
        // A sooner one has done its work, or the object was erased.
        if (this.wakesAtMs !== atMs || this.state === null) return;
        this.wakesAtMs = null;
        this.handle({ kind: "pace" });
      },
      Math.max(1, atMs - Date.now()),
    );
  }

  private arm(atMs: number): void {
    if (this.armedAtMs !== null && this.armedAtMs <= atMs) return;
    this.armedAtMs = atMs;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(atMs));
  }
}

function closeSocket(live: LiveSocket, close: Close): void {
  try {
    const attachment = live.socket.deserializeAttachment() as Attachment | null;
    if (attachment !== null) live.socket.serializeAttachment({ ...attachment, closed: true });
    // RFC 6455 section 5.5: at most 123 bytes of reason.
    live.socket.close(close.code, close.reason.slice(0, 120));
  } catch {
    // Already closed from the other side.
  }
}

function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
