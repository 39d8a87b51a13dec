/**
 * Between the disk queue and the connection: sends in order, a window at a time, and removes what
 * was acknowledged.
 *
 * INVARIANTS
 * - A sample is on disk before it is sent, and on disk until a PUBACK that took it, or refused it
 *   for good.
 * - Answers to an earlier window are ignored: it went with its connection, or with a refusal for
 *   now, after which all from the cursor on is sent again. (Resends go out under new packet ids; the
 *   sample's id is what makes them one [MQTT-4.3.2-2].)
 * - Nothing is sent while `#holdOff` is on.
 */
import { HoldOff, type HoldOffClock } from "./connection/hold-off.ts";
import type { PublishOutcome } from "./connection/server-word.ts";
import type { Session } from "./connection/session.ts";
import type { DiskQueue } from "./queue/disk-queue.ts";
import { SendWindow } from "./queue/window.ts";

export interface DeliveryEvents {
  /** The cursor moved. */
  acknowledged(): void;
  /** The server takes no samples now; the next try is in `delayMs`. */
  deferred(said: string, delayMs: number): void;
  /**
   * The server never takes this sample: it is set aside.
   * @param isNews false when the one before it was refused in the same words
   */
  refused(said: string, isNews: boolean): void;
  /** The disk failed; sending goes on with the next event. */
  failed(error: unknown): void;
}

interface Link {
  readonly session: Session;
  readonly window: SendWindow;
}

export class Delivery {
  readonly #queue: DiskQueue;
  readonly #topic: string;
  readonly #events: DeliveryEvents;
  readonly #holdOff: HoldOff;
  /** Written by `connected`, `disconnected`, `#deferred`. */
  #link: Link | null = null;
  /** The last answer, if it was a refusal for good. Written only by `#answered`. */
  #lastRefusal: string | null = null;
  #onIdle: (() => void) | null = null;
  #stopping = false;

  constructor(queue: DiskQueue, topic: string, clock: HoldOffClock, events: DeliveryEvents) {
    this.#queue = queue;
    this.#topic = topic;
    this.#events = events;
    this.#holdOff = new HoldOff(clock, () => this.#pump());
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
    this.#holdOff.stop();
    this.#checkIdle();
  }

  /** Sends nothing new; resolves once what is in flight is acknowledged or the connection is gone. */
  stop(): Promise<void> {
    this.#stopping = true;
    this.#holdOff.stop();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#checkIdle();
    });
  }

  #pump(): void {
    const link = this.#link;
    if (link === null || this.#stopping || this.#holdOff.isOn) return;
    try {
      while (link.window.hasRoom) {
        const sample = this.#queue.nextAfter(link.window.lastSent);
        if (sample === null) return;
        link.window.sent(sample.seq);
        link.session.publish(this.#topic, sample.payload, (outcome) => this.#answered(link, sample.seq, outcome));
      }
    } catch (error) {
      this.#events.failed(error);
    }
  }

  #answered(link: Link, seq: number, outcome: PublishOutcome): void {
    if (this.#link !== link) return;
    if (outcome.kind === "later") this.#deferred(link, outcome);
    else this.#settled(link, seq, outcome);
    this.#checkIdle();
  }

  /** All from the cursor on is sent again, after a pause. */
  #deferred(link: Link, { said, retryAfterMs }: PublishOutcome & { readonly kind: "later" }): void {
    this.#link = { session: link.session, window: new SendWindow(this.#queue.acknowledgedSeq) };
    if (this.#stopping) return;
    const delayMs = this.#holdOff.refused(retryAfterMs);
    if (delayMs !== null) this.#events.deferred(said, delayMs);
  }

  /** It arrived, or never will: it leaves the queue with all before it. */
  #settled(link: Link, seq: number, outcome: PublishOutcome & { readonly kind: "arrived" | "refused" }): void {
    const refusal = outcome.kind === "refused" ? outcome.said : null;
    if (refusal !== null) this.#events.refused(refusal, refusal !== this.#lastRefusal);
    this.#lastRefusal = refusal;
    this.#holdOff.arrived();
    const cursor = link.window.acknowledged(seq);
    if (cursor === null) return;
    try {
      this.#queue.acknowledge(cursor);
    } catch (error) {
      // The cursor on disk stays behind: after a restart some samples are sent again.
      this.#events.failed(error);
    }
    if (refusal === null) this.#events.acknowledged();
    this.#pump();
  }

  #checkIdle(): void {
    if (this.#link === null || this.#link.window.inflight === 0) this.#onIdle?.();
  }
}
