/** The load generator's process: runs the cases that it is sent, one after another. */
import { type CaseName, cases } from "./cases.ts";
import type { Outcome } from "./measure.ts";
import type { Target } from "./target.ts";

export interface Job {
  readonly name: CaseName;
  readonly target: Target;
  readonly seconds: number;
}

export type JobResult =
  | { readonly ok: true; readonly outcome: Outcome }
  | { readonly ok: false; readonly message: string };

const answer = (result: JobResult): void => {
  process.send?.(result);
};

process.on("message", ({ name, target, seconds }: Job) => {
  cases[name].run(target, seconds).then(
    (outcome) => answer({ ok: true, outcome }),
    (error: Error) => answer({ ok: false, message: error.message }),
  );
});
// The one who asked is gone: nobody wants the answer.
process.on("disconnect", () => process.exit(0));
