/**
 * Keeps one connection: opens it, and after its end waits as `backoff.ts` says and opens the next.
 *
 * INVARIANTS
 * - At most one session exists; events of an earlier one are ignored.
 * - At most one timer is pending, and only while there is no session.
 * - The failure count returns to 0 only after a connection that lasted `stableMsMin`.
 */
import type { Credentials } from "../state/credentials.ts";
import { attemptsAfter, nextDelay, refusedDelay } from "./backoff.ts";
import { type CloseReason, isFinalRefusal } from "./close-reason.ts";
import type { OpenSession, Session } from "./session.ts";

export interface KeeperClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls back once after `ms`; returns a cancel. */
  after(ms: number, callback: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
}

export interface KeeperEvents {
  connecting(): void;
  connected(session: Session): void;
  command(payload: Uint8Array): void;
  subscriptionRefused(): void;
  /** @param delayMs until the next attempt, null when stopped */
  disconnected(reason: CloseReason, delayMs: number | null, attempt: number): void;
}

export class ConnectionKeeper {
  readonly #open: OpenSession;
  readonly #credentials: Credentials;
  readonly #clock: KeeperClock;
  readonly #events: KeeperEvents;
  /** Failures in a row. Written only by `#closed`. */
  #attempt = 0;
  #session: Session | null = null;
  #connectedAt: number | null = null;
  #cancelTimer: (() => void) | null = null;
  #stopped = false;

  constructor(open: OpenSession, credentials: Credentials, clock: KeeperClock, events: KeeperEvents) {
    this.#open = open;
    this.#credentials = credentials;
    this.#clock = clock;
    this.#events = events;
  }

  start(): void {
    this.#connect();
  }

  /** Sends DISCONNECT if connected and tries no more. @param msMax until the socket is cut */
  async stop(msMax: number): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    await this.#session?.end(msMax);
  }

  #connect(): void {
    this.#cancelTimer = null;
    if (this.#stopped) return;
    this.#events.connecting();
    this.#connectedAt = null;
    this.#session = this.#open(this.#credentials, {
      connected: () => {
        this.#connectedAt = this.#clock.now();
        // MQTT.js never reports synchronously, so the session is set by now.
        if (this.#session !== null) this.#events.connected(this.#session);
      },
      command: (payload) => this.#events.command(payload),
      subscriptionRefused: () => this.#events.subscriptionRefused(),
      closed: (reason) => this.#closed(reason),
    });
  }

  #closed(reason: CloseReason): void {
    const connectedMs = this.#connectedAt === null ? null : this.#clock.now() - this.#connectedAt;
    this.#session = null;
    this.#connectedAt = null;
    if (this.#stopped) {
      this.#events.disconnected(reason, null, this.#attempt);
      return;
    }
    const random = this.#clock.random();
    const failures = attemptsAfter(this.#attempt, connectedMs);
    const delay = isFinalRefusal(reason) ? refusedDelay(random) : nextDelay(Math.max(0, failures - 1), random);
    this.#attempt = failures;
    this.#events.disconnected(reason, delay, failures);
    this.#cancelTimer = this.#clock.after(delay, () => this.#connect());
  }
}
