import type { Packet, ProtocolLevel, PublishPacket, QoS } from "../../../core/mqtt/packets.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { linkProperty, linkWatched } from "../../../durable-objects/tenant-hub/broker/limits.ts";
import { type Address, Link } from "./link.ts";
import { Retry } from "./retry.ts";

/** No CONNACK by then: the connection is given up. In milliseconds. */
const connectMsMax = 30_000;

export interface SessionOptions {
  readonly address: Address;
  readonly level: ProtocolLevel;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  /** A session that ends with its connection. Default: one that lasts. */
  readonly transient?: boolean;
  /** Filters of a session that lasts are subscribed to once, at the first connection. */
  readonly filter?: string;
  readonly qos?: QoS;
  /** Each message as often as the protocol delivers it to an application: at QoS 2 once. */
  readonly onMessage?: (message: PublishPacket) => void;
  readonly onConnected?: () => void;
  /** A CONNECT was answered by a refusal. */
  readonly onRefused?: (why: string) => void;
}

interface Exchange {
  readonly packet: PublishPacket;
  /** True once it was written to a connection: from then on DUP says so [MQTT-3.3.1-1]. */
  sent: boolean;
  /** True once a PUBREC came: PUBREL is what is sent again. */
  received: boolean;
  readonly taken: (error: Error | null) => void;
}

/**
 * A client that does what section 4.4 asks of one: its session outlives every connection, and after a
 * reconnect it sends again what was not acknowledged, with the same packet ids, DUP and in the first
 * order. It comes back by itself, later when it is asked to.
 */
export class Session {
  readonly options: SessionOptions;
  /** What the server did that no server may; empty when all was well. */
  readonly faults: string[] = [];
  connected = false;
  /** Connections that were accepted. */
  connections = 0;
  /** CONNECTs that were refused. */
  refusals = 0;
  /** Connections that were tried. */
  attempts = 0;
  readonly #retry = new Retry();
  #link: Link | null = null;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #lastId = 0;
  /** By packet id, in the order in which they were first sent. */
  readonly #outgoing = new Map<number, Exchange>();
  /** QoS 2 messages by packet id, from PUBLISH to PUBREL [MQTT-4.3.3-10]. */
  readonly #incoming = new Map<number, Uint8Array>();
  #subscribed: boolean;
  #pinged: (() => void) | null = null;

  constructor(options: SessionOptions) {
    this.options = options;
    this.#subscribed = options.filter === undefined;
    this.#connect();
  }

  /** Subscribed to what it wants, on a connection that stands. */
  get ready(): boolean {
    return this.connected && this.#subscribed;
  }

  /** Messages whose exchange is not over. */
  get unfinished(): number {
    return this.#outgoing.size;
  }

  /**
   * Publishes, now or after the next reconnect.
   * @returns settles when the server has taken it over: at PUBACK or PUBREC. @throws Error when it refused
   */
  publish(topic: string, payload: Uint8Array, qos: 1 | 2, retain = false): Promise<void> {
    const packetId = this.#freeId();
    const packet: PublishPacket = {
      ...{ type: "publish", dup: false, qos, retain, topic, packetId, payload, properties: null, wire: null },
    };
    return new Promise((resolve, reject) => {
      const taken = (error: Error | null): void => (error === null ? resolve() : reject(error));
      this.#outgoing.set(packetId, { packet, sent: this.connected, received: false, taken });
      if (this.connected) this.#link?.send(packet);
    });
  }

  /** Fire and forget. @returns false when there is no connection */
  publishUnacknowledged(topic: string, payload: Uint8Array): boolean {
    if (!this.connected) return false;
    this.#link?.send({
      ...{ type: "publish", dup: false, qos: 0, retain: false, topic, packetId: null, payload, properties: null },
      wire: null,
    });
    return true;
  }

  /** Milliseconds until PINGRESP; null when the connection is or goes down. */
  ping(): Promise<number | null> {
    if (!this.connected) return Promise.resolve(null);
    const startedAtMs = performance.now();
    return new Promise((resolve) => {
      this.#pinged = () => resolve(this.connected ? performance.now() - startedAtMs : null);
      this.#link?.send({ type: "pingreq" });
    });
  }

  /** PINGREQ, whatever comes of it. */
  sayAlive(): void {
    if (this.connected) this.#link?.send({ type: "pingreq" });
  }

  stopReading(): void {
    this.#link?.stopReading();
  }

  readOn(): void {
    this.#link?.readOn();
  }

  /** Ends the connection and comes back no more. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    if (this.connected) this.#link?.send({ type: "disconnect", reasonCode: 0, properties: null });
    this.#link?.end();
  }

  #connect(): void {
    let refused = false;
    this.attempts += 1;
    const link = new Link(this.options.address, {
      opened: () => link.send(this.#connectPacket()),
      packet: (packet) => {
        if (packet.type === "connack" && packet.reasonCode !== reasonCodes.success) {
          refused = true;
          this.refusals += 1;
          // 3.1.1 says no more than a number here; the reason follows in the WebSocket's close.
          if (packet.properties?.reasonString !== undefined) link.end(packet.properties.reasonString);
        } else this.#take(packet);
      },
      closed: (why) => this.#lost(why, refused),
    });
    this.#link = link;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => link.end("no CONNACK in time"), connectMsMax);
  }

  #connectPacket(): Packet {
    const { level, clientId, username, password, transient = false } = this.options;
    return {
      type: "connect",
      level,
      clean: transient,
      keepAliveSeconds: 0,
      clientId,
      will: null,
      username,
      password: Buffer.from(password),
      properties:
        level === 5
          ? { sessionExpiryInterval: transient ? 0 : 86_400, userProperties: [[linkProperty, linkWatched]] }
          : null,
    };
  }

  #lost(why: string, refused: boolean): void {
    this.connected = false;
    this.#link = null;
    clearTimeout(this.#timer);
    this.#pinged?.();
    this.#pinged = null;
    if (this.#ended) return;
    if (refused) this.options.onRefused?.(why);
    this.#timer = setTimeout(() => this.#connect(), this.#retry.delayMs(why));
  }

  #take(packet: Packet): void {
    switch (packet.type) {
      case "connack":
        this.#takeConnack(packet.sessionPresent);
        return;
      case "suback":
        this.#takeSuback(packet.codes);
        return;
      case "publish":
        this.#takePublish(packet);
        return;
      case "puback":
      case "pubrec":
      case "pubcomp":
        this.#takeAck(packet.type, packet.packetId, packet.reasonCode);
        return;
      case "pubrel":
        this.#incoming.delete(packet.packetId);
        this.#link?.send({ ...packet, type: "pubcomp", reasonCode: reasonCodes.success, properties: null });
        return;
      case "pingresp":
        this.#pinged?.();
        this.#pinged = null;
        return;
      default:
        // DISCONNECT says why; the close that follows says it again.
        return;
    }
  }

  #takeConnack(sessionPresent: boolean): void {
    clearTimeout(this.#timer);
    this.#retry.succeeded();
    const { transient = false, filter, qos = 0 } = this.options;
    if (this.connections > 0 && !transient && !sessionPresent) this.faults.push("the session was forgotten");
    this.connections += 1;
    this.connected = true;
    if (transient) this.#subscribed = filter === undefined;
    if (!this.#subscribed && filter !== undefined) {
      const subscription = { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
      this.#link?.send({ type: "subscribe", packetId: 0xffff, subscriptions: [subscription], properties: null });
    }
    for (const [packetId, exchange] of this.#outgoing) {
      if (exchange.received) this.#sendPubrel(packetId);
      else this.#link?.send({ ...exchange.packet, dup: exchange.sent });
      exchange.sent = true;
    }
    this.options.onConnected?.();
  }

  #takeSuback(codes: readonly number[]): void {
    if (codes.some((code) => code >= 0x80)) this.faults.push(`SUBSCRIBE was refused with ${codes.join(", ")}`);
    this.#subscribed = true;
  }

  #takePublish(message: PublishPacket): void {
    const { packetId, qos } = message;
    if (packetId === null) {
      this.options.onMessage?.(message);
      return;
    }
    if (qos === 1) {
      this.options.onMessage?.(message);
      this.#link?.send({ type: "puback", packetId, reasonCode: reasonCodes.success, properties: null });
      return;
    }
    const known = this.#incoming.get(packetId);
    if (known === undefined) {
      this.#incoming.set(packetId, message.payload);
      this.options.onMessage?.(message);
    } else if (Buffer.compare(known, message.payload) !== 0) {
      this.faults.push(`packet id ${packetId} was used for another message before its PUBREL`);
    }
    this.#link?.send({ type: "pubrec", packetId, reasonCode: reasonCodes.success, properties: null });
  }

  #takeAck(type: "puback" | "pubrec" | "pubcomp", packetId: number, reasonCode: number): void {
    const exchange = this.#outgoing.get(packetId);
    if (exchange === undefined) {
      this.faults.push(`a ${type} for ${packetId}, which is not under way`);
      return;
    }
    if ((type === "puback") !== (exchange.packet.qos === 1))
      this.faults.push(`a ${type} for QoS ${exchange.packet.qos}`);
    const failed = reasonCode >= 0x80 ? new Error(`${type} with 0x${reasonCode.toString(16)}`) : null;
    if (type === "pubrec" && failed === null) {
      exchange.received = true;
      exchange.taken(null);
      this.#sendPubrel(packetId);
      return;
    }
    this.#outgoing.delete(packetId);
    exchange.taken(failed);
  }

  #sendPubrel(packetId: number): void {
    this.#link?.send({ type: "pubrel", packetId, reasonCode: reasonCodes.success, properties: null });
  }

  #freeId(): number {
    // 65,535 is the SUBSCRIBE's.
    do this.#lastId = (this.#lastId % 0xfffe) + 1;
    while (this.#outgoing.has(this.#lastId));
    return this.#lastId;
  }
}
