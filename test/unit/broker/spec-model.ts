import type { PublishPacket, QoS, RetainHandling } from "../../../core/mqtt/packets.ts";

/**
 * The delivery rules of MQTT 5.0 (and 3.1.1, which is less of the same), written to be read beside the
 * specification and for nothing else: it keeps everything, looks at everything, and knows nothing of the
 * broker but the packets it sends.
 */

export interface Client {
  readonly name: string;
  readonly device: string;
  readonly level: 4 | 5;
}

export interface Options {
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: RetainHandling;
  readonly identifier: number | null;
}

export interface ModelMessage {
  readonly topic: string;
  readonly text: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly expiresAtMs: number | null;
}

export interface ModelWill extends ModelMessage {
  readonly delaySeconds: number;
}

/** A message that a session is owed, as it is owed. */
interface Owed extends ModelMessage {
  readonly identifiers: readonly number[];
  /** It may have been sent just before a crash, under an id that nobody has seen. */
  maybeSent: boolean;
}

interface Flying extends Owed {
  /** False after a reconnect until it was sent again. */
  sent: boolean;
}

export interface Connection {
  readonly socket: string;
  readonly receiveMaximum: number;
}

interface ModelSession {
  readonly client: Client;
  expirySeconds: number;
  connection: Connection | null;
  endsAtMs: number | null;
  will: ModelWill | null;
  willAtMs: number | null;
  readonly subscriptions: Map<string, Options>;
  /** Above QoS 0, not sent yet. */
  owed: Owed[];
  /** At QoS 0, to be sent in this very step. */
  now: Owed[];
  readonly flying: Map<number, Flying>;
  readonly released: Set<number>;
  /** PUBRELs that a reconnect owes. */
  pubrels: number[];
}

/** A message for one member of a group: who gets it is the server's choice. */
interface Shared {
  readonly message: ModelMessage;
  readonly filter: string;
  readonly members: ReadonlyMap<string, Options>;
  /** Who got it, or null. */
  taker: string | null;
  /** It may be gone: a member that it may have been given to is gone, or nobody was promised it. */
  mayBeLost: boolean;
}

const never = 0xffff_ffff;

export class SpecModel {
  nowMs: number;
  readonly sessions = new Map<string, ModelSession>();
  private readonly retained = new Map<string, ModelMessage>();
  readonly shared: Shared[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  /** @returns Session Present */
  connect(
    client: Client,
    asked: Connection & { clean: boolean; expirySeconds: number; will: ModelWill | null },
  ): boolean {
    if (this.sessions.get(client.name)?.connection != null) this.lose(client, false);
    const before = this.sessions.get(client.name);
    if (before !== undefined && asked.clean) this.end(before);
    const session = this.sessions.get(client.name) ?? newSession(client);
    this.sessions.set(client.name, session);
    session.connection = { socket: asked.socket, receiveMaximum: asked.receiveMaximum };
    session.expirySeconds = asked.expirySeconds;
    session.endsAtMs = null;
    session.will = asked.will;
    session.willAtMs = null;
    for (const flying of session.flying.values()) flying.sent = false;
    session.pubrels = [...session.released];
    return before !== undefined && !asked.clean;
  }

  /** The connection ends; `graceful` is a DISCONNECT 0x00. */
  lose(client: Client, graceful: boolean, expirySeconds: number | null = null): void {
    const session = this.sessions.get(client.name);
    if (session === undefined) return;
    session.connection = null;
    session.now = [];
    session.expirySeconds = expirySeconds ?? session.expirySeconds;
    if (graceful) session.will = null;
    if (session.expirySeconds === 0) {
      this.end(session);
      return;
    }
    session.endsAtMs = session.expirySeconds === never ? null : this.nowMs + session.expirySeconds * 1000;
    if (session.will === null) return;
    session.willAtMs = this.nowMs + session.will.delaySeconds * 1000;
    if (session.will.delaySeconds === 0) this.publishWill(session);
  }

  private end(session: ModelSession): void {
    this.sessions.delete(session.client.name);
    for (const share of this.shared) {
      if (!share.members.has(session.client.name)) continue;
      share.mayBeLost = true;
      // Who got it may have got one that looks alike, and this is the one that goes.
      if (share.taker !== null && this.makeRoom(share)) share.taker = null;
    }
    this.publishWill(session);
  }

  private publishWill(session: ModelSession): void {
    const { will } = session;
    session.will = null;
    session.willAtMs = null;
    if (will !== null) this.publish(will, null);
  }

  /** One second. */
  tick(): void {
    this.nowMs += 1000;
    for (const session of [...this.sessions.values()]) {
      if (session.connection !== null) continue;
      if (session.endsAtMs !== null && session.endsAtMs <= this.nowMs) this.end(session);
      else if (session.willAtMs !== null && session.willAtMs <= this.nowMs) this.publishWill(session);
    }
  }

  publish(message: ModelMessage, from: Client | null): void {
    if (message.retain) {
      if (message.text === "") this.retained.delete(message.topic);
      else this.retained.set(message.topic, message);
    }
    const groups = new Map<string, Map<string, Options>>();
    for (const session of this.sessions.values()) {
      const matching: Options[] = [];
      for (const [filter, options] of session.subscriptions) {
        const { share, plain } = split(filter);
        if (!matches(plain, message.topic)) continue;
        if (share !== null) {
          const members = groups.get(filter) ?? new Map<string, Options>();
          groups.set(filter, members.set(session.client.name, options));
        } else if (!(options.noLocal && session.client === from)) matching.push(options);
      }
      if (matching.length > 0) this.give(session, message, matching);
    }
    for (const [filter, members] of groups) {
      const present = [...members].filter(([name]) => this.sessions.get(name)?.connection != null);
      // Only who is there can be asked at QoS 0, and who is there comes first.
      const pool = new Map(present.length > 0 ? present : members);
      const promised = message.qos > 0 && [...pool.values()].every(({ qos }) => qos > 0);
      this.shared.push({ message, filter, members: pool, taker: null, mayBeLost: present.length === 0 && !promised });
    }
  }

  private give(session: ModelSession, message: ModelMessage, matching: readonly Options[]): void {
    const owed: Owed = {
      ...message,
      qos: Math.min(message.qos, Math.max(...matching.map(({ qos }) => qos))) as QoS,
      retain: message.retain && matching.some(({ retainAsPublished }) => retainAsPublished),
      identifiers: matching.flatMap(({ identifier }) => identifier ?? []),
      maybeSent: false,
    };
    if (owed.qos > 0) session.owed.push(owed);
    else if (session.connection !== null) session.now.push(owed);
  }

  subscribe(client: Client, filter: string, options: Options): void {
    const session = this.sessions.get(client.name);
    if (session === undefined) return;
    const isNew = !session.subscriptions.has(filter);
    session.subscriptions.set(filter, options);
    const { share, plain } = split(filter);
    const { retainHandling, identifier } = options;
    if (share !== null || retainHandling === 2 || (retainHandling === 1 && !isNew)) return;
    for (const message of this.retained.values()) {
      if (!matches(plain, message.topic) || isOver(message, this.nowMs)) continue;
      const qos = Math.min(message.qos, options.qos) as QoS;
      const identifiers = identifier === null ? [] : [identifier];
      (qos > 0 ? session.owed : session.now).push({ ...message, qos, retain: true, identifiers, maybeSent: false });
    }
  }

  unsubscribe(client: Client, filter: string): void {
    this.sessions.get(client.name)?.subscriptions.delete(filter);
  }

  /** An acknowledgement that the server has taken. */
  acknowledged(client: Client, type: "puback" | "pubrec" | "pubcomp", packetId: number): void {
    const session = this.sessions.get(client.name);
    if (type === "pubcomp") session?.released.delete(packetId);
    else session?.flying.delete(packetId);
    if (type === "pubrec") session?.released.add(packetId);
  }

  /** The object died with packets on its way out that nobody saw. */
  unsent(): void {
    for (const session of this.sessions.values()) {
      session.now = [];
      if (session.connection !== null) for (const owed of session.owed) owed.maybeSent = true;
    }
    for (const share of this.shared) if (share.taker === null) share.mayBeLost = true;
  }

  /** Judges a PUBLISH from the server. @returns what is wrong with it */
  judge(client: Client, packet: PublishPacket): string | null {
    const session = this.sessions.get(client.name);
    if (session?.connection == null) return "nobody is connected there";
    if (!packet.topic.includes(`/${client.device}/`)) return "outside the client's rights";
    if (packet.dup) {
      const again = this.judgeAgain(session, packet);
      if (again !== null) return again;
    } else {
      const owed =
        take(packet.qos === 0 ? session.now : session.owed, packet, this.nowMs) ?? this.takeShared(session, packet);
      if (owed === null) return "not owed to it, or not now, or not in this order";
      const wrong = this.differs(session, packet, owed);
      if (wrong !== null) return wrong;
      if (packet.qos > 0) {
        const id = packet.packetId ?? 0;
        if (session.flying.has(id) || session.released.has(id)) return "the packet id is in use [MQTT-2.2.1-4]";
        session.flying.set(id, { ...owed, sent: true });
      }
    }
    if (packet.qos > 0 && outstanding(session) > session.connection.receiveMaximum) return "over Receive Maximum";
    return null;
  }

  private judgeAgain(session: ModelSession, packet: PublishPacket): string | null {
    const id = packet.packetId ?? 0;
    let flying = session.flying.get(id);
    if (flying === undefined) {
      const owed = take(session.owed, packet, this.nowMs) ?? this.takeShared(session, packet);
      if (owed === null || (!owed.maybeSent && packet.topic.includes("/t/"))) return "DUP of what was never sent";
      flying = { ...owed, sent: false };
      session.flying.set(id, flying);
    }
    if (flying.sent) return "sent twice on one connection [MQTT-4.4.0-1]";
    flying.sent = true;
    return this.differs(session, packet, flying);
  }

  /**
   * Whoever gets a shared message, gets it as his subscription says. Of two that look alike it is the one
   * that must come: the other may have gone with somebody's session.
   */
  private takeShared(session: ModelSession, packet: PublishPacket): Owed | null {
    const { name } = session.client;
    const certain = this.shared.filter(({ mayBeLost }) => !mayBeLost);
    const uncertain = this.shared.filter(({ mayBeLost }) => mayBeLost);
    for (const share of [...certain, ...uncertain]) {
      const owed = owedBy(share, name);
      if (owed === null || owed.topic !== packet.topic || this.differs(session, packet, owed) !== null) continue;
      if (!packet.dup && isOver(owed, this.nowMs)) continue;
      if (share.taker !== null && !this.makeRoom(share)) continue;
      share.taker = name;
      return owed;
    }
    return null;
  }

  /** Two groups with a member in common look alike to us: he may as well have got the message from the other. */
  private makeRoom(share: Shared): boolean {
    const { taker } = share;
    if (taker === null) return true;
    const got = JSON.stringify(owedBy(share, taker));
    const alike = this.shared.filter((each) => each.taker === null && JSON.stringify(owedBy(each, taker)) === got);
    const other = alike.find(({ mayBeLost }) => !mayBeLost) ?? alike[0];
    if (other === undefined) return false;
    other.taker = taker;
    return true;
  }

  private differs(session: ModelSession, packet: PublishPacket, owed: Owed): string | null {
    const { properties, qos, retain } = packet;
    if (new TextDecoder().decode(packet.payload) !== owed.text || qos !== owed.qos) return "another message";
    if (retain !== owed.retain) return "the wrong RETAIN flag";
    if (session.client.level === 4) return properties === null ? null : "properties for 3.1.1";
    const identifiers = [...(properties?.subscriptionIdentifiers ?? [])].sort();
    if (`${identifiers}` !== `${[...owed.identifiers].sort()}`) return "the wrong subscription identifiers";
    const left = owed.expiresAtMs === null ? undefined : Math.max(1, Math.ceil((owed.expiresAtMs - this.nowMs) / 1000));
    return properties?.messageExpiryInterval === left ? null : "the wrong Message Expiry Interval";
  }

  /** What the server should have done by now. @returns what it did not */
  overdue(): string | null {
    for (const session of this.sessions.values()) {
      const { connection, client } = session;
      if (connection === null) continue;
      if (session.now.length > 0) return `${client.name}: QoS 0 was not sent`;
      if (session.pubrels.length > 0) return `${client.name}: PUBREL was not sent again`;
      if (outstanding(session) >= connection.receiveMaximum) continue;
      if ([...session.flying.values()].some(({ sent }) => !sent)) return `${client.name}: was not sent again`;
      if (session.owed.some((owed) => !isOver(owed, this.nowMs)))
        return `${client.name}: there is room, and nothing comes`;
    }
    return null;
  }
}

/** What this member gets if the group's choice falls on him. */
function owedBy({ message, members }: Shared, name: string): Owed | null {
  const options = members.get(name);
  if (options === undefined) return null;
  const identifiers = options.identifier === null ? [] : [options.identifier];
  const qos = Math.min(message.qos, options.qos) as QoS;
  return { ...message, qos, retain: message.retain && options.retainAsPublished, identifiers, maybeSent: true };
}

function newSession(client: Client): ModelSession {
  return {
    client,
    expirySeconds: 0,
    connection: null,
    endsAtMs: null,
    will: null,
    willAtMs: null,
    subscriptions: new Map(),
    owed: [],
    now: [],
    flying: new Map(),
    released: new Set(),
    pubrels: [],
  };
}

function outstanding(session: ModelSession): number {
  return [...session.flying.values()].filter(({ sent }) => sent).length + session.released.size;
}

function isOver(message: ModelMessage, nowMs: number): boolean {
  return message.expiresAtMs !== null && message.expiresAtMs <= nowMs;
}

/** Takes the oldest of the packet's topic and QoS [MQTT-4.6.0-5]; those before it that have expired are gone. */
function take(owed: Owed[], packet: PublishPacket, nowMs: number): Owed | null {
  const text = new TextDecoder().decode(packet.payload);
  for (const [index, next] of owed.entries()) {
    if (next.topic !== packet.topic || next.qos !== packet.qos) continue;
    const over = isOver(next, nowMs);
    // What was sent before it expired is sent again after it.
    if (next.text === text && (!over || packet.dup)) {
      owed.splice(index, 1);
      return next;
    }
    if (!over) return null;
  }
  return null;
}

function split(filter: string): { share: string | null; plain: string } {
  const found = /^\$share\/([^/]+)\/(.*)$/s.exec(filter);
  return found === null ? { share: null, plain: filter } : { share: found[1] ?? "", plain: found[2] ?? "" };
}

/** Section 4.7, read as a regular expression; no topic here begins with `$`. */
function matches(filter: string, topic: string): boolean {
  const source = filter.replace(/\+/g, "[^/]*").replace(/\/#$/, "(?:/.*)?");
  return new RegExp(`^${source}$`).test(topic);
}
