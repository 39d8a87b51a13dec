import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "../../../scripts/stack/processes.ts";
import { hold, pause } from "../part.ts";

export const victims = ["workerd", "gateway", "postgres", "postgres_2"] as const;
export type Victim = (typeof victims)[number];

/** How long a killed part may take until the whole is ready again, in milliseconds. */
const backMsMax = 120_000;

/** The stack's parts as its state folder names them now: ids change with each restart. */
export class Victims {
  readonly #stateDir: string;
  readonly #url: string;

  constructor(stateDir: string, url: string) {
    this.#stateDir = stateDir;
    this.#url = url;
  }

  /** Kills a part, be it only just coming back. @returns its id, or null while it is not running anyway */
  kill(victim: Victim): number | null {
    const pid = this.#pid(victim);
    // An id may have been given to another program since it was written down.
    if (pid === 0 || !this.#isOurs(victim, pid)) return null;
    try {
      process.kill(pid, "SIGKILL");
      return pid;
    } catch {
      return null;
    }
  }

  /** Waits until each part runs under another id than the killed one and the whole says that it is ready. */
  async back(killed: ReadonlyMap<Victim, number>): Promise<void> {
    const end = Date.now() + backMsMax;
    const isBack = ([victim, pid]: [Victim, number]): boolean => {
      const now = this.#pid(victim);
      return now !== 0 && now !== pid && this.#isOurs(victim, now);
    };
    while (!([...killed].every(isBack) && (await this.#answers("/readyz")))) {
      hold(Date.now() < end, `not ready within ${backMsMax / 1000} s after killing ${[...killed.keys()].join(", ")}`);
      await pause(100);
    }
  }

  #pid(victim: Victim): number {
    const { pids } = JSON.parse(readFileSync(join(this.#stateDir, "stack.json"), "utf8")) as {
      pids: Record<string, number>;
    };
    return pids[victim] ?? 0;
  }

  #isOurs(victim: Victim, pid: number): boolean {
    const command = commandLine(pid);
    switch (victim) {
      case "workerd":
        return command.includes("workerd");
      case "gateway":
        return command.includes("gateway-main");
      case "postgres":
      case "postgres_2":
        return command.includes(this.#stateDir);
    }
  }

  async #answers(path: string): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#url}${path}`, { signal: AbortSignal.timeout(5000) });
      await answer.arrayBuffer();
      return answer.ok;
    } catch {
      return false;
    }
  }
}
