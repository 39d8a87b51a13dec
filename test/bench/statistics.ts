/** The value below which a share of the samples lies (nearest rank). */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** p50 and p99 of each round, and of each the median over the rounds: one bad round changes nothing. */
export function overRounds(rounds: readonly (readonly number[])[]): Latency {
  return {
    p50: median(rounds.map((round) => quantile(round, 0.5))),
    p99: median(rounds.map((round) => quantile(round, 0.99))),
  };
}

/** Milliseconds that each of `count` calls takes, one after another. */
export async function timeEach(count: number, call: (index: number) => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    await call(index);
    samples.push(performance.now() - startedAt);
  }
  return samples;
}

/** Calls per second with `lanes` calls under way at once. */
export async function throughput(
  count: number,
  lanes: number,
  call: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let index = next++; index < count; index = next++) await call(index);
    }),
  );
  return count / ((performance.now() - startedAt) / 1000);
}
