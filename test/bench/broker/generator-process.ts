import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Job, JobResult } from "./generator.ts";
import type { Outcome } from "./measure.ts";
import { otherCore, pin } from "./processes.ts";

/** The load generator, in a process of its own on the other core. */
export class Generator {
  readonly #child: ChildProcess;

  constructor() {
    // NaN survives this serialization; JSON would make null of it.
    this.#child = fork(fileURLToPath(new URL("generator.ts", import.meta.url)), { serialization: "advanced" });
    if (this.#child.pid !== undefined) pin(this.#child.pid, otherCore);
  }

  /** @throws Error when the case could not be carried out */
  run(job: Job): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`the load generator ended with ${code}`));
      this.#child.once("exit", onExit);
      this.#child.once("message", (result: JobResult) => {
        this.#child.off("exit", onExit);
        if (result.ok) resolve(result.outcome);
        else reject(new Error(`${job.name} at ${job.target.name}: ${result.message}`));
      });
      this.#child.send(job);
    });
  }

  stop(): void {
    this.#child.disconnect();
  }
}
