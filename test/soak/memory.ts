import { readFileSync } from "node:fs";
import { join } from "node:path";
import { residentKib } from "../bench/broker/processes.ts";
import type { StackProcess } from "../e2e/support/stack-process.ts";

/** Resident memory of workerd in MiB, as the kernel says; NaN where it does not. */
export function workerdMib(stack: StackProcess): number {
  try {
    const { pids } = JSON.parse(readFileSync(join(stack.stateDir, "stack.json"), "utf8")) as typeof stack.description;
    return residentKib(pids["workerd"] ?? 0) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** For a line of figures. */
export const mib = (value: number): string => (Number.isNaN(value) ? "not known" : `${value.toFixed(0)} MiB`);
