import type { DeviceId, UserId } from "../../../core/ids.ts";
import type { AckPacket, ConnectPacket, ProtocolLevel, QoS, RetainHandling, Will } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import type { FilterSpec } from "../../../core/topics/topic-filter.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import { inflightMax } from "./limits.ts";
import { PassingMap } from "./passing-map.ts";
import { PassingSet } from "./passing-set.ts";
import { Queue } from "./queue.ts";
import type { PrincipalRate } from "./rates.ts";

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

/** Another object of this tenant serves whoever this is; `reference` is where (5.0, section 3.2.2.3.16). */
export interface Elsewhere {
  readonly kind: "elsewhere";
  readonly reference: string;
}

export interface Socket {
  readonly id: SocketId;
  readonly acceptedAtMs: number;
  readonly upgrade: UpgradeCredential | null;
  phase: "fresh" | "authenticating" | "connected";
  /** What CONNECT asked for; 4 until it came. */
  level: ProtocolLevel;
  /** The CONNECT whose credentials are being judged; null in every other phase. */
  connect: ConnectPacket | null;
  /** Set when connected. Invariant: that session's `socket` is this socket's id, its `attached` this socket. */
  session: Session | null;
  /** The login session of a connected user; null for devices. */
  identity: { readonly user: UserId; readonly sid: string } | null;
  keepAliveSeconds: number;
  /** When the last packet came; every inbound packet writes it. */
  lastSeenMs: number;
  /** `lastSeenMs` as the attachment has it: at most `seenSavedEveryMs` behind. */
  savedSeenMs: number;
  /** When the user's token ends; null for devices. */
  expiresAtMs: number | null;
  /** The client's Receive Maximum; `inflightMax` for who named none. */
  receiveMaximum: number;
  /** The client's Maximum Packet Size in bytes; null for none. */
  packetBytesMax: number | null;
  /** Request Problem Information: reason strings and user properties in acknowledgements (5.0, section 3.1.2.11.7). */
  problemInformation: boolean;
  /** Topic aliases that the client set, by alias; bounded, because the attachment carries them. */
  readonly aliasesIn: Map<number, string>;
  /** Topic aliases that we set, by topic, at most `aliasesOutMax`. */
  readonly aliasesOut: Map<string, number>;
  aliasesOutMax: number;
  /** `Session.unsent` as the attachment had it; read when the object wakes. */
  savedUnsent: number;
  /** What its principal has taken; found at its first packet. Not stored: see `Bucket`. */
  rate: PrincipalRate | null;
  /**
   * Acknowledgements that wait, oldest first. Written by pacing.ts. A timer stands while there are any, so the object
   * does not sleep; when it is thrown out all the same, `savedPaced` ends the connection and the client sends again.
   */
  readonly withheld: { readonly packet: AckPacket; readonly dueMs: number }[];
  /** Whether there were any as the attachment had it; read when the object wakes. */
  savedPaced: boolean;
  /** When a 3.x connection ends that was not acknowledged something because the day was full; null: nothing. */
  heldUntilMs: number | null;
  /** See `unheardBytesMax`; lost on eviction, which only ever forgives. */
  unheardBytes: number;
}

/** A message as it is routed, or as one session is to receive it. */
export interface Message {
  readonly topic: TopicName;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** What travels with it in 5.0: never a topic alias; `subscriptionIdentifiers` only once it is a session's. */
  readonly properties: Properties | null;
  /** Unix milliseconds after which nobody receives it any more; null for never. */
  readonly expiresAtMs: number | null;
}

/** What is known in memory of a message that waits in storage. */
export interface QueuedMessage {
  readonly seq: number;
  readonly qos: QoS;
  readonly bytes: number;
  readonly expiresAtMs: number | null;
}

export interface InflightMessage extends QueuedMessage {
  /** False after a reconnect until it was sent again. */
  sent: boolean;
}

export interface SessionSubscription {
  readonly spec: FilterSpec;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: RetainHandling;
  /** Subscription Identifier, or null. */
  readonly identifier: number | null;
}

export interface Session {
  readonly key: SessionKey;
  readonly principal: Principal;
  /** Empty only for a device's mailbox, which holds commands that no session took. */
  readonly clientId: string;
  /** How long it outlives its connection, in seconds; 0 ends with it, `expiryNever` never. */
  expirySeconds: number;
  socket: SocketId | null;
  /** `socket` as an object. Not stored. */
  attached: Socket | null;
  disconnectedAtMs: number;
  /** By the text that was subscribed to, `$share` prefix included. */
  readonly subscriptions: Map<string, SessionSubscription>;
  /**
   * Packet id → message whose PUBACK or PUBREC is awaited, in the order they were first sent. Written by
   * deliver.ts and acknowledge.ts; each entry is stored with its id.
   */
  readonly inflight: PassingMap<number, InflightMessage>;
  inflightBytes: number;
  /** Entries of `inflight` that this connection has not been sent yet. */
  unsent: number;
  /**
   * Packet ids of QoS 2 messages whose PUBREC came and whose PUBCOMP is awaited, in the order of the
   * PUBRECs. The message itself is forgotten. Written by acknowledge.ts; each entry is stored.
   * Invariant: no id is here and in `inflight`, so both share one space of ids.
   */
  readonly released: PassingSet<number>;
  /** Stored messages without a packet id, oldest first. */
  readonly queue: Queue<QueuedMessage>;
  queueBytes: number;
  /** Packet ids of QoS 2 messages from the client whose PUBREL is awaited. Written by publish.ts; each is stored. */
  readonly received: PassingSet<number>;
  will: Will | null;
  /** When the will of a session without a connection is published; null while connected, or without a will. */
  willDueAtMs: number | null;
}

/** Session Expiry Interval "does not expire" (5.0, section 3.1.2.11.2), in seconds. */
export const expiryNever = 0xffff_ffff;

/** When a session without a connection ends, in Unix milliseconds; null for never. */
export function sessionEndMs(session: Session): number | null {
  if (session.socket !== null || session.expirySeconds === expiryNever) return null;
  return session.disconnectedAtMs + session.expirySeconds * 1000;
}

/** A session without a past. */
export function newSession(principal: Principal, clientId: string, expirySeconds: number): Session {
  return {
    key: sessionKey(principal, clientId),
    principal,
    clientId,
    expirySeconds,
    socket: null,
    attached: null,
    disconnectedAtMs: 0,
    subscriptions: new Map(),
    inflight: new PassingMap(),
    inflightBytes: 0,
    unsent: 0,
    released: new PassingSet(),
    queue: new Queue(),
    queueBytes: 0,
    received: new PassingSet(),
    will: null,
    willDueAtMs: null,
  };
}

/** A socket that has sent nothing yet. */
export function newSocket(id: SocketId, upgrade: UpgradeCredential | null, now: number): Socket {
  return {
    id,
    acceptedAtMs: now,
    upgrade,
    phase: "fresh",
    level: 4,
    connect: null,
    session: null,
    identity: null,
    keepAliveSeconds: 0,
    lastSeenMs: now,
    savedSeenMs: now,
    expiresAtMs: null,
    receiveMaximum: inflightMax,
    packetBytesMax: null,
    problemInformation: true,
    aliasesIn: new Map(),
    aliasesOut: new Map(),
    aliasesOutMax: 0,
    savedUnsent: 0,
    rate: null,
    withheld: [],
    savedPaced: false,
    heldUntilMs: null,
    unheardBytes: 0,
  };
}
