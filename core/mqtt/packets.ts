/**
 * MQTT control packets as values. `level` travels with CONNECT, and every codec function takes a
 * `version`, so that 5.0 can add properties and reason codes without another shape.
 */

/** Protocol level on the wire: 4 is 3.1.1, 5 is 5.0. */
export type ProtocolLevel = 4;

export type QoS = 0 | 1 | 2;

export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

export interface ConnectPacket {
  readonly type: "connect";
  readonly level: ProtocolLevel;
  readonly clean: boolean;
  /** 0 turns the keep-alive off. */
  readonly keepAliveSeconds: number;
  readonly clientId: string;
  readonly will: Will | null;
  readonly username: string | null;
  readonly password: Uint8Array | null;
}

/** CONNACK return codes of 3.1.1, table 3.1. */
export const connectReturnCodes = {
  accepted: 0,
  unacceptable_protocol_level: 1,
  identifier_rejected: 2,
  server_unavailable: 3,
  bad_credentials: 4,
  not_authorized: 5,
} as const;
export type ConnectReturnCode = (typeof connectReturnCodes)[keyof typeof connectReturnCodes];

export interface ConnackPacket {
  readonly type: "connack";
  readonly sessionPresent: boolean;
  readonly returnCode: ConnectReturnCode;
}

export interface PublishPacket {
  readonly type: "publish";
  readonly dup: boolean;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly topic: string;
  /** 1–65535 at QoS 1 and 2, null at QoS 0. */
  readonly packetId: number | null;
  readonly payload: Uint8Array;
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP and UNSUBACK carry a packet id and nothing else. */
export interface AckPacket {
  readonly type: "puback" | "pubrec" | "pubrel" | "pubcomp" | "unsuback";
  readonly packetId: number;
}

export interface Subscription {
  readonly filter: string;
  readonly qos: QoS;
}

export interface SubscribePacket {
  readonly type: "subscribe";
  readonly packetId: number;
  readonly subscriptions: readonly Subscription[];
}

/** A granted QoS, or 0x80 for a refusal. */
export type SubackCode = 0 | 1 | 2 | 0x80;

export interface SubackPacket {
  readonly type: "suback";
  readonly packetId: number;
  readonly codes: readonly SubackCode[];
}

export interface UnsubscribePacket {
  readonly type: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
}

export interface EmptyPacket {
  readonly type: "pingreq" | "pingresp" | "disconnect";
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | EmptyPacket;

export type PacketType = Packet["type"];

/** Control packet types by their number (table 2.1); 0 and 15 are reserved. */
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
  null,
] as const satisfies readonly (PacketType | null)[];

/** Who sent the bytes: a client never sends a CONNACK, a server never a CONNECT (table 2.1). */
export type Sender = "client" | "server";

const fromClientOnly: readonly PacketType[] = ["connect", "subscribe", "unsubscribe", "pingreq", "disconnect"];
const fromServerOnly: readonly PacketType[] = ["connack", "suback", "unsuback", "pingresp"];

/** True when this sender may send this packet. */
export function maySend(sender: Sender, type: PacketType): boolean {
  return !(sender === "client" ? fromServerOnly : fromClientOnly).includes(type);
}
