import type { DeviceId, GroupId, OrgId, UserId } from "../../../core/ids.ts";
import type { ConnectPacket, QoS, Will } from "../../../core/mqtt/packets.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import { SubscriptionIndex } from "./subscription-index.ts";

/** Names one accepted WebSocket for as long as it lives. */
export type SocketId = string;

/** Who a session belongs to. */
export type Principal =
  | { readonly kind: "device"; readonly device: DeviceId }
  | { readonly kind: "user"; readonly user: UserId };

declare const sessionKeyBrand: unique symbol;
/** Principal and client id: two devices with the same client id have two keys, so neither evicts the other. */
export type SessionKey = string & { readonly [sessionKeyBrand]: true };

/** Builds the key; ids hold no space, so no two pairs share one. */
export function sessionKey(principal: Principal, clientId: string): SessionKey {
  return `${principalId(principal)} ${clientId}` as SessionKey;
}

/** The device's or user's id. */
export function principalId(principal: Principal): DeviceId | UserId {
  return principal.kind === "device" ? principal.device : principal.user;
}

/** What the upgrade request proved, before any CONNECT. */
export type UpgradeCredential =
  | { readonly kind: "device_token"; readonly sha256: string }
  | { readonly kind: "user"; readonly user: UserId; readonly sid: string; readonly expiresAtMs: number };

/** What a CONNECT's credentials proved; `authorize` then judges it against what the hub knows now. */
export type Identity =
  | { readonly kind: "device"; readonly device: DeviceId }
  | { readonly kind: "user"; readonly user: UserId; readonly sid: string; readonly expiresAtMs: number }
  | { readonly kind: "bad_credentials" }
  | { readonly kind: "unavailable" };

export interface Socket {
  readonly id: SocketId;
  readonly acceptedAtMs: number;
  readonly upgrade: UpgradeCredential | null;
  phase: "fresh" | "authenticating" | "connected";
  /** The CONNECT whose credentials are being judged; null in every other phase. */
  connect: ConnectPacket | null;
  /** Set when connected. Invariant: that session's `socket` is this socket. */
  session: SessionKey | null;
  /** The login session of a connected user; null for devices. */
  identity: { readonly user: UserId; readonly sid: string } | null;
  keepAliveSeconds: number;
  /** When the last packet came; every inbound packet writes it. */
  lastSeenMs: number;
  /** When the user's token ends; null for devices. */
  expiresAtMs: number | null;
  /** See `unheardBytesMax`; lost on eviction, which only ever forgives. */
  unheardBytes: number;
}

export interface Message {
  readonly topic: TopicName;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** What is known in memory of a message that waits in storage. */
export interface QueuedMessage {
  readonly seq: number;
  readonly qos: QoS;
  readonly bytes: number;
}

export interface SessionSubscription {
  readonly qos: QoS;
}

export interface Session {
  readonly key: SessionKey;
  readonly principal: Principal;
  /** Empty only for a device's mailbox, which holds commands that no session took. */
  readonly clientId: string;
  readonly clean: boolean;
  socket: SocketId | null;
  disconnectedAtMs: number;
  /** By the text that was subscribed to, `$share` prefix included. */
  readonly subscriptions: Map<string, SessionSubscription>;
  /**
   * Packet id → message whose PUBACK or PUBREC is awaited. Written by `deliver`, `sendLoaded` and
   * acknowledge.ts; each entry is stored with its id.
   */
  readonly inflight: Map<number, QueuedMessage>;
  /**
   * Packet ids of QoS 2 messages whose PUBREC came and whose PUBCOMP is awaited, in the order of the
   * PUBRECs. The message itself is forgotten. Written by acknowledge.ts; each entry is stored.
   * Invariant: no id is here and in `inflight`, so both share one space of ids.
   */
  readonly released: Set<number>;
  lastPacketId: number;
  /** Stored messages without a packet id, oldest first. */
  queue: QueuedMessage[];
  queueBytes: number;
  /** Packet ids of QoS 2 messages from the client whose PUBREL is awaited. Written by publish.ts; each is stored. */
  readonly received: Set<number>;
  will: Will | null;
}

export interface Device {
  readonly tokenSha256: string;
  online: boolean;
  sinceMs: number;
}

export interface Group {
  readonly devices: ReadonlySet<DeviceId>;
  readonly members: ReadonlySet<UserId>;
}

/**
 * One tenant's broker. `step` owns it: the maps are updated in place, so a state that was given to
 * `step` must not be used again; use the one it returns.
 */
export interface BrokerState {
  readonly org: OrgId;
  readonly devices: Map<DeviceId, Device>;
  readonly members: Map<UserId, Role>;
  readonly groups: Map<GroupId, Group>;
  /** Ended login sessions → until when they are remembered. */
  readonly endedSids: Map<string, number>;
  readonly sessions: Map<SessionKey, Session>;
  /** Written with `sessions`: every key of a principal. */
  readonly byPrincipal: Map<string, Set<SessionKey>>;
  readonly sockets: Map<SocketId, Socket>;
  /** Written with `Session.subscriptions`. */
  readonly index: SubscriptionIndex<SessionKey>;
  /** Names of retained messages by device; the payloads stay in storage. */
  readonly retained: Map<DeviceId, Set<TopicName>>;
  nextSeq: number;
  outboxBytes: number;
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
    devices: new Map(),
    members: new Map(),
    groups: new Map(),
    endedSids: new Map(),
    sessions: new Map(),
    byPrincipal: new Map(),
    sockets: new Map(),
    index: new SubscriptionIndex(),
    retained: new Map(),
    nextSeq: 1,
    outboxBytes: 0,
  };
}

/** Adds a session to both maps and its subscriptions to the index. */
export function addSession(state: BrokerState, session: Session): void {
  state.sessions.set(session.key, session);
  const id = principalId(session.principal);
  const keys = state.byPrincipal.get(id) ?? new Set();
  keys.add(session.key);
  state.byPrincipal.set(id, keys);
  for (const text of session.subscriptions.keys()) state.index.add(session.key, text);
}

/** Takes a session out of both maps and the index. */
export function forgetSession(state: BrokerState, session: Session): void {
  for (const text of session.subscriptions.keys()) state.index.remove(session.key, text);
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

/** A session without a past. */
export function newSession(principal: Principal, clientId: string, clean: boolean): Session {
  return {
    key: sessionKey(principal, clientId),
    principal,
    clientId,
    clean,
    socket: null,
    disconnectedAtMs: 0,
    subscriptions: new Map(),
    inflight: new Map(),
    released: new Set(),
    lastPacketId: 0,
    queue: [],
    queueBytes: 0,
    received: new Set(),
    will: null,
  };
}
