import type { PublishPacket } from "../../../core/mqtt/packets.ts";
import type { EnrolledDevice } from "../../e2e/support/api.ts";
import { type Address, addressOf } from "../client/link.ts";
import { Session, type SessionOptions } from "../client/session.ts";
import { hold, pause } from "../part.ts";
import { checkDeliveries, checkRetained } from "./deliveries.ts";
import { Publisher, RetainedWriter } from "./publishers.ts";

/**
 * Messages that a subscriber may not have yet. While it is away the broker keeps 128 for it and drops the
 * rest; each of three kills in a row can double what the publishers have under way, 24 messages.
 */
const missingMax = 48;
const retainedTopics = 4;
/** How long what is wanted may take after everything is up again, in milliseconds. */
const settleMsMax = 120_000;

type Login = Pick<SessionOptions, "username" | "password">;

/** Who may read the whole organisation. */
export interface Reader extends Login {
  readonly org: string;
}

/** A persistent subscriber at QoS 2, and what it was given, by topic. */
interface Subscriber {
  readonly session: Session;
  readonly received: ReadonlyMap<string, readonly number[]>;
  /** Whose messages it wants. */
  readonly from: readonly string[];
}

/**
 * Publishers of QoS 1 and 2 in 3.1.1 and 5.0, subscribers that want each message, and writers of retained
 * counters: sessions that outlive kills, and everything that was acknowledged on them.
 */
export class MessageLoad {
  readonly #address: Address;
  readonly #reader: Reader;
  readonly #split: boolean;
  readonly #publishers: Publisher[] = [];
  readonly #subscribers: Subscriber[] = [];
  readonly #writers: RetainedWriter[] = [];
  #retainedSeen = 0;

  /**
   * Starts when the subscribers stand.
   * @param devices two
   * @param split whether the devices are spread over several objects
   */
  static async start(
    devices: readonly [EnrolledDevice, EnrolledDevice],
    reader: Reader,
    split = false,
  ): Promise<MessageLoad> {
    const load = new MessageLoad(devices, reader, split);
    await load.#until("the subscribers are connected", () => load.#subscribers.every(({ session }) => session.ready));
    load.#publish(devices);
    return load;
  }

  private constructor([first, second]: readonly [EnrolledDevice, EnrolledDevice], reader: Reader, split: boolean) {
    this.#split = split;
    this.#address = addressOf(first.mqtt_url);
    this.#reader = reader;
    const names = (device: EnrolledDevice): string[] => [1, 2].map((qos) => loadTopic(device, qos));
    const everything = `sentinel/${reader.org}/devices/+/load/+`;
    this.#subscribe(5, "soak-reader", reader, everything, [...names(first), ...names(second)]);
    this.#subscribe(4, "soak-own", loginOf(first), loadTopic(first, "+"), names(first));
  }

  get figures(): string {
    const of = (qos: 1 | 2): string => {
      const all = this.#publishers.filter((publisher) => publisher.qos === qos);
      const taken = all.reduce((sum, { taken }) => sum + taken.size, 0);
      return `${taken} of ${all.reduce((sum, { sent }) => sum + sent, 0)} at QoS ${qos}`;
    };
    const retained = this.#writers.reduce((sum, { sent }) => sum + sent, 0);
    return `${of(1)}, ${of(2)}, ${retained} retained`;
  }

  /** Who is not connected, who has not got what, and what the server did wrong. */
  get #whereabouts(): string {
    const lacking = this.#subscribers.map((subscriber) => {
      const newest = [...subscriber.received].map(([topic, numbers]) => `${topic.slice(-6)} ${numbers.at(-1)}`);
      return `${subscriber.session.options.clientId} lacks ${this.#missing(subscriber)} (${newest.join(", ")})`;
    });
    const sessions = this.#sessions().map(
      ({ options, connected, unfinished, faults }) =>
        `${options.clientId} ${connected ? "up" : "down"}, ${unfinished} unfinished${faults.length === 0 ? "" : `, ${faults[0]}`}`,
    );
    return [...lacking, ...sessions].join("; ");
  }

  /** Connections of its sessions after each one's first. */
  get reconnects(): number {
    return this.#sessions().reduce((sum, { connections }) => sum + connections - 1, 0);
  }

  /** What happened besides, for the report. */
  get more(): string {
    const twice = this.#subscribers.reduce((sum, { received }) => sum + repeats(received), 0);
    return `${this.reconnects} reconnects, ${twice} QoS 1 messages delivered again, ${this.#retainedSeen} retained messages seen afterwards`;
  }

  /** Waits until everybody is connected and every publisher has had some messages taken since now: there is load again. */
  async flows(): Promise<void> {
    const before = this.#publishers.map(({ taken }) => taken.size);
    await this.#until(
      "every publisher publishes again",
      () =>
        this.#publishers.every(({ taken }, index) => taken.size > (before[index] ?? 0) + 5) &&
        this.#sessions().every(({ connected }) => connected),
    );
  }

  /** Lets a fresh subscriber read what is retained. @throws Violation when something is gone or reverted */
  async checkRetained(level: 4 | 5): Promise<void> {
    await this.#pauseWriters();
    const acknowledged = new Map(this.#writers.flatMap((writer) => [...writer.acknowledged]));
    const seen = new Map<string, number>();
    const session = new Session({
      address: this.#address,
      level,
      clientId: "soak-fresh",
      ...loginOf(this.#reader),
      transient: true,
      filter: `sentinel/${this.#reader.org}/devices/+/retained/+`,
      qos: 1,
      onMessage: ({ retain, topic, payload }) => void ((retain || this.#split) && seen.set(topic, numberOf(payload))),
    });
    try {
      await this.#until("a fresh subscriber is connected", () => session.ready);
      // They follow the SUBACK; what a connection that was killed did not bring, the next one does.
      for (let end = Date.now() + 20_000; seen.size < acknowledged.size && Date.now() < end; ) await pause(20);
    } finally {
      session.end();
      for (const writer of this.#writers) writer.paused = false;
    }
    this.#retainedSeen += seen.size;
    const problem = checkRetained(acknowledged, seen);
    hold(problem === null, problem ?? "");
  }

  /**
   * In a split tenant a message may come over from its shard while the subscriber's question for what is
   * retained is under way; then it stands for the retained one, which it has replaced. With nothing written
   * meanwhile that happens to a straggler or none, and can't hide a retained message that is gone.
   */
  async #pauseWriters(): Promise<void> {
    if (!this.#split) return;
    for (const writer of this.#writers) writer.paused = true;
    const idle = (): boolean => this.#writers.every(({ session }) => session.connected && session.unfinished === 0);
    await this.#until("the writers' last messages are acknowledged", idle);
  }

  /** Stops, waits for the last acknowledgements and deliveries, and judges. @throws Violation */
  async finish(): Promise<void> {
    await Promise.all([...this.#publishers, ...this.#writers].map((source) => source.stop()));
    const idle = (): boolean => this.#sessions().every((session) => session.connected && session.unfinished === 0);
    await this.#until("everything is acknowledged", idle);
    const complete = (): boolean => this.#subscribers.every((subscriber) => this.#missing(subscriber) === 0);
    await this.#until("everything is delivered", complete).catch(() => undefined);
    for (const subscriber of this.#subscribers) {
      const publishers = this.#publishers.filter(({ name }) => subscriber.from.includes(name));
      const problem = checkDeliveries(publishers, subscriber.received);
      hold(problem === null, `${subscriber.session.options.clientId}: ${problem}`);
    }
    await this.checkRetained(5);
    for (const { options, faults } of this.#sessions()) hold(faults.length === 0, `${options.clientId}: ${faults[0]}`);
  }

  /** Ends all connections. */
  close(): void {
    for (const session of this.#sessions()) session.end();
  }

  #subscribe(level: 4 | 5, clientId: string, login: Login, filter: string, from: readonly string[]): void {
    const received = new Map<string, number[]>();
    const onMessage = ({ topic, payload }: PublishPacket): void => {
      const list = received.get(topic) ?? [];
      received.set(topic, list);
      list.push(numberOf(payload));
    };
    const session = new Session({
      ...{ address: this.#address, level, clientId, ...loginOf(login), filter, qos: 2, onMessage },
    });
    this.#subscribers.push({ session, received, from });
  }

  #publish(devices: readonly EnrolledDevice[]): void {
    const mayPublish = (): boolean => this.#subscribers.every((subscriber) => this.#missing(subscriber) < missingMax);
    for (const [index, device] of devices.entries()) {
      const level = index === 0 ? 4 : 5;
      const session = (clientId: string): Session =>
        new Session({ address: this.#address, level, clientId, ...loginOf(device) });
      for (const qos of [1, 2] as const)
        this.#publishers.push(new Publisher(session(`soak-qos-${qos}`), loadTopic(device, qos), qos, mayPublish));
      const topics = Array.from({ length: retainedTopics }, (_, topic) => `${device.topic_prefix}retained/${topic}`);
      this.#writers.push(new RetainedWriter(session("soak-retained"), topics, index === 0 ? 1 : 2));
    }
  }

  /** How many messages a subscriber has not been given yet; they come in order. */
  #missing({ received, from }: Subscriber): number {
    const wanted = this.#publishers.filter(({ name }) => from.includes(name));
    return wanted.reduce((sum, { name, sent }) => sum + sent - 1 - (received.get(name)?.at(-1) ?? -1), 0);
  }

  #sessions(): Session[] {
    return [...this.#publishers, ...this.#writers, ...this.#subscribers].map(({ session }) => session);
  }

  async #until(what: string, done: () => boolean): Promise<void> {
    for (const end = Date.now() + settleMsMax; !done(); await pause(20))
      hold(Date.now() < end, `not within ${settleMsMax / 1000} s: ${what} (${this.figures}; ${this.#whereabouts})`);
  }
}

const loadTopic = (device: EnrolledDevice, qos: number | "+"): string => `${device.topic_prefix}load/${qos}`;

/** A login and nothing else of what it came in. */
function loginOf(from: Login | EnrolledDevice): Login {
  if ("device_id" in from) return { username: from.device_id, password: from.token };
  return { username: from.username, password: from.password };
}

const numberOf = (payload: Uint8Array): number => Number(Buffer.from(payload).toString());

function repeats(received: ReadonlyMap<string, readonly number[]>): number {
  return [...received.values()].reduce((sum, list) => sum + list.length - new Set(list).size, 0);
}
