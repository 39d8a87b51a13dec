import { it } from "vitest";
import { isSentinel } from "../support/target.ts";

/** A rule of Sentinel's own: mosquitto, asked without rules, lets everybody do everything. */
export function sentinelOnly(name: string, work: () => Promise<void>): void {
  it.runIf(isSentinel)(name, work);
}
