import type { CircuitPolicy } from "../../../core/backends/circuit.ts";
import {
  backendName,
  backendsMax,
  backendVariablePrefix,
  parseRegistration,
  type Registration,
} from "../../../core/backends/registration.ts";

/** A binding that shows Sentinel's client certificate to whoever it calls. */
export interface MtlsBinding {
  fetch(url: string, init: RequestInit): Promise<Response>;
}

export interface Backend {
  readonly name: string;
  readonly registration: Registration;
  readonly binding: MtlsBinding;
  readonly policy: CircuitPolicy;
}

/** By name. */
export type Backends = ReadonlyMap<string, Backend>;

/**
 * Reads every variable that registers a backend. One that is malformed, or whose certificate is not bound, stops the
 * Worker: half a registry would be somebody's surprise.
 * @throws Error that names the variable, never its value
 */
export function readBackends(env: object): Backends {
  const variables = Object.entries(env).filter(([variable]) => variable.startsWith(backendVariablePrefix));
  if (variables.length > backendsMax) throw new Error(`more than ${backendsMax} backends are registered`);
  return new Map(
    variables.map(([variable, value]) => {
      const name = backendName(variable);
      if (name === null) throw new Error(`${variable} is no name of a backend`);
      const registration = parseRegistration(variable, value);
      const binding = (env as Record<string, unknown>)[registration.mtls_binding];
      if (!isBinding(binding)) throw new Error(`${variable} names ${registration.mtls_binding}, which is not bound`);
      const { window_ms, calls_min, failure_ratio, open_ms } = registration.circuit;
      const policy = { windowMs: window_ms, callsMin: calls_min, failureRatio: failure_ratio, openMs: open_ms };
      return [name, { name, registration, binding, policy }];
    }),
  );
}

const isBinding = (value: unknown): value is MtlsBinding =>
  typeof value === "object" && value !== null && "fetch" in value && typeof value.fetch === "function";
