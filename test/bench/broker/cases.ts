import { commands } from "./cases/commands.ts";
import { connects } from "./cases/connects.ts";
import { fanIn } from "./cases/fan-in.ts";
import { fanOut } from "./cases/fan-out.ts";
import { latency } from "./cases/latency.ts";
import { memory } from "./cases/memory.ts";
import type { Outcome } from "./measure.ts";
import { audienceCount, devicesCount, type Target } from "./target.ts";

/** What is asked of Sentinel: a ratio to mosquitto of the same run, or a figure not to exceed. */
export type Bar =
  | { readonly kind: "ratio"; readonly least: number }
  | { readonly kind: "at most"; readonly most: number };

export interface Case {
  readonly what: string;
  readonly unit: "/s" | "ms" | "KiB";
  readonly bar: Bar;
  /** Sentinel must do better than aedes, too. */
  readonly beatsAedes: boolean;
  /** Measured in the first round only, on brokers that have just been started. */
  readonly once?: true;
  readonly run: (target: Target, seconds: number) => Promise<Outcome>;
}

const atLeast = (least: number): Bar => ({ kind: "ratio", least });

export const cases = {
  // First, because it needs processes that have done nothing yet.
  memory: {
    what: "memory per idle connection, resident",
    unit: "KiB",
    bar: { kind: "at most", most: 90 },
    beatsAedes: false,
    once: true,
    run: memory,
  },
  "fan-in-0": {
    what: `fan-in, ${devicesCount} devices → 1, QoS 0`,
    unit: "/s",
    bar: atLeast(0.35),
    beatsAedes: true,
    run: fanIn(0, 0),
  },
  "fan-in-1": { what: "fan-in, QoS 1 → QoS 1", unit: "/s", bar: atLeast(0.42), beatsAedes: true, run: fanIn(1, 1) },
  "fan-in-1-0": { what: "fan-in, QoS 1 → QoS 0", unit: "/s", bar: atLeast(0.58), beatsAedes: true, run: fanIn(1, 0) },
  "fan-out-1": {
    what: `fan-out 1 → ${audienceCount}, one in flight`,
    unit: "/s",
    bar: atLeast(0.29),
    beatsAedes: true,
    run: fanOut(1),
  },
  "fan-out-32": {
    what: `fan-out 1 → ${audienceCount}, 32 in flight`,
    unit: "/s",
    bar: atLeast(6),
    beatsAedes: true,
    run: fanOut(32),
  },
  "commands-0": {
    what: "commands, QoS 0, one at a time",
    unit: "/s",
    bar: atLeast(0.75),
    beatsAedes: false,
    run: commands(0, 1),
  },
  "commands-1": {
    what: "commands, QoS 1, 64 in flight",
    unit: "/s",
    bar: atLeast(0.2),
    beatsAedes: true,
    run: commands(1, 64),
  },
  connects: { what: "connects", unit: "/s", bar: atLeast(0.58), beatsAedes: true, run: connects },
  latency: {
    what: "QoS 1 at 5,000/s offered, p99",
    unit: "ms",
    bar: { kind: "at most", most: 8 },
    beatsAedes: true,
    run: latency,
  },
} satisfies Record<string, Case>;

export type CaseName = keyof typeof cases;
export const caseNames = Object.keys(cases) as CaseName[];
