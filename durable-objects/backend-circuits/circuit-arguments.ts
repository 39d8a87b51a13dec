import type { CircuitPolicy, Heard, Ticket } from "../../core/backends/circuit.ts";
import { backendNamePattern, backendsMax, openMsMax, retriesMax } from "../../core/backends/registration.ts";

/** Studio has read them from the registry; what no registration can hold is a mistake of ours. @throws RangeError */
export function checkBackend(name: string, policy: CircuitPolicy): void {
  const { windowMs, callsMin, failureRatio, openMs } = policy;
  const whole = (value: number, max: number): boolean => Number.isInteger(value) && value > 0 && value <= max;
  const holds =
    typeof name === "string" &&
    backendNamePattern.test(name) &&
    whole(windowMs, 300_000) &&
    whole(callsMin, 1_000) &&
    whole(openMs, openMsMax) &&
    failureRatio > 0 &&
    failureRatio <= 1;
  if (!holds) throw new RangeError("no backend is registered so");
}

/** @throws RangeError */
export function checkBackends(backends: readonly { readonly name: string; readonly policy: CircuitPolicy }[]): void {
  if (backends.length > backendsMax) throw new RangeError("more backends than a platform has");
  for (const { name, policy } of backends) checkBackend(name, policy);
}

/** @throws RangeError */
export function checkTries(tries: number): void {
  if (!Number.isInteger(tries) || tries < 1 || tries > retriesMax + 1)
    throw new RangeError("a call is made once to three times");
}

/** @throws RangeError */
export function checkHeard({ epoch, probe }: Ticket, { failures, answered }: Heard): void {
  const counts = Number.isInteger(failures) && failures >= 0 && failures <= retriesMax + 1;
  if (!Number.isInteger(epoch) || typeof probe !== "boolean" || !counts || typeof answered !== "boolean")
    throw new RangeError("a call comes to some failures and an answer at most");
}
