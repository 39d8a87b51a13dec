import type { Session } from "./client/session.ts";
import { pause } from "./part.ts";

/** Between two pings, in milliseconds. */
const pingMs = 50;

/** How long a PINGREQ takes to be answered while something else goes on. Each ping is another session's, in turn. */
export class Pings {
  #times: number[] = [];
  #running = true;
  readonly #loop: Promise<void>;

  /** @param sessions those that are connected are asked */
  constructor(sessions: () => readonly Session[]) {
    this.#loop = this.#ping(sessions);
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

  async #ping(sessions: () => readonly Session[]): Promise<void> {
    for (let turn = 0; this.#running; await pause(pingMs)) {
      const connected = sessions().filter((session) => session.connected);
      const ms = await connected[turn++ % connected.length]?.ping();
      if (typeof ms === "number") this.#times.push(ms);
    }
  }
}
