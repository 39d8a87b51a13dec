import { execFileSync } from "node:child_process";
import type { EnrolledDevice } from "../e2e/support/api.ts";
import { addressOf } from "./client/link.ts";
import { Session } from "./client/session.ts";
import { hold, pause } from "./part.ts";

/** Files that this process needs beside the sockets. */
const otherFiles = 500;

/** Every socket of a storm: half of them speak 3.1.1, half 5.0, each has a session that lasts. */
export class Crowd {
  readonly sessions: readonly Session[];
  readonly #devices: readonly EnrolledDevice[];

  /** All begin to connect now, at once. */
  constructor(devices: readonly EnrolledDevice[], count: number) {
    this.#devices = devices;
    this.sessions = Array.from({ length: count }, (_, index) => {
      const device = this.#deviceOf(index);
      return new Session({
        address: addressOf(device.mqtt_url),
        level: index % 2 === 0 ? 4 : 5,
        clientId: `soak-${index}`,
        username: device.device_id,
        password: device.token,
      });
    });
  }

  get connected(): number {
    return this.sessions.reduce((sum, { connected }) => sum + (connected ? 1 : 0), 0);
  }

  /** Connections that were tried, refused by a CONNACK, and that stood. */
  get counts(): { readonly attempts: number; readonly refusals: number; readonly connections: number } {
    const sum = (of: (session: Session) => number): number =>
      this.sessions.reduce((total, session) => total + of(session), 0);
    return {
      attempts: sum(({ attempts }) => attempts),
      refusals: sum(({ refusals }) => refusals),
      connections: sum(({ connections }) => connections),
    };
  }

  /** Waits until every one is connected. @returns after how many milliseconds; @throws Violation */
  async allConnected(msMax: number): Promise<number> {
    const startedAtMs = performance.now();
    for (; this.connected < this.sessions.length; await pause(50))
      hold(
        performance.now() - startedAtMs < msMax,
        `${this.sessions.length - this.connected} of ${this.sessions.length} are not connected after ${msMax / 1000} s`,
      );
    return performance.now() - startedAtMs;
  }

  /** One sample of each, at once or when it is connected again. @returns when each has its PUBACK, after milliseconds */
  async publishAll(round: number, acknowledged: () => void): Promise<number> {
    const startedAtMs = performance.now();
    await Promise.all(
      this.sessions.map(async (session, index) => {
        const sample = { id: `s-${index}-${round}`, at: new Date().toISOString(), metrics: { index } };
        const topic = `${this.#deviceOf(index).topic_prefix}telemetry`;
        await session.publish(topic, Buffer.from(JSON.stringify(sample)), 1);
        acknowledged();
      }),
    );
    return performance.now() - startedAtMs;
  }

  /** @throws Violation with the first thing that the server did to one of them and may not */
  check(): void {
    for (const { options, faults } of this.sessions) hold(faults.length === 0, `${options.clientId}: ${faults[0]}`);
  }

  end(): void {
    for (const session of this.sessions) session.end();
  }

  #deviceOf(index: number): EnrolledDevice {
    return this.#devices[index % this.#devices.length] as EnrolledDevice;
  }
}

/** Node raises its own limit as far as it may; what it starts inherits that. @throws Violation with what to do */
export function checkFileLimit(sockets: number): void {
  if (process.platform === "win32") return;
  const limit = execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).trim();
  const wanted = sockets + otherFiles;
  hold(
    limit === "unlimited" || Number(limit) >= wanted,
    `${sockets} sockets need ${wanted} open files, ${limit} are allowed: raise the hard limit (ulimit -Hn) and run again`,
  );
}
