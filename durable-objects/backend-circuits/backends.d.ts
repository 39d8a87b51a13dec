import { WorkerEntrypoint } from "cloudflare:workers";
import type { CircuitPolicy, Heard, Ticket } from "../../core/backends/circuit.ts";
import type { SignedCall } from "../../core/mesh/claims.ts";
import type { BackendAdmission, BackendCircuitsRpc, CircuitView } from "../../core/rpc/backends.ts";
import type { Env } from "../env.ts";
/**
 * For studio alone, and for people alone: no job calls a backend. Each method verifies the call, with the person's own
 * token, and asks the object of that person's organisation; which one that is, is no argument.
 */
export declare class Backends extends WorkerEntrypoint<Env> implements BackendCircuitsRpc {
    #private;
    admit(call: SignedCall, backend: string, policy: CircuitPolicy, tries: number): Promise<BackendAdmission>;
    settle(call: SignedCall, backend: string, policy: CircuitPolicy, ticket: Ticket, heard: Heard): Promise<void>;
    states(call: SignedCall, backends: readonly {
        readonly name: string;
        readonly policy: CircuitPolicy;
    }[]): Promise<CircuitView[]>;
}
