import type { CircuitPolicy, Heard, Ticket } from "../../core/backends/circuit.ts";
/** Studio has read them from the registry; what no registration can hold is a mistake of ours. @throws RangeError */
export declare function checkBackend(name: string, policy: CircuitPolicy): void;
/** @throws RangeError */
export declare function checkBackends(backends: readonly {
    readonly name: string;
    readonly policy: CircuitPolicy;
}[]): void;
/** @throws RangeError */
export declare function checkTries(tries: number): void;
/** @throws RangeError */
export declare function checkHeard({ epoch, probe }: Ticket, { failures, answered }: Heard): void;
