/** What a part of the soak is given and gives. */

export interface SoakOptions {
  /** How long a part that has no end of its own runs. */
  readonly minutes: number;
  readonly rounds: number;
  /** Of every random choice. */
  readonly seed: number;
  /** Objects that each tenant's devices are spread over while parts are killed. */
  readonly hubShards: number;
  /** Tenants that are made and migrated. */
  readonly tenants: number;
}

/** An invariant that did not hold. */
export class Violation extends Error {}

/** @throws Violation */
export function hold(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(what);
}

export interface Progress {
  /** What the next lines say, until it changes. */
  say(text: string | (() => string)): void;
  stop(): void;
}

/** Between two lines, in milliseconds: whoever watches may take ten silent seconds for a hang. */
const lineMs = 5000;

/** Prints a line every few seconds, whatever the part is waiting for. */
export function startProgress(part: string): Progress {
  const startedAtMs = performance.now();
  let current: string | (() => string) = "begins";
  const print = (): void => {
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0).padStart(4);
    console.log(`${part} ${seconds} s  ${typeof current === "string" ? current : current()}`);
  };
  print();
  const timer = setInterval(print, lineMs);
  return {
    say: (text) => {
      current = text;
    },
    stop: () => clearInterval(timer),
  };
}

/** mulberry32: 32 bits of state are plenty to choose victims and bytes, and a seed repeats the choice. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `min` to `max`, both included. */
export const between = (random: () => number, min: number, max: number): number =>
  min + Math.floor(random() * (max - min + 1));

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs `work` for each item, `lanes` at a time, in order of start. */
export async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as T, index);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
}
