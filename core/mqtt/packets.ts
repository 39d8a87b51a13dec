import type { Properties } from "./properties.ts";
import type { ReasonCode } from "./reason-codes.ts";

/**
 * MQTT control packets as values, one shape for every version: `properties` is null and reason codes are
 * their defaults where 3.1 and 3.1.1 have none.
 */

/** Protocol level on the wire: 3 is 3.1 (`MQIsdp`), 4 is 3.1.1, 5 is 5.0. */
export type ProtocolLevel = 3 | 4 | 5;

export type QoS = 0 | 1 | 2;

export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Will properties; `willDelayInterval` among them. Null before 5.0, or when there are none. */
  readonly properties: Properties | null;
}

export interface ConnectPacket {
  readonly type: "connect";
  readonly level: ProtocolLevel;
  /** Clean Session (3.1.1), Clean Start (5.0). */
  readonly clean: boolean;
  /** 0 turns the keep-alive off. */
  readonly keepAliveSeconds: number;
  readonly clientId: string;
  readonly will: Will | null;
  readonly username: string | null;
  readonly password: Uint8Array | null;
  readonly properties: Properties | null;
}

export interface ConnackPacket {
  readonly type: "connack";
  readonly sessionPresent: boolean;
  /** Before 5.0 the encoder sends `connackReturnCode(reasonCode)`, and the decoder gives the code that stands for it. */
  readonly reasonCode: ReasonCode;
  readonly properties: Properties | null;
}

export interface PublishPacket {
  readonly type: "publish";
  readonly dup: boolean;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Empty only in 5.0 together with `properties.topicAlias`. */
  readonly topic: string;
  /** 1–65535 at QoS 1 and 2, null at QoS 0. */
  readonly packetId: number | null;
  readonly payload: Uint8Array;
  readonly properties: Properties | null;
  /**
   * The whole packet as it came, a view of the received bytes; or as the encoder made it, kept for the next
   * socket that is sent the same packet. Null when it has to be encoded.
   */
  wire: Wire | null;
}

/** Encoded bytes and the level they are encoded for. */
export interface Wire {
  readonly level: ProtocolLevel;
  readonly bytes: Uint8Array;
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP. */
export interface AckPacket {
  readonly type: "puback" | "pubrec" | "pubrel" | "pubcomp";
  readonly packetId: number;
  /** `success` before 5.0: nothing else can be said there. */
  readonly reasonCode: ReasonCode;
  readonly properties: Properties | null;
}

/** Retain Handling (5.0, section 3.8.3.1): 0 send retained, 1 only if the subscription is new, 2 don't. */
export type RetainHandling = 0 | 1 | 2;

export interface Subscription {
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: RetainHandling;
}

export interface SubscribePacket {
  readonly type: "subscribe";
  readonly packetId: number;
  readonly subscriptions: readonly Subscription[];
  readonly properties: Properties | null;
}

export interface SubackPacket {
  readonly type: "suback";
  readonly packetId: number;
  /** One for each filter: a granted QoS, or a refusal, which 3.1.1 knows only as 0x80. */
  readonly codes: readonly ReasonCode[];
  readonly properties: Properties | null;
}

export interface UnsubscribePacket {
  readonly type: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
  readonly properties: Properties | null;
}

export interface UnsubackPacket {
  readonly type: "unsuback";
  readonly packetId: number;
  /** One for each filter in 5.0; not on the wire before, and decoded as empty. */
  readonly codes: readonly ReasonCode[];
  readonly properties: Properties | null;
}

export interface PingPacket {
  readonly type: "pingreq" | "pingresp";
}

export interface DisconnectPacket {
  readonly type: "disconnect";
  readonly reasonCode: ReasonCode;
  readonly properties: Properties | null;
}

/** 5.0 only. */
export interface AuthPacket {
  readonly type: "auth";
  readonly reasonCode: ReasonCode;
  readonly properties: Properties | null;
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingPacket
  | DisconnectPacket
  | AuthPacket;

export type PacketType = Packet["type"];

/** Control packet types by their number (table 2.1); 0 is reserved, and 15 before 5.0. */
export const packetTypes = [
  null,
  "connect",
  "connack",
  "publish",
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "subscribe",
  "suback",
  "unsubscribe",
  "unsuback",
  "pingreq",
  "pingresp",
  "disconnect",
  "auth",
] as const satisfies readonly (PacketType | null)[];

/** Who sent the bytes: a client never sends a CONNACK, a server never a CONNECT (table 2.1). */
export type Sender = "client" | "server";
