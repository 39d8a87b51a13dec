import type { DeviceId, GroupId, OrgId, UserId } from "../../../core/ids.ts";
import type { QoS } from "../../../core/mqtt/packets.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { Crowd } from "./crowd.ts";
import { DailyRecords } from "./daily-records.ts";
import { Rates } from "./rates.ts";
import { type Route, RouteTable } from "./routes.ts";
import { principalId, type Session, type SessionKey, type Socket, type SocketId } from "./session.ts";
import { SubscriptionIndex } from "./subscription-index.ts";

export interface Device {
  readonly tokenSha256: string;
  online: boolean;
  sinceMs: number;
}

/** What a service user may present as its password over MQTT. */
export interface ApiKey {
  /** Lower-case hex of the key's SHA-256. */
  readonly sha256: string;
  /** The key's session. */
  readonly sid: string;
  readonly expiresAtMs: number;
}

export interface Group {
  readonly devices: ReadonlySet<DeviceId>;
  readonly members: ReadonlySet<UserId>;
}

/** What memory knows of a retained message; its payload stays in storage. */
export interface RetainedEntry {
  readonly bytes: number;
  readonly expiresAtMs: number | null;
}

/** Where a message goes on to besides this object's own sessions, and at which QoS at most. */
export interface Onward {
  readonly target: string;
  readonly qos: QoS;
}

/** What one of several objects of a tenant knows of the others (`tenant-hub/shards/`). */
export interface ShardView {
  /** True when subscriptions are made known to other objects before they are acknowledged. */
  readonly announces: boolean;
  /** Do this device's mailbox and retained messages belong here? */
  isHome(device: DeviceId): boolean;
  /** May another object know this device? */
  mayKnow(device: DeviceId): boolean;
  /** Null: nobody elsewhere is to have it. */
  onward(found: Route): Onward | null;
}

/**
 * One tenant's broker. `step` owns it: the maps are updated in place, so a state that was given to
 * `step` must not be used again; use the one it returns.
 */
export interface BrokerState {
  readonly org: OrgId;
  /** Null for a tenant that is whole in one object. Set once, by the shell, before the first event. */
  shard: ShardView | null;
  readonly devices: Map<DeviceId, Device>;
  readonly members: Map<UserId, Role>;
  /** Of service users; whoever is no member has none. */
  readonly apiKeys: Map<UserId, ApiKey>;
  readonly groups: Map<GroupId, Group>;
  /** Ended login sessions → until when they are remembered. */
  readonly endedSids: Map<string, number>;
  readonly sessions: Map<SessionKey, Session>;
  /** Written with `sessions`: every key of a principal. */
  readonly byPrincipal: Map<string, Set<SessionKey>>;
  readonly sockets: Map<SocketId, Socket>;
  /** Who is being sent a burst of messages; null between bursts. Written by crowd.ts. */
  crowd: Crowd | null;
  /** Sockets with acknowledgements that wait. Written by pacing.ts and where sockets end. */
  readonly paced: Set<Socket>;
  /** Written once, by whoever makes the state: bounds are configured. */
  rates: Rates;
  /** Written with `Session.subscriptions`. */
  readonly index: SubscriptionIndex;
  /** What each topic means and who receives it, remembered. */
  readonly routes: RouteTable;
  /** Retained messages by device and topic; the payloads stay in storage. */
  readonly retained: Map<DeviceId, Map<TopicName, RetainedEntry>>;
  retainedBytes: number;
  /** Numbers every stored message; grows for ever, so it also orders them. */
  nextSeq: number;
  /** One counter for all sessions: a QoS 1 delivery to many of them is then the same bytes. Not stored. */
  lastPacketId: number;
  outboxBytes: number;
  /** What was taken for history today. Set by whoever loads the state. */
  daily: DailyRecords;
}

/** How an ended login session is remembered: ended by its own user, or (null) by authority. */
export function endedSidKey(sid: string, user: UserId | null): string {
  return user === null ? sid : `${user} ${sid}`;
}

/** True when this user's login session was ended, by either. */
export function sidEnded(state: BrokerState, sid: string, user: UserId): boolean {
  return state.endedSids.has(endedSidKey(sid, user)) || state.endedSids.has(endedSidKey(sid, null));
}

/** A broker that knows nothing yet. */
export function emptyState(org: OrgId): BrokerState {
  return {
    org,
    shard: null,
    devices: new Map(),
    members: new Map(),
    apiKeys: new Map(),
    groups: new Map(),
    endedSids: new Map(),
    sessions: new Map(),
    byPrincipal: new Map(),
    sockets: new Map(),
    crowd: null,
    paced: new Set(),
    rates: new Rates(1),
    index: new SubscriptionIndex(),
    routes: new RouteTable(),
    retained: new Map(),
    retainedBytes: 0,
    nextSeq: 1,
    lastPacketId: 0,
    outboxBytes: 0,
    daily: new DailyRecords(0, null),
  };
}

/** Adds a session to both maps and its subscriptions to the index. */
export function addSession(state: BrokerState, session: Session): void {
  state.sessions.set(session.key, session);
  const id = principalId(session.principal);
  const keys = state.byPrincipal.get(id) ?? new Set();
  keys.add(session.key);
  state.byPrincipal.set(id, keys);
  for (const subscription of session.subscriptions.values()) state.index.add(session, subscription);
}

/** Takes a session out of both maps and the index. */
export function forgetSession(state: BrokerState, session: Session): void {
  for (const subscription of session.subscriptions.values()) state.index.remove(session, subscription);
  state.sessions.delete(session.key);
  const id = principalId(session.principal);
  const keys = state.byPrincipal.get(id);
  keys?.delete(session.key);
  if (keys?.size === 0) state.byPrincipal.delete(id);
}

/** The sessions of one principal, a device's mailbox included. */
export function sessionsOf(state: BrokerState, id: DeviceId | UserId): Session[] {
  return [...(state.byPrincipal.get(id) ?? [])].flatMap((key) => state.sessions.get(key) ?? []);
}
