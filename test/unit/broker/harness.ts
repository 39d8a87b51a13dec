import { type DeviceId, makeId, type OrgId, type UserId } from "../../../core/ids.ts";
import type { ConnectPacket, Packet, QoS } from "../../../core/mqtt/packets.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { BrokerEvent, Effect, Write } from "../../../durable-objects/tenant-hub/broker/events.ts";
import {
  type BrokerState,
  emptyState,
  type Identity,
  type Message,
  type SessionKey,
} from "../../../durable-objects/tenant-hub/broker/state.ts";
import { step } from "../../../durable-objects/tenant-hub/broker/step.ts";

export const org: OrgId = makeId("org", 1, new Uint8Array(10).fill(1));
export const deviceId = (n: number): DeviceId => makeId("device", n, new Uint8Array(10).fill(2));
export const userId = (n: number): UserId => makeId("user", n, new Uint8Array(10).fill(3));
export const topicOf = (device: DeviceId, ...rest: string[]): string =>
  ["sentinel", org, "devices", device, ...rest].join("/");

/**
 * The broker with the smallest shell there can be: storage is two maps, credentials are what the test
 * says, and everything the broker asked for is on record.
 */
export class Bench {
  state: BrokerState = emptyState(org);
  now = 1_000_000;
  /** Who each socket's credentials prove. */
  readonly identities = new Map<string, Identity>();
  /** What left, in order, with the number of writes that stood before it. */
  readonly sent: { socket: string; packet: Packet; writesBefore: number }[] = [];
  readonly closed = new Map<string, string>();
  readonly written: Write[] = [];
  private readonly messages = new Map<string, { packetId: number | null; message: Message }>();
  private readonly releases = new Set<string>();
  private readonly received = new Set<string>();
  private readonly retained = new Map<TopicName, Message>();

  do(first: BrokerEvent): void {
    const events = [first];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const result = step(this.state, event, this.now);
      this.state = result.state;
      for (const effect of result.effects) this.perform(effect, events);
    }
  }

  private perform(effect: Effect, events: BrokerEvent[]): void {
    switch (effect.kind) {
      case "write":
        this.write(effect.write);
        break;
      case "send":
        this.sent.push({ socket: effect.socket, packet: effect.packet, writesBefore: this.written.length });
        break;
      case "close":
        this.closed.set(effect.socket, effect.close.reason);
        break;
      case "authenticate": {
        const identity = this.identities.get(effect.socket.id) ?? { kind: "bad_credentials" };
        events.push({ kind: "authenticated", socket: effect.socket.id, identity });
        break;
      }
      case "load": {
        const messages = effect.seqs.flatMap((seq) => {
          const stored = this.messages.get(`${effect.from} ${seq}`);
          return stored === undefined ? [] : [{ seq, ...stored }];
        });
        events.push({ kind: "loaded", from: effect.from, to: effect.to, messages });
        break;
      }
      case "load_retained": {
        const messages = effect.topics.flatMap((topic) => this.retained.get(topic) ?? []);
        events.push({ kind: "retained_loaded", session: effect.session, qos: effect.qos, messages });
        break;
      }
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

  send(socket: string, packet: Packet): void {
    this.do({ kind: "packet", socket, packet });
  }

  publish(
    socket: string,
    topic: string,
    options: { qos?: QoS; retain?: boolean; text?: string; packetId?: number; dup?: boolean } = {},
  ): void {
    const { qos = 1, retain = false, text = "x", dup = false } = options;
    const packetId = qos === 0 ? null : (options.packetId ?? 1);
    this.send(socket, {
      type: "publish",
      dup,
      qos,
      retain,
      topic,
      packetId,
      payload: new TextEncoder().encode(text),
    });
  }

  subscribe(socket: string, ...filters: string[]): void {
    this.subscribeAt(1, socket, ...filters);
  }

  subscribeAt(qos: QoS, socket: string, ...filters: string[]): void {
    this.send(socket, { type: "subscribe", packetId: 1, subscriptions: filters.map((filter) => ({ filter, qos })) });
  }

  /** Takes what one socket was sent since the last time. */
  take(socket: string): Packet[] {
    const mine = this.sent.filter((entry) => entry.socket === socket).map(({ packet }) => packet);
    for (let at = this.sent.length - 1; at >= 0; at -= 1) if (this.sent[at]?.socket === socket) this.sent.splice(at, 1);
    return mine;
  }

  texts(socket: string): string[] {
    return this.take(socket).flatMap((packet) =>
      packet.type === "publish" ? [new TextDecoder().decode(packet.payload)] : [],
    );
  }
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
    ...options,
  };
}
