import { cpuSeconds } from "./processes.ts";
import type { Target } from "./target.ts";

/** What a case found out in one round. */
export interface Outcome {
  /** In the case's own unit. */
  readonly value: number;
  readonly sent: number;
  readonly received: number;
  /** QoS 1 publishes whose PUBACK never came; 0 for QoS 0. */
  readonly unacknowledged: number;
  /** Share of one core that the broker used, and that this generator used, while it was measured; NaN when not known. */
  readonly brokerBusy: number;
  readonly generatorBusy: number;
}

export interface Pace {
  /** Of whatever was counted, a second. */
  readonly rate: number;
  readonly brokerBusy: number;
  readonly generatorBusy: number;
}

const warmUpMs = 500;
/** How long nothing may arrive before what is missing counts as lost. */
const silenceMsMax = 3000;
const pollMs = 20;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Watches a load that runs already: its rate after a warm-up, and who had how much to do. */
export async function observe(target: Target, seconds: number, count: () => number): Promise<Pace> {
  await pause(warmUpMs);
  const watch = stopwatch(target);
  const before = count();
  await pause(seconds * 1000);
  const after = count();
  const { elapsedSeconds, ...busy } = watch();
  return { rate: (after - before) / elapsedSeconds, ...busy };
}

/** Starts to measure time and processor time. @returns a function that tells them */
export function stopwatch(target: Target): () => {
  readonly elapsedSeconds: number;
  readonly brokerBusy: number;
  readonly generatorBusy: number;
} {
  const startedAtMs = performance.now();
  const broker = cpuSeconds(target.pid);
  const generator = process.cpuUsage();
  return () => {
    const elapsedSeconds = (performance.now() - startedAtMs) / 1000;
    const { user, system } = process.cpuUsage(generator);
    return {
      elapsedSeconds,
      brokerBusy: (cpuSeconds(target.pid) - broker) / elapsedSeconds,
      generatorBusy: (user + system) / 1e6 / elapsedSeconds,
    };
  };
}

/** Waits until everything is there, or nothing more comes. */
export async function drained(progress: () => number, done: () => boolean): Promise<void> {
  let seen = progress();
  let changedAtMs = performance.now();
  while (!done() && performance.now() - changedAtMs < silenceMsMax) {
    await pause(pollMs);
    if (progress() === seen) continue;
    seen = progress();
    changedAtMs = performance.now();
  }
}

/** Waits until nothing has come for a moment: what connecting caused is over. */
export async function quiet(progress: () => number): Promise<void> {
  const calmMs = 300;
  for (let before = -1; before !== progress(); ) {
    before = progress();
    await pause(calmMs);
  }
}
