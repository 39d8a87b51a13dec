import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Admission,
  admit,
  advance,
  type Circuit,
  type CircuitPolicy,
  closingProbes,
  freshCircuit,
  probeMsMax,
  settle,
  type Ticket,
  windowParts,
} from "../../../core/backends/circuit.ts";

const policy: CircuitPolicy = { windowMs: 10_000, callsMin: 4, failureRatio: 0.5, openMs: 5_000 };
const failed = { failures: 1, answered: false };
const fine = { failures: 0, answered: true };

/** A circuit with a clock. */
class Line {
  circuit: Circuit = freshCircuit;
  nowMs = 1_000_000;

  admit(): Admission {
    const admission = admit(this.circuit, policy, this.nowMs);
    this.circuit = admission.circuit;
    return admission;
  }
  /** @throws Error when it is not let through */
  ticket(): Ticket {
    const admission = this.admit();
    if (!admission.admitted) throw new Error("refused");
    return admission.ticket;
  }
  settle(ticket: Ticket, heard: typeof failed): void {
    this.circuit = settle(this.circuit, policy, ticket, heard, this.nowMs);
  }
  call(heard: typeof failed): void {
    this.settle(this.ticket(), heard);
  }
  get is(): string {
    return advance(this.circuit, policy, this.nowMs).phase.is;
  }
  open(): void {
    for (let call = 0; call < policy.callsMin; call += 1) this.call(failed);
  }
}

describe("a circuit", () => {
  it("opens when enough calls were made and half of them failed, and not before", () => {
    const line = new Line();
    for (const heard of [failed, failed, failed]) line.call(heard);
    expect(line.is).toBe("closed");
    line.call(fine);
    expect(line.is).toBe("closed");
    line.call(failed);
    expect(line.is).toBe("open");
    expect(line.admit()).toMatchObject({ admitted: false, retryAfterMs: policy.openMs });
  });

  it("forgets what has left the window", () => {
    const line = new Line();
    for (const heard of [failed, failed, failed]) line.call(heard);
    line.nowMs += policy.windowMs;
    line.call(failed);
    expect(line.is).toBe("closed");
  });

  it("lets one call at a time try when its time is over, and everybody when two succeeded", () => {
    const line = new Line();
    line.open();
    line.nowMs += policy.openMs;
    const first = line.ticket();
    expect(line.admit()).toMatchObject({ admitted: false, retryAfterMs: probeMsMax });
    line.settle(first, fine);
    expect(line.is).toBe("half_open");
    const second = line.ticket();
    expect(line.admit().admitted).toBe(false);
    line.settle(second, fine);
    expect([line.is, line.admit().admitted, line.admit().admitted]).toEqual(["closed", true, true]);
  });

  it("opens again with the first probe that fails, or is lost", () => {
    for (const lose of [false, true]) {
      const line = new Line();
      line.open();
      line.nowMs += policy.openMs;
      const probe = line.ticket();
      if (lose) line.nowMs += probeMsMax;
      else line.settle(probe, failed);
      expect(line.admit()).toMatchObject({ admitted: false, retryAfterMs: policy.openMs });
      expect(line.is).toBe("open");
    }
  });

  it("does not hear of a time that is over: a late answer closes nothing, a late failure opens nothing", () => {
    const line = new Line();
    const [late, later] = [line.ticket(), line.ticket()];
    line.open();
    line.settle(late, fine);
    expect(line.is).toBe("open");
    line.nowMs += policy.openMs;
    line.call(fine);
    line.settle(later, failed);
    expect(line.is).toBe("half_open");
    line.call(fine);
    expect(line.is).toBe("closed");
  });
});

/** The same by brute force: every call it ever heard of, and no parts. */
class Model {
  phase: "closed" | "open" | "half_open" = "closed";
  untilMs = 0;
  probe: { readonly ticket: number; readonly untilMs: number } | null = null;
  succeeded = 0;
  /** Calls settled since it closed, each by its part of time. */
  calls: { readonly part: number; readonly failed: boolean }[] = [];
  /** Tickets that still count. */
  live = new Set<number>();

  tick(nowMs: number): void {
    if (this.phase === "open" && nowMs >= this.untilMs) {
      this.phase = "half_open";
      this.succeeded = 0;
    } else if (this.probe !== null && nowMs >= this.probe.untilMs) {
      this.trip(this.probe.untilMs);
      this.tick(nowMs);
    }
  }
  trip(nowMs: number): void {
    this.phase = "open";
    this.untilMs = nowMs + policy.openMs;
    this.probe = null;
    this.calls = [];
    this.live.clear();
  }
  admit(ticket: number, nowMs: number): boolean {
    this.tick(nowMs);
    if (this.phase === "open" || this.probe !== null) return false;
    if (this.phase === "half_open") this.probe = { ticket, untilMs: nowMs + probeMsMax };
    this.live.add(ticket);
    return true;
  }
  settle(ticket: number, bad: boolean, nowMs: number): void {
    this.tick(nowMs);
    if (!this.live.delete(ticket)) return;
    if (this.probe?.ticket === ticket) {
      this.probe = null;
      if (bad) this.trip(nowMs);
      if (bad) return;
      this.succeeded += 1;
      if (this.succeeded < closingProbes) return;
      this.phase = "closed";
      this.calls = [];
      return;
    }
    const part = Math.floor(nowMs / (policy.windowMs / windowParts));
    this.calls.push({ part, failed: bad });
    const within = this.calls.filter((call) => call.part > part - windowParts);
    const failures = within.filter((call) => call.failed).length;
    if (bad && within.length >= policy.callsMin && failures >= within.length * policy.failureRatio) this.trip(nowMs);
  }
}

describe("any order of calls, answers and waiting", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ do: "admit" } as const) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("settle" as const), which: fc.nat(), bad: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 12_000 }) }) },
    { weight: 1, arbitrary: fc.constant({ do: "wait", ms: probeMsMax } as const) },
  );

  it("is the model's, and never are two probes under way", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
        const line = new Line();
        const model = new Model();
        const tickets: Ticket[] = [];
        const pending: number[] = [];
        for (const one of steps) {
          if (one.do === "wait") line.nowMs += one.ms;
          else if (one.do === "admit") {
            const admission = line.admit();
            expect(admission.admitted).toBe(model.admit(tickets.length, line.nowMs));
            if (admission.admitted) {
              pending.push(tickets.length);
              tickets.push(admission.ticket);
            }
          } else {
            const [ticket] = pending.length === 0 ? [] : pending.splice(one.which % pending.length, 1);
            if (ticket === undefined) continue;
            line.settle(tickets[ticket] as Ticket, one.bad ? failed : fine);
            model.settle(ticket, one.bad, line.nowMs);
          }
          model.tick(line.nowMs);
          expect(line.is).toBe(model.phase);
          seen.add(model.phase);
        }
      }),
      { numRuns: 2_000 },
    );
    expect([...seen].sort()).toEqual(["closed", "half_open", "open"]);
  });
});
