/**
 * Keeps one connection: opens it, and after its end waits as `backoff.ts` says and opens the next,
 * where `route.ts` says.
 *
 * INVARIANTS
 * - At most one session exists; events of an earlier one are ignored.
 * - At most one timer is pending, and only while there is no session.
 * - The failure count returns to 0 only after a connection that lasted `stableMsMin`.
 * - A server that only says how to go on (another version or address) costs no patience, unless it
 *   says so again and again.
 */
import type { Credentials } from "../state/credentials.ts";
import { attemptsAfter, nextDelay, refusedDelay } from "./backoff.ts";
import { type CloseReason, isFinalRefusal, retryAfterOf } from "./close-reason.ts";
import { homeRoute, isDirection, nextRoute, type Route } from "./route.ts";
import type { Granted, OpenSession, Session } from "./session.ts";

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
  connected(session: Session, granted: Granted): void;
  command(payload: Uint8Array): void;
  subscriptionRefused(said: string): void;
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
  /** Directions in a row. Written only by `#closed`. */
  #directions = 0;
  /** Of the present or next attempt. Written only by `#closed`. */
  #route: Route;
  #session: Session | null = null;
  #connectedAt: number | null = null;
  #cancelTimer: (() => void) | null = null;
  #stopped = false;

  constructor(open: OpenSession, credentials: Credentials, clock: KeeperClock, events: KeeperEvents) {
    this.#open = open;
    this.#credentials = credentials;
    this.#clock = clock;
    this.#events = events;
    this.#route = homeRoute(credentials.mqttUrl);
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
    this.#session = this.#open(this.#credentials, this.#route, {
      connected: (granted) => {
        this.#connectedAt = this.#clock.now();
        // MQTT.js never reports synchronously, so the session is set by now.
        if (this.#session !== null) this.#events.connected(this.#session, granted);
      },
      command: (payload) => this.#events.command(payload),
      subscriptionRefused: (said) => this.#events.subscriptionRefused(said),
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
    this.#route = nextRoute(this.#route, this.#credentials.mqttUrl, reason, connectedMs !== null);
    const delay = this.#delayAfter(reason, connectedMs);
    this.#events.disconnected(reason, delay, this.#attempt);
    this.#cancelTimer = this.#clock.after(delay, () => this.#connect());
  }

  /** Counts the end of a connection. @returns milliseconds until the next attempt */
  #delayAfter(reason: CloseReason, connectedMs: number | null): number {
    const random = this.#clock.random();
    if (isDirection(reason)) {
      this.#directions += 1;
      return nextDelay(this.#directions - 1, random);
    }
    this.#directions = 0;
    this.#attempt = attemptsAfter(this.#attempt, connectedMs);
    if (isFinalRefusal(reason)) return refusedDelay(random);
    return nextDelay(Math.max(0, this.#attempt - 1), random, retryAfterOf(reason));
  }
}
