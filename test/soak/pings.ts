import type { Session } from "./client/session.ts";
import { pause } from "./part.ts";

/** Between two pings, in milliseconds. */
const pingMs = 50;

/** How long a PINGREQ takes to be answered while something else goes on. */
export class Pings {
  #times: number[] = [];
  #running = true;
  readonly #loop: Promise<void>;

  constructor(session: Session) {
    this.#loop = this.#ping(session);
  }

  /** Median, p99 and slowest since the last time this was asked; milliseconds, as text. */
  take(): string {
    const sorted = this.#times.sort((a, b) => a - b);
    this.#times = [];
    const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(0);
    return sorted.length === 0
      ? "no ping answered"
      : `ping ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms of ${sorted.length}`;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  async #ping(session: Session): Promise<void> {
    for (; this.#running; await pause(pingMs)) {
      const ms = await session.ping();
      if (ms !== null) this.#times.push(ms);
    }
  }
}
