import { DurableObject } from "cloudflare:workers";
import {
  admit,
  advance,
  type Circuit,
  type CircuitPolicy,
  freshCircuit,
  type Heard,
  settle,
  type Ticket,
} from "../../core/backends/circuit.ts";
import { backendsMax } from "../../core/backends/registration.ts";
import type { CircuitView } from "../../core/rpc/backends.ts";
import type { Env } from "../env.ts";
import type { BackendCircuitsMethods } from "./backend-circuits-methods.ts";

/**
 * The circuits of one organisation, by backend. Kept in memory alone and on purpose: what stands here is worth less
 * than the write that would keep it, and nothing is left to erase. An object that was evicted begins closed; it had
 * no call for longer than a circuit is open, or its Worker was deployed anew, and a backend that fails still opens it
 * again with as many calls as ever.
 */
export class BackendCircuits extends DurableObject<Env> implements BackendCircuitsMethods {
  /** Written by `#set` alone. At most {@link backendsMax}. */
  readonly #circuits = new Map<string, Circuit>();

  async admit(backend: string, policy: CircuitPolicy): ReturnType<BackendCircuitsMethods["admit"]> {
    const admission = admit(this.#of(backend), policy, Date.now());
    this.#set(backend, admission.circuit);
    return admission.admitted
      ? { admitted: true, ticket: admission.ticket }
      : { admitted: false, retryAfterMs: admission.retryAfterMs };
  }

  async settle(backend: string, policy: CircuitPolicy, ticket: Ticket, heard: Heard): Promise<void> {
    this.#set(backend, settle(this.#of(backend), policy, ticket, heard, Date.now()));
  }

  async view(
    backends: readonly { readonly name: string; readonly policy: CircuitPolicy }[],
  ): Promise<{ views: CircuitView[] }> {
    const nowMs = Date.now();
    const views = backends.map(({ name, policy }) => {
      const { phase, lastFailureMs } = advance(this.#of(name), policy, nowMs);
      return { state: phase.is, lastFailureMs };
    });
    return { views };
  }

  #of(backend: string): Circuit {
    return this.#circuits.get(backend) ?? freshCircuit;
  }

  #set(backend: string, circuit: Circuit): void {
    this.#circuits.delete(backend);
    this.#circuits.set(backend, circuit);
    // More than are registered: names of an earlier deployment. The one that was asked for longest ago goes.
    const [oldest] = this.#circuits.keys();
    if (this.#circuits.size > backendsMax && oldest !== undefined) this.#circuits.delete(oldest);
  }
}
