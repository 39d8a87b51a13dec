import { WorkerEntrypoint } from "cloudflare:workers";
import type { CircuitPolicy, Heard, Ticket } from "../../core/backends/circuit.ts";
import type { SignedCall, VerifiedUserCall } from "../../core/mesh/claims.ts";
import { CallRefused } from "../../core/mesh/refused.ts";
import type { BackendAdmission, BackendCircuitsRpc, CircuitView } from "../../core/rpc/backends.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import type { Env } from "../env.ts";
import { keyRingName, verifyInward } from "../mesh.ts";
import { checkBackend, checkBackends, checkHeard, checkTries } from "./circuit-arguments.ts";

/** Who may look at circuits; studio has decided before. */
const lookers: readonly Role[] = ["owner", "admin"];

/**
 * For studio alone, and for people alone: no job calls a backend. Each method verifies the call, with the person's own
 * token, and asks the object of that person's organisation; which one that is, is no argument.
 */
export class Backends extends WorkerEntrypoint<Env> implements BackendCircuitsRpc {
  async admit(call: SignedCall, backend: string, policy: CircuitPolicy, tries: number): Promise<BackendAdmission> {
    const { org, sub, role, rid } = await this.#person(call);
    checkBackend(backend, policy);
    checkTries(tries);
    const admission = await this.env.BACKEND_CIRCUITS.getByName(org).admit(backend, policy);
    if (!admission.admitted) return { kind: "open", retryAfterMs: admission.retryAfterMs };
    const { ticket } = admission;
    const ring = this.env.KEY_RING.getByName(keyRingName);
    const { assertions } = await ring.signBackendAssertions({ backend, sub, org, role, rid }, ticket.probe ? 1 : tries);
    return { kind: "admitted", ticket: { ...ticket }, assertions: [...assertions] };
  }

  async settle(call: SignedCall, backend: string, policy: CircuitPolicy, ticket: Ticket, heard: Heard): Promise<void> {
    const { org } = await this.#person(call);
    checkBackend(backend, policy);
    checkHeard(ticket, heard);
    await this.env.BACKEND_CIRCUITS.getByName(org).settle(backend, policy, ticket, heard);
  }

  async states(
    call: SignedCall,
    backends: readonly { readonly name: string; readonly policy: CircuitPolicy }[],
  ): Promise<CircuitView[]> {
    const { org, role } = await this.#person(call);
    if (!lookers.includes(role)) throw new CallRefused("not_granted");
    checkBackends(backends);
    const { views } = await this.env.BACKEND_CIRCUITS.getByName(org).view(backends);
    return views.map((view) => ({ ...view }));
  }

  async #person(call: SignedCall): Promise<VerifiedUserCall> {
    const verified = await verifyInward(this.env, call, { audience: "durable-objects.backends", users: true });
    if (verified.kind !== "user") throw new CallRefused("user_not_accepted");
    return verified;
  }
}
