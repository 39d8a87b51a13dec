/**
 * Between the disk queue and the connection: sends in order, a window at a time, and removes what
 * was acknowledged.
 *
 * INVARIANTS
 * - A sample is on disk before it is sent, and on disk until its PUBACK.
 * - Acknowledgements of an earlier connection are ignored: its window went with it. (QoS 1 resends
 *   go out under new packet ids; the sample's id is what makes them one [MQTT-4.3.2-2].)
 */
import type { Session } from "./connection/session.ts";
import type { DiskQueue } from "./queue/disk-queue.ts";
import { SendWindow } from "./queue/window.ts";

export interface DeliveryEvents {
  /** The cursor moved. */
  acknowledged(): void;
  /** The disk failed; sending goes on with the next event. */
  failed(error: unknown): void;
}

export class Delivery {
  readonly #queue: DiskQueue;
  readonly #topic: string;
  readonly #events: DeliveryEvents;
  /** Both null or both set. Written by `connected`, `disconnected`. */
  #link: { readonly session: Session; readonly window: SendWindow } | null = null;
  #onIdle: (() => void) | null = null;
  #stopping = false;

  constructor(queue: DiskQueue, topic: string, events: DeliveryEvents) {
    this.#queue = queue;
    this.#topic = topic;
    this.#events = events;
  }

  /** @param nowMs Unix time. Throws when the disk refuses the sample. */
  enqueue(payload: Uint8Array, nowMs: number): void {
    this.#queue.append(payload, nowMs);
    this.#pump();
  }

  connected(session: Session): void {
    this.#link = { session, window: new SendWindow(this.#queue.acknowledgedSeq) };
    this.#pump();
  }

  disconnected(): void {
    this.#link = null;
    this.#checkIdle();
  }

  /** Sends nothing new; resolves once what is in flight is acknowledged or the connection is gone. */
  stop(): Promise<void> {
    this.#stopping = true;
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#checkIdle();
    });
  }

  #pump(): void {
    const link = this.#link;
    if (link === null || this.#stopping) return;
    try {
      while (link.window.hasRoom) {
        const sample = this.#queue.nextAfter(link.window.lastSent);
        if (sample === null) return;
        link.window.sent(sample.seq);
        link.session.publish(this.#topic, sample.payload, () => this.#acknowledged(link, sample.seq));
      }
    } catch (error) {
      this.#events.failed(error);
    }
  }

  #acknowledged(link: { readonly window: SendWindow }, seq: number): void {
    if (this.#link !== link) return;
    const cursor = link.window.acknowledged(seq);
    if (cursor === null) return;
    try {
      this.#queue.acknowledge(cursor);
    } catch (error) {
      // The cursor on disk stays behind: after a restart some samples are sent again.
      this.#events.failed(error);
    }
    this.#events.acknowledged();
    this.#pump();
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#link === null || this.#link.window.inflight === 0) this.#onIdle?.();
  }
}
