import type { Admission, CircuitPolicy, Heard, Ticket } from "../../core/backends/circuit.ts";
import type { CircuitView } from "../../core/rpc/backends.ts";

/** What the entrypoint calls on an organisation's object. */
export interface BackendCircuitsMethods {
  admit(
    backend: string,
    policy: CircuitPolicy,
  ): Promise<
    Pick<Extract<Admission, { admitted: true }>, "admitted" | "ticket"> | { admitted: false; retryAfterMs: number }
  >;
  settle(backend: string, policy: CircuitPolicy, ticket: Ticket, heard: Heard): Promise<void>;
  view(
    backends: readonly { readonly name: string; readonly policy: CircuitPolicy }[],
  ): Promise<{ views: CircuitView[] }>;
}
