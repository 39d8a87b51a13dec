import { brokerCore, coreSeconds, cpuSeconds, otherCore } from "./processes.ts";
import type { Target } from "./target.ts";

/** What a case found out in one round. */
export interface Outcome extends Busy {
  /** In the case's own unit. */
  readonly value: number;
  readonly sent: number;
  readonly received: number;
  /** QoS 1 publishes whose PUBACK never came; 0 for QoS 0. */
  readonly unacknowledged: number;
}

/** Shares of one core while it was measured; NaN when not known. */
export interface Busy {
  readonly brokerBusy: number;
  /** What the broker's core spent on anything else: other programs, and the host's other guests. */
  readonly besideBroker: number;
  readonly generatorBusy: number;
  /** What the generator's core spent on anything else: the rest of the stack, among others. */
  readonly besideGenerator: number;
}

export const busyUnknown: Busy = {
  brokerBusy: Number.NaN,
  besideBroker: Number.NaN,
  generatorBusy: Number.NaN,
  besideGenerator: Number.NaN,
};

export interface Pace extends Busy {
  /** Of whatever was counted, a second. */
  readonly rate: number;
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
export function stopwatch(target: Target): () => Busy & { readonly elapsedSeconds: number } {
  const read = () => {
    const { user, system } = process.cpuUsage();
    return {
      atSeconds: performance.now() / 1000,
      broker: cpuSeconds(target.pid),
      brokerCore: coreSeconds(brokerCore),
      generator: (user + system) / 1e6,
      generatorCore: coreSeconds(otherCore),
    };
  };
  const before = read();
  return () => {
    const after = read();
    const elapsedSeconds = after.atSeconds - before.atSeconds;
    const share = (of: keyof typeof after): number => (after[of] - before[of]) / elapsedSeconds;
    // Ticks are coarse: the difference of two may come out below nothing.
    const beside = (core: number, own: number): number => Math.max(0, core - own);
    const [brokerBusy, generatorBusy] = [share("broker"), share("generator")];
    return {
      elapsedSeconds,
      brokerBusy,
      besideBroker: beside(share("brokerCore"), brokerBusy),
      generatorBusy,
      besideGenerator: beside(share("generatorCore"), generatorBusy),
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
