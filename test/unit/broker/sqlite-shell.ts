import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { Packet } from "../../../core/mqtt/packets.ts";
import { type Attachment, attachmentOf, socketOf } from "../../../durable-objects/tenant-hub/attachment.ts";
import type { BrokerEvent, Effect, Write } from "../../../durable-objects/tenant-hub/broker/events.ts";
import type { BrokerState, Identity, SocketId } from "../../../durable-objects/tenant-hub/broker/state.ts";
import { step } from "../../../durable-objects/tenant-hub/broker/step.ts";
import { HubStorage } from "../../../durable-objects/tenant-hub/storage.ts";
import { org } from "./harness.ts";

/** Node's SQLite with the face of an object's. */
class NodeSql {
  private readonly database = new DatabaseSync(":memory:");

  exec(query: string, ...values: unknown[]) {
    if (query.includes("CREATE TABLE")) {
      this.database.exec(query);
      return rowsOf([]);
    }
    const bound = values.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
    return rowsOf(this.database.prepare(query).all(...(bound as SQLInputValue[])));
  }
}

function rowsOf(rows: readonly object[]) {
  const plain = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? value.slice().buffer : value]),
    ),
  );
  return { toArray: () => plain, [Symbol.iterator]: () => plain[Symbol.iterator]() };
}

/**
 * The broker over the product's own storage, with a shell that commits as the real one does: writes
 * and packets wait, then the writes become durable, then the packets leave. What is in memory can be
 * thrown away at any moment.
 */
export class SqliteShell {
  readonly sql = new NodeSql();
  private storage = new HubStorage(this.sql as never);
  state: BrokerState = this.storage.load(org);
  readonly identities = new Map<SocketId, Identity>();
  private writes: Write[] = [];
  private outgoing: (Effect & { kind: "send" | "close" })[] = [];
  private readonly touched = new Set<SocketId>();
  private readonly attachments = new Map<SocketId, Attachment>();
  private readonly receive: (socket: SocketId, received: Packet | "closed") => void;

  constructor(receive: (socket: SocketId, received: Packet | "closed") => void) {
    this.receive = receive;
  }

  /** Steps without a commit: more may share it. */
  run(first: BrokerEvent): void {
    const events = [first];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const result = step(this.state, event, 1_000_000);
      this.state = result.state;
      for (const effect of result.effects) this.perform(effect, events);
    }
  }

  private perform(effect: Effect, events: BrokerEvent[]): void {
    switch (effect.kind) {
      case "write": {
        const { write } = effect;
        this.writes.push(write.kind === "put_session" ? { ...write, session: { ...write.session } } : write);
        break;
      }
      case "send":
      case "close":
        this.outgoing.push(effect);
        break;
      case "authenticate": {
        const identity = this.identities.get(effect.socket.id) ?? { kind: "bad_credentials" };
        events.push({ kind: "authenticated", socket: effect.socket.id, identity });
        break;
      }
      case "load": {
        this.flush();
        const { from, to } = effect;
        events.push({ kind: "loaded", from, to, messages: this.storage.messages(from, effect.seqs) });
        break;
      }
      case "load_retained": {
        this.flush();
        const { session, qos } = effect;
        events.push({ kind: "retained_loaded", session, qos, messages: this.storage.retained(effect.topics) });
        break;
      }
      case "save_socket":
        this.touched.add(effect.socket.id);
    }
  }

  private flush(): void {
    const { writes } = this;
    this.writes = [];
    this.storage.apply(writes);
  }

  commit(): void {
    this.flush();
    for (const id of this.touched) {
      const socket = this.state.sockets.get(id);
      if (socket !== undefined) this.attachments.set(id, attachmentOf(socket, false));
    }
    this.touched.clear();
    const { outgoing } = this;
    this.outgoing = [];
    for (const effect of outgoing) {
      if (effect.kind === "send") this.receive(effect.socket, effect.packet);
      else {
        this.attachments.delete(effect.socket);
        this.receive(effect.socket, "closed");
      }
    }
  }

  /** A peer went away. */
  lose(socket: SocketId): void {
    this.attachments.delete(socket);
    this.run({ kind: "socket_closed", socket });
    this.commit();
  }

  /** The object leaves memory between two events; its sockets hibernate. */
  evict(): void {
    this.commit();
    this.restart();
  }

  /** The object dies: what was not committed never happened, and no socket is left. */
  crash(): void {
    this.writes = [];
    this.outgoing = [];
    this.touched.clear();
    this.attachments.clear();
    this.restart();
  }

  private restart(): void {
    this.storage = new HubStorage(this.sql as never);
    this.state = this.storage.load(org);
    for (const attachment of this.attachments.values()) this.state.sockets.set(attachment.id, socketOf(attachment));
    this.run({ kind: "restored" });
    this.commit();
  }

  count(table: string): number {
    return Number(this.sql.exec(`SELECT count(*) AS n FROM ${table}`).toArray()[0]?.["n"]);
  }

  /** What memory knows of every session's exchanges; the same before and after an eviction. */
  exchanges(): unknown {
    const sessions = [...this.state.sessions.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return sessions.map(({ key, socket, inflight, released, received, queue, queueBytes, subscriptions }) => ({
      key,
      socket,
      inflight: [...inflight].sort(([, a], [, b]) => a.seq - b.seq),
      released: [...released],
      received: [...received].sort((a, b) => a - b),
      queue,
      queueBytes,
      subscriptions: [...subscriptions],
    }));
  }
}
