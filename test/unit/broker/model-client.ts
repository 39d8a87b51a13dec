import type { Packet, PublishPacket } from "../../../core/mqtt/packets.ts";
import { ack, connectPacket } from "./harness.ts";

/** Few ids, so that each is used again and again. */
const packetIdsMax = 9;

interface Outgoing {
  readonly packet: PublishPacket & { readonly packetId: number };
  /** `released`: the PUBREC came, the PUBCOMP is awaited. */
  stage: "published" | "released";
}

/**
 * A client as 3.1.1 describes it (section 4.3), with a session that outlives its connections and a
 * network that may lose whatever is on its way. Method A hands a message on at PUBREL, B at PUBLISH.
 */
export class ModelClient {
  readonly name: string;
  private readonly method: "A" | "B";
  socket: string | null = null;
  /** True from CONNACK to the end of the connection. */
  ready = false;
  up: Packet[] = [];
  down: Packet[] = [];
  readonly delivered: { qos: number; topic: string; text: string }[] = [];
  private readonly waiting: Omit<PublishPacket, "packetId">[] = [];
  private readonly outgoing = new Map<number, Outgoing>();
  private readonly incoming = new Map<number, PublishPacket>();
  private lastPacketId = 0;

  constructor(name: string, method: "A" | "B") {
    this.name = name;
    this.method = method;
  }

  get idle(): boolean {
    const pending = this.up.length + this.down.length + this.waiting.length + this.outgoing.size + this.incoming.size;
    return this.ready && pending === 0;
  }

  /** Whatever was on its way is lost. */
  disconnected(): void {
    this.socket = null;
    this.ready = false;
    this.up = [];
    this.down = [];
  }

  connect(socket: string): void {
    this.disconnected();
    this.socket = socket;
    this.up.push(connectPacket({ clientId: this.name, keepAliveSeconds: 0 }));
  }

  publish(topic: string, qos: 1 | 2, text: string): void {
    const payload = new TextEncoder().encode(text);
    this.waiting.push({
      type: "publish",
      dup: false,
      qos,
      retain: false,
      topic,
      payload,
      properties: null,
      wire: null,
    });
    this.sendWaiting();
  }

  private sendWaiting(): void {
    while (this.ready && this.waiting.length > 0 && this.outgoing.size < packetIdsMax) {
      do this.lastPacketId = (this.lastPacketId % packetIdsMax) + 1;
      while (this.outgoing.has(this.lastPacketId));
      const [message] = this.waiting.splice(0, 1);
      if (message === undefined) return;
      const packet = { ...message, packetId: this.lastPacketId };
      this.outgoing.set(packet.packetId, { packet, stage: "published" });
      this.up.push(packet);
    }
  }

  /** Sends again what is unanswered, in its first order [MQTT-4.4.0-1]. */
  private resend(entries: readonly Outgoing[]): void {
    for (const { packet, stage } of entries) {
      if (stage === "published") this.up.push({ ...packet, dup: true });
      else this.up.push(ack("pubrel", packet.packetId));
    }
  }

  /** Repeats itself without need, as a network layer below might. */
  duplicate(which: number): void {
    const exact = [...this.outgoing.values()].filter(({ packet }) => packet.qos === 2);
    const entry = exact[which % Math.max(1, exact.length)];
    if (this.ready && entry !== undefined) this.resend([entry]);
  }

  /** Takes the next packet from the server. */
  take(): void {
    const packet = this.down.shift();
    if (packet === undefined) return;
    switch (packet.type) {
      case "connack":
        if (!packet.sessionPresent) throw new Error("the session was lost");
        this.ready = true;
        this.resend([...this.outgoing.values()]);
        this.sendWaiting();
        return;
      case "publish":
        this.takePublish(packet);
        return;
      case "pubrel": {
        const message = this.incoming.get(packet.packetId);
        this.incoming.delete(packet.packetId);
        if (message !== undefined && this.method === "A") this.deliver(message);
        this.up.push(ack("pubcomp", packet.packetId));
        return;
      }
      case "puback":
        if (this.outgoing.get(packet.packetId)?.packet.qos === 1) this.outgoing.delete(packet.packetId);
        this.sendWaiting();
        return;
      case "pubrec": {
        const entry = this.outgoing.get(packet.packetId);
        if (entry !== undefined) entry.stage = "released";
        this.up.push(ack("pubrel", packet.packetId));
        return;
      }
      case "pubcomp":
        if (this.outgoing.get(packet.packetId)?.stage === "released") this.outgoing.delete(packet.packetId);
        this.sendWaiting();
        return;
      default:
        throw new Error(`a ${packet.type} that nothing asked for`);
    }
  }

  private takePublish(packet: PublishPacket): void {
    const { packetId } = packet;
    if (packetId === null) throw new Error("everything here is published above QoS 0");
    if (packet.qos === 1) {
      this.deliver(packet);
      this.up.push(ack("puback", packetId));
      return;
    }
    if (!this.incoming.has(packetId)) {
      this.incoming.set(packetId, packet);
      if (this.method === "B") this.deliver(packet);
    }
    this.up.push(ack("pubrec", packetId));
  }

  private deliver({ qos, topic, payload }: PublishPacket): void {
    this.delivered.push({ qos, topic, text: new TextDecoder().decode(payload) });
  }
}
