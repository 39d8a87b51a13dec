import type { Session } from "../client/session.ts";
import { pause } from "../part.ts";
import type { PublishedMessages } from "./deliveries.ts";

/** Messages of one publisher that may be without their last acknowledgement. */
export const publisherWindow = 6;
/** Between two messages of one publisher, in milliseconds. */
const messageMs = 20;

/** Publishes numbered messages without an end and remembers which ones the server has taken over. */
export class Publisher implements PublishedMessages {
  readonly name: string;
  readonly qos: 1 | 2;
  readonly taken = new Set<number>();
  readonly session: Session;
  sent = 0;
  #running = true;
  readonly #loop: Promise<void>;

  /** @param mayPublish false while a subscriber is too far behind */
  constructor(session: Session, topic: string, qos: 1 | 2, mayPublish: () => boolean) {
    this.name = topic;
    this.session = session;
    this.qos = qos;
    this.#loop = this.#publish(topic, mayPublish);
  }

  /** Publishes nothing more. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  async #publish(topic: string, mayPublish: () => boolean): Promise<void> {
    for (; this.#running; await pause(messageMs)) {
      if (this.session.unfinished >= publisherWindow || !mayPublish()) continue;
      const number = this.sent++;
      void this.session.publish(topic, Buffer.from(String(number)), this.qos).then(
        () => void this.taken.add(number),
        (error: Error) => void this.session.faults.push(error.message),
      );
    }
  }
}

/** Retains a counter that rises, in turn under each of its topics. */
export class RetainedWriter {
  readonly session: Session;
  /** The highest counter by topic whose acknowledgement came. */
  readonly acknowledged = new Map<string, number>();
  sent = 0;
  /** Nothing new is written meanwhile; what was begun goes on. */
  paused = false;
  #running = true;
  readonly #loop: Promise<void>;

  constructor(session: Session, topics: readonly string[], qos: 1 | 2) {
    this.session = session;
    this.#loop = this.#write(topics, qos);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  async #write(topics: readonly string[], qos: 1 | 2): Promise<void> {
    for (; this.#running; await pause(messageMs)) {
      if (this.paused || this.session.unfinished >= publisherWindow) continue;
      const counter = this.sent++;
      const topic = topics[counter % topics.length] as string;
      void this.session.publish(topic, Buffer.from(String(counter)), qos, true).then(
        () => void this.acknowledged.set(topic, counter),
        (error: Error) => void this.session.faults.push(error.message),
      );
    }
  }
}
