import type { Packet } from "../../../core/mqtt/packets.ts";
import { type Attachment, attachmentOf, socketOf } from "../../../durable-objects/tenant-hub/attachment.ts";
import type { BrokerEvent, Effect, Write } from "../../../durable-objects/tenant-hub/broker/events.ts";
import { Rates } from "../../../durable-objects/tenant-hub/broker/rates.ts";
import type { Identity, SocketId } from "../../../durable-objects/tenant-hub/broker/session.ts";
import type { BrokerState } from "../../../durable-objects/tenant-hub/broker/state.ts";
import { advance } from "../../../durable-objects/tenant-hub/broker/step.ts";
import type { JournalBounds } from "../../../durable-objects/tenant-hub/journal.ts";
import { HubStorage } from "../../../durable-objects/tenant-hub/storage.ts";
import { org } from "./harness.ts";
import { Died, NodeSql } from "./node-sql.ts";

/** So small that a run of a few dozen packets goes through both kinds of checkpoint. */
const smallJournal: JournalBounds = { bytesMin: 512, bytesMax: 2048, rowsMax: 6, pendingMax: 12 };

/**
 * Where the object dies: before the commit, after the commit and before a packet left, or after so many
 * statements of a commit and the flush behind it.
 */
export type Death = "uncommitted" | "unsent" | { readonly statements: number };

/**
 * The broker over the product's own storage, with a shell that commits as the real one does: writes
 * and packets wait, then the writes become durable, then the packets leave. What is in memory can be
 * thrown away at any moment.
 */
export class SqliteShell {
  readonly sql = new NodeSql();
  private storage = this.open();
  state: BrokerState = this.load();
  readonly identities = new Map<SocketId, Identity>();
  /** Unix milliseconds. */
  now = 1_000_000;
  private writes: Write[] = [];
  private outgoing: (Effect & { kind: "send" | "close" })[] = [];
  private readonly touched = new Set<SocketId>();
  private readonly attachments = new Map<SocketId, Attachment>();
  private readonly receive: (socket: SocketId, received: Packet | "closed") => void;

  constructor(receive: (socket: SocketId, received: Packet | "closed") => void) {
    this.receive = receive;
  }

  private open(): HubStorage {
    return new HubStorage(this.sql as never, this.sql.transaction, smallJournal);
  }

  /** Steps without a commit: more may share it. */
  run(event: BrokerEvent): void {
    const effects: Effect[] = [];
    advance(this.state, event, this.now, effects);
    for (let at = 0; at < effects.length; at += 1) {
      const effect = effects[at];
      if (effect !== undefined) this.perform(effect, effects);
    }
  }

  private perform(effect: Effect, effects: Effect[]): void {
    const then = (event: BrokerEvent): void => advance(this.state, event, this.now, effects);
    switch (effect.kind) {
      case "write": {
        const { write } = effect;
        this.writes.push(write.kind === "put_session" ? { ...write, session: { ...write.session } } : write);
        break;
      }
      case "send_all": {
        const { packet } = effect;
        for (const socket of effect.sockets) this.outgoing.push({ kind: "send", socket, packet });
        break;
      }
      case "send":
      case "close":
        this.outgoing.push(effect);
        break;
      case "authenticate": {
        const identity = this.identities.get(effect.socket.id) ?? { kind: "bad_credentials" };
        then({ kind: "authenticated", socket: effect.socket.id, identity });
        break;
      }
      case "load": {
        this.stage();
        const { from, to, seqs } = effect;
        then({ kind: "loaded", from, to, messages: this.storage.messages(from, seqs) });
        break;
      }
      case "load_retained": {
        this.stage();
        const { request, topics } = effect;
        then({ kind: "retained_loaded", request, messages: this.storage.retained(topics) });
        break;
      }
      case "relay":
      case "announce":
        throw new Error("one object has nobody to tell");
      case "wake":
        break;
      case "save_socket":
        this.touched.add(effect.socket.id);
    }
  }

  private stage(): void {
    const { writes } = this;
    this.writes = [];
    this.storage.stage(writes);
  }

  /** Rates are another test's subject. */
  private load(): BrokerState {
    return Object.assign(this.storage.load(org), { rates: new Rates(1_000_000) });
  }

  commit(): void {
    this.stage();
    this.storage.commit();
    for (const id of this.touched) {
      const socket = this.state.sockets.get(id);
      if (socket !== undefined) this.attachments.set(id, attachmentOf(socket, false, null));
    }
    this.touched.clear();
    const { outgoing } = this;
    this.outgoing = [];
    for (const effect of outgoing) {
      if (effect.kind === "send") this.receive(effect.socket.id, effect.packet);
      else {
        this.attachments.delete(effect.socket.id);
        this.receive(effect.socket.id, "closed");
      }
    }
  }

  /** A peer went away. */
  lose(socket: SocketId): void {
    this.attachments.delete(socket);
    this.run({ kind: "socket_closed", socket });
    this.commit();
  }

  /** The object leaves memory between two events, with whatever its journal holds; its sockets hibernate. */
  evict(): void {
    this.commit();
    this.restart();
  }

  /** The object dies, and no socket is left; what was not committed never happened. */
  crash(death: Death = "uncommitted"): void {
    if (death !== "uncommitted") this.die(death);
    this.writes = [];
    this.outgoing = [];
    this.touched.clear();
    this.attachments.clear();
    this.restart();
  }

  private die(death: Death): void {
    if (typeof death === "object") this.sql.statementsLeft = death.statements;
    try {
      this.stage();
      this.storage.commit();
      if (typeof death === "object") this.storage.flush();
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
    this.sql.statementsLeft = Number.POSITIVE_INFINITY;
  }

  private restart(): void {
    this.storage = this.open();
    this.state = this.load();
    for (const attachment of this.attachments.values())
      this.state.sockets.set(attachment.id, socketOf(attachment, this.state));
    this.run({ kind: "restored" });
    this.commit();
  }

  /** Rows of a table once everything has come to it. */
  count(table: string): number {
    this.storage.flush();
    return this.sql.count(table);
  }

  /** What memory knows of every session's exchanges; the same before and after an eviction. */
  exchanges(): unknown {
    const sessions = [...this.state.sessions.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return sessions.map((session) => ({
      key: session.key,
      socket: session.socket,
      inflight: [...session.inflight].map(([packetId, { seq, qos, bytes }]) => ({ packetId, seq, qos, bytes })),
      inflightBytes: session.inflightBytes,
      released: [...session.released],
      received: [...session.received].sort((a, b) => a - b),
      queue: [...session.queue],
      queueBytes: session.queueBytes,
      subscriptions: [...session.subscriptions],
    }));
  }
}
