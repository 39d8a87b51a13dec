import type { DeviceId, GroupId, UserId } from "../../../core/ids.ts";
import type { ConnectPacket, Packet, PublishPacket } from "../../../core/mqtt/packets.ts";
import type { ReasonCode } from "../../../core/mqtt/reason-codes.ts";
import type { Refusal } from "../../../core/mqtt/refusals.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { BegunDay } from "./daily-records.ts";
import type {
  Elsewhere,
  Identity,
  Message,
  Session,
  SessionKey,
  SessionSubscription,
  Socket,
  SocketId,
  UpgradeCredential,
} from "./session.ts";
import type { ApiKey, Device, Group } from "./state.ts";

/** A stored message with its packet id, if it was in flight. */
export interface StoredMessage {
  readonly seq: number;
  readonly packetId: number | null;
  readonly message: Message;
}

/** For whom retained messages were asked: a subscription as it was when they were. */
export interface RetainedRequest {
  readonly session: SessionKey;
  readonly subscription: SessionSubscription;
}

/** Good credentials, from where the organisation takes none. */
export interface RefusedPlace {
  readonly kind: "refused_place";
  readonly close: Close;
}

/** What happens to a broker. */
export type BrokerEvent =
  | { readonly kind: "socket_opened"; readonly socket: SocketId; readonly upgrade: UpgradeCredential | null }
  | { readonly kind: "packet"; readonly socket: SocketId; readonly packet: Packet }
  /** Bytes that are no packet. */
  | { readonly kind: "refused"; readonly socket: SocketId; readonly refusal: Refusal }
  /** The answer to `authenticate`. */
  | {
      readonly kind: "authenticated";
      readonly socket: SocketId;
      readonly identity: Identity | Elsewhere | RefusedPlace;
    }
  | { readonly kind: "socket_closed"; readonly socket: SocketId }
  /** The shell has no time for this CONNECT now. */
  | {
      readonly kind: "shed";
      readonly socket: SocketId;
      readonly packet: ConnectPacket;
      readonly retryAfterSeconds: number;
    }
  /** The shell ends a socket (a text frame, too many bytes held back). */
  | { readonly kind: "close_socket"; readonly socket: SocketId; readonly close: Close }
  /** The answer to `load`, in the order asked. */
  | {
      readonly kind: "loaded";
      readonly from: SessionKey;
      readonly to: SessionKey;
      readonly messages: readonly StoredMessage[];
    }
  /** The answer to `load_retained`. */
  | {
      readonly kind: "retained_loaded";
      readonly request: RetainedRequest;
      readonly messages: readonly Message[];
    }
  | { readonly kind: "tick" }
  /** Acknowledgements that waited are due. */
  | { readonly kind: "pace" }
  | { readonly kind: "put_device"; readonly device: DeviceId; readonly tokenSha256: string }
  | { readonly kind: "remove_device"; readonly device: DeviceId }
  | { readonly kind: "put_member"; readonly user: UserId; readonly role: Role | null }
  | { readonly kind: "put_key"; readonly user: UserId; readonly key: ApiKey }
  | { readonly kind: "put_group"; readonly group: GroupId; readonly content: Group }
  /** `user`: who asks for himself; null when someone with authority over everybody asks. */
  | { readonly kind: "end_session"; readonly sid: string; readonly user: UserId | null }
  /** The object woke: sessions whose socket did not come back with it have lost it. */
  | { readonly kind: "restored" }
  | { readonly kind: "publish_command"; readonly device: DeviceId; readonly payload: Uint8Array }
  | { readonly kind: "outbox_drained"; readonly bytes: number }
  /** A message that another object of this tenant took, for the sessions of users or of devices here. */
  | { readonly kind: "relayed"; readonly message: Message; readonly reach: "users" | "devices" }
  /** A device that leaves for another object: its sockets end. */
  | { readonly kind: "release_device"; readonly device: DeviceId; readonly reference: string };

/**
 * How a socket is closed: an RFC 6455 code, a text that names the reason or the limit, and what DISCONNECT
 * says to a 5.0 client before; null for none, where the client itself said goodbye.
 */
export interface Close {
  readonly code: number;
  readonly reason: string;
  readonly reasonCode: ReasonCode | null;
  /** Whether DISCONNECT carries the text: for what a person can mend, a limit or a right; not for a client's bad bytes. */
  readonly told: boolean;
  /** Server Reference of that CONNACK or DISCONNECT. */
  readonly serverReference?: string;
}

/** Changes that must be durable before any `send` of the same step leaves. */
export type Write =
  | { readonly kind: "put_session"; readonly session: Session }
  | { readonly kind: "delete_session"; readonly key: SessionKey }
  | {
      readonly kind: "put_subscription";
      readonly key: SessionKey;
      readonly text: string;
      readonly subscription: SessionSubscription;
    }
  | { readonly kind: "delete_subscription"; readonly key: SessionKey; readonly text: string }
  | {
      readonly kind: "put_message";
      readonly key: SessionKey;
      readonly seq: number;
      readonly packetId: number | null;
      readonly message: Message;
    }
  | { readonly kind: "set_packet_id"; readonly key: SessionKey; readonly seq: number; readonly packetId: number }
  | { readonly kind: "delete_message"; readonly key: SessionKey; readonly seq: number }
  /** A PUBREL that is owed its PUBCOMP; `seq` keeps the order of the PUBRECs. */
  | { readonly kind: "put_release"; readonly key: SessionKey; readonly packetId: number; readonly seq: number }
  | { readonly kind: "delete_release"; readonly key: SessionKey; readonly packetId: number }
  /** A QoS 2 message from the client that is owed its PUBREL. */
  | { readonly kind: "put_received"; readonly key: SessionKey; readonly packetId: number }
  | { readonly kind: "delete_received"; readonly key: SessionKey; readonly packetId: number }
  | { readonly kind: "put_retained"; readonly device: DeviceId; readonly message: Message }
  | { readonly kind: "delete_retained"; readonly topic: TopicName }
  | { readonly kind: "put_device"; readonly device: DeviceId; readonly entry: Device }
  | { readonly kind: "delete_device"; readonly device: DeviceId }
  | { readonly kind: "put_member"; readonly user: UserId; readonly role: Role | null }
  | { readonly kind: "put_key"; readonly user: UserId; readonly key: ApiKey | null }
  | { readonly kind: "put_group"; readonly group: GroupId; readonly content: Group }
  | { readonly kind: "put_ended_sid"; readonly sid: string; readonly untilMs: number }
  | { readonly kind: "delete_ended_sid"; readonly sid: string }
  /** With the first record of a day: see `DailyRecords`. */
  | { readonly kind: "begin_day"; readonly begun: BegunDay }
  | { readonly kind: "append_outbox"; readonly record: IngestRecord; readonly json: string; readonly bytes: number };

/** What the shell does for the broker, in order. */
export type Effect =
  | { readonly kind: "write"; readonly write: Write }
  | { readonly kind: "send"; readonly socket: Socket; readonly packet: Packet }
  /** `send` to each of them. The same array in a row is the same crowd (crowd.ts). */
  | { readonly kind: "send_all"; readonly sockets: readonly Socket[]; readonly packet: PublishPacket }
  | { readonly kind: "close"; readonly socket: Socket; readonly close: Close }
  /** Judge these credentials and answer with `authenticated`; no packet of this socket before that. */
  | { readonly kind: "authenticate"; readonly socket: Socket; readonly connect: ConnectPacket }
  /** Read these stored messages of `from` and answer with `loaded`. */
  | { readonly kind: "load"; readonly from: SessionKey; readonly to: SessionKey; readonly seqs: readonly number[] }
  | {
      readonly kind: "load_retained";
      readonly request: RetainedRequest;
      readonly topics: readonly TopicName[];
    }
  /** A message for another object; durable with the step above QoS 0. */
  | { readonly kind: "relay"; readonly target: string; readonly message: Message; readonly reach: "users" | "devices" }
  /**
   * A user's SUBACK that leaves once the other objects know what was granted; what is retained for
   * `requests`, there and here, comes back as `retained_loaded`.
   */
  | {
      readonly kind: "announce";
      readonly socket: Socket;
      readonly suback: Packet;
      readonly requests: readonly RetainedRequest[];
    }
  /** Come back with `pace` at this Unix time in milliseconds, or sooner. Lost with the object. */
  | { readonly kind: "wake"; readonly atMs: number }
  /** The socket's durable attachment changed. */
  | { readonly kind: "save_socket"; readonly socket: Socket };
