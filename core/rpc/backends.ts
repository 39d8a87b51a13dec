import type { CircuitPolicy, CircuitState, Heard, Ticket } from "../backends/circuit.ts";
import type { SignedCall } from "../mesh/claims.ts";

/** What a circuit shows: what its organisation's own calls met, and nobody else's. */
export interface CircuitView {
  readonly state: CircuitState;
  /** Unix milliseconds; null: none that is known of. */
  readonly lastFailureMs: number | null;
}

export type BackendAdmission =
  | {
      readonly kind: "admitted";
      readonly ticket: Ticket;
      /** One for each try: a backend that takes each but once would refuse the second. Each is for this backend alone. */
      readonly assertions: readonly string[];
    }
  | { readonly kind: "open"; readonly retryAfterMs: number };

/** For studio alone, on a member's behalf. An organisation's circuits are its own: nobody else's failures open them. */
export interface BackendCircuitsRpc {
  /**
   * Asks whether a call may go out, and says to the backend who calls: what the assertions say is taken from the
   * verified call, so that studio can't speak for anybody who isn't there.
   * @param backend its registered name
   * @param tries 1 to 3; of a probe there is one, whatever is asked for
   */
  admit(call: SignedCall, backend: string, policy: CircuitPolicy, tries: number): Promise<BackendAdmission>;
  /** Says what came of an admitted call. Repeating it counts once more at most; it grants nothing. */
  settle(call: SignedCall, backend: string, policy: CircuitPolicy, ticket: Ticket, heard: Heard): Promise<void>;
  /** Of each backend that is asked for, in that order. An owner or an admin. */
  states(
    call: SignedCall,
    backends: readonly { readonly name: string; readonly policy: CircuitPolicy }[],
  ): Promise<CircuitView[]>;
}
