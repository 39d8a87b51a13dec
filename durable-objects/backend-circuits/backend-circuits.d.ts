import { DurableObject } from "cloudflare:workers";
import { type CircuitPolicy, type Heard, type Ticket } from "../../core/backends/circuit.ts";
import type { CircuitView } from "../../core/rpc/backends.ts";
import type { Env } from "../env.ts";
import type { BackendCircuitsMethods } from "./backend-circuits-methods.ts";
/**
 * The circuits of one organisation, by backend. Kept in memory alone and on purpose: what stands here is worth less
 * than the write that would keep it, and nothing is left to erase. An object that was evicted begins closed; it had
 * no call for longer than a circuit is open, or its Worker was deployed anew, and a backend that fails still opens it
 * again with as many calls as ever.
 */
export declare class BackendCircuits extends DurableObject<Env> implements BackendCircuitsMethods {
    #private;
    admit(backend: string, policy: CircuitPolicy): ReturnType<BackendCircuitsMethods["admit"]>;
    settle(backend: string, policy: CircuitPolicy, ticket: Ticket, heard: Heard): Promise<void>;
    view(backends: readonly {
        readonly name: string;
        readonly policy: CircuitPolicy;
    }[]): Promise<{
        views: CircuitView[];
    }>;
}
