import { CliError } from "../../cli-error.ts";
import { refuseLogAddress } from "../log-address.ts";
import { everySecondsDefault, everySecondsMax, everySecondsMin, type WitnessOptions } from "./run-witness.ts";
import { refuseWitnessName } from "./witness-key.ts";

/** What is wrong with an interval, or null. */
export function refuseEvery(value: string): string | null {
  const seconds = /^[1-9][0-9]{0,5}$/.test(value) ? Number(value) : 0;
  const fits = seconds >= everySecondsMin && seconds <= everySecondsMax;
  return fits ? null : `takes seconds, ${everySecondsMin} to ${everySecondsMax}`;
}

/** Options as they were typed. @throws CliError `missing_value`, `invalid_value` */
export function witnessOptions(typed: {
  readonly log: string | undefined;
  readonly dir: string | undefined;
  readonly name: string | undefined;
  readonly once: boolean;
  readonly every: string | undefined;
}): WitnessOptions {
  const { log, dir, name, once, every } = typed;
  if (log === undefined) throw new CliError("missing_argument", "say which log: https://HOST/api/v1/orgs/ORG/audit", 2);
  if (dir === undefined || dir === "") throw new CliError("missing_value", "say where the witness lives: --dir DIR", 2);
  check("the log", refuseLogAddress(log));
  if (name !== undefined) check("--name", refuseWitnessName(name));
  if (every !== undefined) check("--every", refuseEvery(every));
  const everySeconds = every === undefined ? everySecondsDefault : Number(every);
  return { address: log, dir, name: name ?? null, once, everySeconds };
}

function check(what: string, problem: string | null): void {
  if (problem !== null) throw new CliError("invalid_value", `${what} ${problem}`, 2);
}
