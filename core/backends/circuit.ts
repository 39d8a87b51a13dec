/**
 * A circuit breaker: leaves a backend alone that fails, and finds out with one call at a time when it is back. Pure; the
 * object that holds one (durable-objects/backend-circuits) does nothing else.
 *
 *   closed ──(of enough calls in the window too many failed)──▶ open ──(time)──▶ half-open
 *   half-open ──(a probe failed, or was never heard of again)──▶ open; ──(probes succeeded in a row)──▶ closed
 */

/** As in a registration. */
export interface CircuitPolicy {
  readonly windowMs: number;
  readonly callsMin: number;
  /** 0 < r ≤ 1 */
  readonly failureRatio: number;
  readonly openMs: number;
}

/** The window in parts: what is older than all of them counts no more, to a tenth of the window. */
export const windowParts = 10;
/** Probes that succeed one after the other before everybody is let through: one may be luck. */
export const closingProbes = 2;
/** A probe that nobody settled by then failed. Longer than a call may take. Milliseconds. */
export const probeMsMax = 30_000;

interface Part {
  /** Which part of all time it is: Unix milliseconds ÷ the part's length. */
  readonly number: number;
  readonly calls: number;
  readonly failures: number;
}

/** What an admitted call is settled with. One of an earlier epoch says nothing about today. */
export interface Ticket {
  readonly epoch: number;
  readonly probe: boolean;
}

type Phase =
  | { readonly is: "closed"; readonly parts: readonly Part[] }
  | { readonly is: "open"; readonly untilMs: number }
  /** `probeUntilMs` null: nobody is trying. */
  | { readonly is: "half_open"; readonly probeUntilMs: number | null; readonly succeeded: number };

export interface Circuit {
  /** Rises whenever the phase becomes another, and with each probe. */
  readonly epoch: number;
  readonly phase: Phase;
  /** Unix milliseconds; null: none that is known of. */
  readonly lastFailureMs: number | null;
}

export const freshCircuit: Circuit = { epoch: 0, phase: { is: "closed", parts: [] }, lastFailureMs: null };

export type CircuitState = Phase["is"];

/** Of a call's tries: what was heard of the backend. */
export interface Heard {
  /** Tries that failed: no answer in time, no connection, or a 5xx. */
  readonly failures: number;
  /** Whether one was answered. */
  readonly answered: boolean;
}

export type Admission =
  | { readonly admitted: true; readonly circuit: Circuit; readonly ticket: Ticket }
  | { readonly admitted: false; readonly circuit: Circuit; readonly retryAfterMs: number };

const become = (circuit: Circuit, phase: Phase): Circuit => ({ ...circuit, epoch: circuit.epoch + 1, phase });

/** What time alone does: an open circuit is half-open when its time is over, a probe that was lost has failed. */
export function advance(circuit: Circuit, policy: CircuitPolicy, nowMs: number): Circuit {
  const { phase } = circuit;
  if (phase.is === "open" && nowMs >= phase.untilMs)
    return become(circuit, { is: "half_open", probeUntilMs: null, succeeded: 0 });
  if (phase.is === "half_open" && phase.probeUntilMs !== null && nowMs >= phase.probeUntilMs)
    // From the moment it was lost, whenever somebody looks.
    return advance(
      opened({ ...circuit, lastFailureMs: phase.probeUntilMs }, policy, phase.probeUntilMs),
      policy,
      nowMs,
    );
  return circuit;
}

/** May a call go out now? */
export function admit(before: Circuit, policy: CircuitPolicy, nowMs: number): Admission {
  const circuit = advance(before, policy, nowMs);
  const { phase } = circuit;
  if (phase.is === "closed") return { admitted: true, circuit, ticket: { epoch: circuit.epoch, probe: false } };
  if (phase.is === "open") return { admitted: false, circuit, retryAfterMs: phase.untilMs - nowMs };
  if (phase.probeUntilMs !== null) return { admitted: false, circuit, retryAfterMs: phase.probeUntilMs - nowMs };
  const probing = become(circuit, { ...phase, probeUntilMs: nowMs + probeMsMax });
  return { admitted: true, circuit: probing, ticket: { epoch: probing.epoch, probe: true } };
}

/** Takes note of what came of an admitted call. */
export function settle(before: Circuit, policy: CircuitPolicy, ticket: Ticket, heard: Heard, nowMs: number): Circuit {
  const now = advance(before, policy, nowMs);
  const circuit = heard.failures > 0 ? { ...now, lastFailureMs: nowMs } : now;
  // Late: what it says is of a time that is over.
  if (ticket.epoch !== circuit.epoch) return circuit;
  const { phase } = circuit;
  if (phase.is === "half_open") {
    if (heard.failures > 0 || !heard.answered) return opened(circuit, policy, nowMs);
    const succeeded = phase.succeeded + 1;
    if (succeeded >= closingProbes) return become(circuit, { is: "closed", parts: [] });
    return become(circuit, { is: "half_open", probeUntilMs: null, succeeded });
  }
  if (phase.is === "open") return circuit;
  const parts = counted(phase.parts, policy, heard, nowMs);
  const calls = parts.reduce((sum, part) => sum + part.calls, 0);
  const failures = parts.reduce((sum, part) => sum + part.failures, 0);
  const trips = heard.failures > 0 && calls >= policy.callsMin && failures >= policy.failureRatio * calls;
  return trips ? opened(circuit, policy, nowMs) : { ...circuit, phase: { is: "closed", parts } };
}

const opened = (circuit: Circuit, { openMs }: CircuitPolicy, nowMs: number): Circuit =>
  become(circuit, { is: "open", untilMs: nowMs + openMs });

function counted(parts: readonly Part[], { windowMs }: CircuitPolicy, heard: Heard, nowMs: number): readonly Part[] {
  const number = Math.floor(nowMs / (windowMs / windowParts));
  const live = parts.filter((part) => part.number > number - windowParts && part.number !== number);
  const today = parts.find((part) => part.number === number) ?? { number, calls: 0, failures: 0 };
  const calls = today.calls + heard.failures + (heard.answered ? 1 : 0);
  return [...live, { number, calls, failures: today.failures + heard.failures }];
}
