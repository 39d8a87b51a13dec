import { type DeviceId, makeId, type OrgId, type UserId } from "../../../core/ids.ts";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import type {
  ConnectPacket,
  Packet,
  ProtocolLevel,
  PublishPacket,
  QoS,
  Subscription,
} from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { type ReasonCode, reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { BrokerEvent, Close, Effect, Write } from "../../../durable-objects/tenant-hub/broker/events.ts";
import { Rates } from "../../../durable-objects/tenant-hub/broker/rates.ts";
import type { Identity, Message, SessionKey } from "../../../durable-objects/tenant-hub/broker/session.ts";
import { type BrokerState, emptyState } from "../../../durable-objects/tenant-hub/broker/state.ts";
import { advance } from "../../../durable-objects/tenant-hub/broker/step.ts";

export const org: OrgId = makeId("org", 1, new Uint8Array(10).fill(1));
export const deviceId = (n: number): DeviceId => makeId("device", n, new Uint8Array(10).fill(2));
export const userId = (n: number): UserId => makeId("user", n, new Uint8Array(10).fill(3));
export const topicOf = (device: DeviceId, ...rest: string[]): string =>
  ["sentinel", org, "devices", device, ...rest].join("/");

/** What a DISCONNECT without more says. */
export const disconnectPacket = (
  reasonCode: ReasonCode = reasonCodes.success,
  properties: Properties | null = null,
): Packet => ({ type: "disconnect", reasonCode, properties });

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export const ack = (
  type: "puback" | "pubrec" | "pubrel" | "pubcomp",
  packetId: number,
  reasonCode: ReasonCode = reasonCodes.success,
): Packet => ({ type, packetId, reasonCode, properties: null });

export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly text?: string;
  readonly packetId?: number;
  readonly dup?: boolean;
  readonly properties?: Properties;
}

type SubscriptionOptions = Partial<Omit<Subscription, "filter">>;

export interface SubscribeOptions extends SubscriptionOptions {
  readonly identifier?: number;
}

export function subscription(filter: string, options: SubscriptionOptions = {}): Subscription {
  const { qos = 1, noLocal = false, retainAsPublished = false, retainHandling = 0 } = options;
  return { filter, qos, noLocal, retainAsPublished, retainHandling };
}

/**
 * The broker with the smallest shell there can be: storage is two maps, credentials are what the test
 * says, and everything the broker asked for is on record. Packets are recorded as their client reads
 * them: encoded for its level and decoded again.
 */
export class Bench {
  readonly state: BrokerState = { ...emptyState(org), rates: new Rates(1_000_000) };
  now = 1_000_000;
  /** When the broker asked to be woken for what it holds back. */
  wakesAtMs: number | null = null;
  /** Who each socket's credentials prove; a socket that isn't here waits until the test answers. */
  readonly identities = new Map<string, Identity>();
  /** What left, in order, with the number of writes that stood before it. */
  readonly sent: { socket: string; packet: Packet; writesBefore: number; bytes: number }[] = [];
  readonly closed = new Map<string, string>();
  readonly closes = new Map<string, Close>();
  readonly written: Write[] = [];
  private published = 0;
  private readonly messages = new Map<string, { packetId: number | null; message: Message }>();
  private readonly releases = new Set<string>();
  private readonly received = new Set<string>();
  private readonly retained = new Map<TopicName, Message>();

  do(event: BrokerEvent): void {
    const effects: Effect[] = [];
    advance(this.state, event, this.now, effects);
    for (let at = 0; at < effects.length; at += 1) {
      const effect = effects[at];
      if (effect !== undefined) this.perform(effect, effects);
    }
  }

  /** What it asks for runs at once and causes more effects behind those that are there, as in the real shell. */
  private perform(effect: Effect, effects: Effect[]): void {
    const then = (event: BrokerEvent): void => advance(this.state, event, this.now, effects);
    switch (effect.kind) {
      case "write":
        this.write(effect.write);
        break;
      case "send": {
        const { id, level } = effect.socket;
        this.sent.push({ socket: id, writesBefore: this.written.length, ...asRead(effect.packet, level) });
        break;
      }
      case "send_all": {
        const { packet } = effect;
        for (const { id, level } of effect.sockets)
          this.sent.push({ socket: id, writesBefore: this.written.length, ...asRead(packet, level) });
        break;
      }
      case "close":
        this.closed.set(effect.socket.id, effect.close.reason);
        this.closes.set(effect.socket.id, effect.close);
        break;
      case "authenticate": {
        const identity = this.identities.get(effect.socket.id);
        if (identity !== undefined) then({ kind: "authenticated", socket: effect.socket.id, identity });
        break;
      }
      case "load": {
        const messages = effect.seqs.flatMap((seq) => {
          const stored = this.messages.get(`${effect.from} ${seq}`);
          return stored === undefined ? [] : [{ seq, ...stored }];
        });
        then({ kind: "loaded", from: effect.from, to: effect.to, messages });
        break;
      }
      case "load_retained": {
        const messages = effect.topics.flatMap((topic) => this.retained.get(topic) ?? []);
        then({ kind: "retained_loaded", request: effect.request, messages });
        break;
      }
      case "relay":
      case "announce":
        throw new Error("one object has nobody to tell");
      case "wake":
        this.wakesAtMs = effect.atMs;
        break;
      case "save_socket":
        break;
    }
  }

  private write(write: Write): void {
    this.written.push(write);
    const key = (session: SessionKey, seq: number): string => `${session} ${seq}`;
    if (write.kind === "put_message") {
      this.messages.set(key(write.key, write.seq), { packetId: write.packetId, message: write.message });
    } else if (write.kind === "set_packet_id") {
      const stored = this.messages.get(key(write.key, write.seq));
      if (stored === undefined) throw new Error("a packet id for a message that is not stored");
      stored.packetId = write.packetId;
    } else if (write.kind === "delete_message") {
      if (!this.messages.delete(key(write.key, write.seq))) throw new Error("deleted a message that is not stored");
    } else if (write.kind === "delete_session") {
      for (const ids of [this.messages, this.releases, this.received])
        for (const id of ids.keys()) if (id.startsWith(`${write.key} `)) ids.delete(id);
    } else if (write.kind === "put_release") this.releases.add(key(write.key, write.packetId));
    else if (write.kind === "put_received") this.received.add(key(write.key, write.packetId));
    else if (write.kind === "delete_release") {
      if (!this.releases.delete(key(write.key, write.packetId)))
        throw new Error("deleted a release that is not stored");
    } else if (write.kind === "delete_received") {
      if (!this.received.delete(key(write.key, write.packetId))) throw new Error("deleted an id that is not stored");
    } else if (write.kind === "put_retained") this.retained.set(write.message.topic, write.message);
    else if (write.kind === "delete_retained") this.retained.delete(write.topic);
  }

  get storedMessages(): number {
    return this.messages.size;
  }

  get storedReleases(): number {
    return this.releases.size;
  }

  get storedReceived(): number {
    return this.received.size;
  }

  /** Makes devices known. */
  know(...devices: DeviceId[]): void {
    for (const device of devices) this.do({ kind: "put_device", device, tokenSha256: device });
  }

  /** Opens a socket as someone and connects. */
  connect(socket: string, identity: Identity, options: Partial<ConnectPacket> = {}): void {
    this.identities.set(socket, identity);
    this.do({ kind: "socket_opened", socket, upgrade: null });
    this.send(socket, connectPacket(options));
  }

  device(socket: string, device: DeviceId, options: Partial<ConnectPacket> = {}): void {
    this.connect(socket, { kind: "device", device }, options);
  }

  /** Connects a device by 5.0, under the socket's name as its client id. */
  modern(
    socket: string,
    device: DeviceId,
    properties: Properties | null = null,
    options: Partial<ConnectPacket> = {},
  ): void {
    this.device(socket, device, { level: 5, clientId: socket, properties, ...options });
  }

  /** Joins a user and connects him by 5.0. */
  user(socket: string, user: UserId, role: Role, options: Partial<ConnectPacket> = {}): void {
    this.do({ kind: "put_member", user, role });
    const identity = { kind: "user", user, sid: "ses_1", expiresAtMs: Number.MAX_SAFE_INTEGER } as const;
    this.connect(socket, identity, { level: 5, clientId: socket, keepAliveSeconds: 0, ...options });
  }

  send(socket: string, packet: Packet): void {
    this.do({ kind: "packet", socket, packet });
  }

  /** Publishes under a packet id that was not used before, unless told which. */
  publish(socket: string, topic: string, options: PublishOptions = {}): void {
    this.published += 1;
    this.send(socket, publishPacket(topic, { packetId: 1000 + this.published, ...options }));
  }

  subscribe(socket: string, ...filters: string[]): void {
    this.subscribeAt(1, socket, ...filters);
  }

  subscribeAt(qos: QoS, socket: string, ...filters: string[]): void {
    this.subscribeWith({ qos }, socket, ...filters);
  }

  subscribeWith(options: SubscribeOptions, socket: string, ...filters: string[]): void {
    const subscriptions = filters.map((filter) => subscription(filter, options));
    const properties = options.identifier === undefined ? null : { subscriptionIdentifiers: [options.identifier] };
    this.send(socket, { type: "subscribe", packetId: 1, subscriptions, properties });
  }

  unsubscribe(socket: string, ...filters: string[]): void {
    this.send(socket, { type: "unsubscribe", packetId: 1, filters, properties: null });
  }

  /** Time passes, and the alarm rings. */
  pass(seconds: number): void {
    this.now += seconds * 1000;
    this.do({ kind: "tick" });
  }

  /** The messages among what one socket was sent since the last time. */
  takeMessages(socket: string): PublishPacket[] {
    return this.take(socket).flatMap((packet) => (packet.type === "publish" ? packet : []));
  }

  /** Takes what one socket was sent since the last time. */
  take(socket: string): Packet[] {
    const mine = this.sent.filter((entry) => entry.socket === socket).map(({ packet }) => packet);
    for (let at = this.sent.length - 1; at >= 0; at -= 1) if (this.sent[at]?.socket === socket) this.sent.splice(at, 1);
    return mine;
  }

  texts(socket: string): string[] {
    return this.takeMessages(socket).map(textOf);
  }
}

export const textOf = (packet: PublishPacket): string => new TextDecoder().decode(packet.payload);

export function publishPacket(topic: string, options: PublishOptions = {}): PublishPacket {
  const { qos = 1, retain = false, text = "x", dup = false, properties = null } = options;
  const packetId = qos === 0 ? null : (options.packetId ?? 1);
  const payload = new TextEncoder().encode(text);
  return { type: "publish", dup, qos, retain, topic, packetId, payload, properties, wire: null };
}

/** A packet as a client of this level reads it; a packet that no client may be sent is a bug. */
function asRead(packet: Packet, level: ProtocolLevel): { packet: Packet; bytes: number } {
  const bytes = encodePacket(packet, level);
  const stream = new PacketStream({ level, sender: "server", packetBytesMax: 1 << 20 });
  stream.push(bytes);
  const item = stream.next();
  if (item.kind !== "packet") throw new Error(`the broker sent what no client can read: ${JSON.stringify(item)}`);
  const read = item.packet.type === "publish" ? { ...item.packet, wire: null } : item.packet;
  return { packet: read, bytes: bytes.length };
}

export function connectPacket(options: Partial<ConnectPacket> = {}): ConnectPacket {
  return {
    type: "connect",
    level: 4,
    clean: false,
    keepAliveSeconds: 60,
    clientId: "agent",
    will: null,
    username: null,
    password: null,
    properties: null,
    ...options,
  };
}
