import type { DeviceId } from "../../../core/ids.ts";
import type { Write } from "../../../durable-objects/tenant-hub/broker/events.ts";
import { messageBytes } from "../../../durable-objects/tenant-hub/broker/message.ts";
import type { Message } from "../../../durable-objects/tenant-hub/broker/session.ts";
import type { BrokerState } from "../../../durable-objects/tenant-hub/broker/state.ts";

/** What storage holds, as plain maps that every write changes at once: what `HubStorage` must look like. */
export class StorageModel {
  sessions = new Set<string>();
  messages = new Map<number, { readonly key: string; readonly packetId: number | null; readonly message: Message }>();
  releases = new Map<string, { readonly key: string; readonly packetId: number; readonly seq: number }>();
  received = new Map<string, { readonly key: string; readonly packetId: number }>();
  retained = new Map<string, { readonly device: DeviceId; readonly message: Message }>();
  outbox: { readonly seq: number; readonly json: string; readonly bytes: number }[] = [];
  outboxSeq = 0;

  copy(): StorageModel {
    return Object.assign(new StorageModel(), {
      sessions: new Set(this.sessions),
      messages: new Map(this.messages),
      releases: new Map(this.releases),
      received: new Map(this.received),
      retained: new Map(this.retained),
      outbox: [...this.outbox],
      outboxSeq: this.outboxSeq,
    });
  }

  apply(write: Write): void {
    switch (write.kind) {
      case "put_session":
        this.sessions.add(write.session.key);
        return;
      case "delete_session": {
        this.sessions.delete(write.key);
        for (const map of [this.messages, this.releases, this.received] as Map<unknown, { key: string }>[])
          for (const [id, { key }] of map) if (key === write.key) map.delete(id);
        return;
      }
      case "put_message":
        this.messages.set(write.seq, write);
        return;
      case "set_packet_id": {
        const stored = this.messages.get(write.seq);
        if (stored === undefined) throw new Error("the test gives an id to no message");
        this.messages.set(write.seq, { ...stored, packetId: write.packetId });
        return;
      }
      case "delete_message":
        this.messages.delete(write.seq);
        return;
      case "put_release":
        this.releases.set(`${write.key} ${write.packetId}`, write);
        return;
      case "delete_release":
        this.releases.delete(`${write.key} ${write.packetId}`);
        return;
      case "put_received":
        this.received.set(`${write.key} ${write.packetId}`, write);
        return;
      case "delete_received":
        this.received.delete(`${write.key} ${write.packetId}`);
        return;
      case "put_retained":
        this.retained.set(write.message.topic, write);
        return;
      case "delete_retained":
        this.retained.delete(write.topic);
        return;
      case "append_outbox":
        this.outboxSeq += 1;
        this.outbox.push({ seq: this.outboxSeq, json: write.json, bytes: write.bytes });
        return;
      default:
        throw new Error(`the model has no ${write.kind}`);
    }
  }

  /** The same as `memoryOf` says of the broker that was loaded. */
  memory(): unknown {
    const bySeq = [...this.messages].sort(([a], [b]) => a - b);
    return {
      sessions: [...this.sessions].sort().map((key) => {
        const own = bySeq.filter(([, message]) => message.key === key);
        const brief = ([seq, { message }]: (typeof own)[number]) => [seq, message.qos, messageBytes(message)];
        const inflight = own.filter(([, { packetId }]) => packetId !== null);
        const queue = own.filter(([, { packetId }]) => packetId === null);
        const bytesOf = (list: typeof own) => list.reduce((sum, [, { message }]) => sum + messageBytes(message), 0);
        return {
          key,
          inflight: inflight.map((entry) => [entry[1].packetId, ...brief(entry), true]),
          inflightBytes: bytesOf(inflight),
          queue: queue.map(brief),
          queueBytes: bytesOf(queue),
          released: [...this.releases.values()]
            .filter((release) => release.key === key)
            .sort((a, b) => a.seq - b.seq)
            .map(({ packetId }) => packetId),
          received: [...this.received.values()]
            .filter((received) => received.key === key)
            .map(({ packetId }) => packetId)
            .sort((a, b) => a - b),
        };
      }),
      retained: [...this.retained]
        .map(([topic, { device, message }]) => [device, topic, messageBytes(message), message.expiresAtMs])
        .sort(),
      retainedBytes: [...this.retained.values()].reduce((sum, { message }) => sum + messageBytes(message), 0),
      outboxBytes: this.outbox.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  /** The lowest number that no stored message or release has, nor any above it. */
  get nextSeq(): number {
    return Math.max(0, ...this.messages.keys(), ...[...this.releases.values()].map(({ seq }) => seq)) + 1;
  }
}

/** What a loaded broker knows, in the model's words. */
export function memoryOf(state: BrokerState): unknown {
  return {
    sessions: [...state.sessions.values()]
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map((session) => ({
        key: session.key,
        inflight: [...session.inflight].map(([id, { seq, qos, bytes, sent }]) => [id, seq, qos, bytes, sent]),
        inflightBytes: session.inflightBytes,
        queue: [...session.queue].map(({ seq, qos, bytes }) => [seq, qos, bytes]),
        queueBytes: session.queueBytes,
        released: [...session.released],
        received: [...session.received].sort((a, b) => a - b),
      })),
    retained: [...state.retained]
      .flatMap(([device, topics]) =>
        [...topics].map(([topic, { bytes, expiresAtMs }]) => [device, topic, bytes, expiresAtMs]),
      )
      .sort(),
    retainedBytes: state.retainedBytes,
    outboxBytes: state.outboxBytes,
  };
}
