/**
 * The order of a run: a canary alone, then waves that grow, then whoever was busy once more. Knows nothing of
 * Postgres: what is done to a tenant, and how time passes, come in as functions.
 */
import type { TenantFailure, TenantOutcome } from "./one-tenant.ts";

/** Fewer than this see a migration that only the canary could bear; four times as many in each wave after. */
export const firstWaveTenants = 10;
/** Largest wave: between two waves a run looks whether to go on, some ten seconds apart at 30 tenants a second. */
export const waveTenantsMax = 250;
const waveGrowth = 4;
/** Pauses before each further try of tenants that were busy, in milliseconds: half a minute in all. */
export const busyPausesMs: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000];

export interface WaveOptions {
  /** Tenants under way at the same time. */
  readonly atOnce: number;
  /** A wave in which more tenants than this fail is the last. */
  readonly failuresMax: number;
}

export interface Waves<T> {
  readonly migrate: (tenant: T) => Promise<TenantOutcome>;
  /** After each tenant. */
  readonly onOutcome: (tenant: T, outcome: TenantOutcome) => void;
  readonly pause: (ms: number) => Promise<void>;
}

export interface FailedTenant<T> extends TenantFailure {
  readonly tenant: T;
  readonly kind: Exclude<TenantOutcome["kind"], "migrated">;
}

export interface WavesResult<T> {
  readonly migrated: number;
  readonly failed: readonly FailedTenant<T>[];
  /** Why the run ended before every tenant was tried, or null. */
  readonly stopped: string | null;
  /** Tenants that were never tried. */
  readonly untried: number;
}

/** Sizes of the waves after the canary. Pure. */
export function waveSizes(tenants: number): number[] {
  const sizes: number[] = [];
  for (let size = firstWaveTenants, left = tenants; left > 0; size = Math.min(size * waveGrowth, waveTenantsMax)) {
    sizes.push(Math.min(size, left));
    left -= size;
  }
  return sizes;
}

/** @param tenants the canary first */
export async function runWaves<T>(
  tenants: readonly T[],
  { atOnce, failuresMax }: WaveOptions,
  { migrate, onOutcome, pause }: Waves<T>,
): Promise<WavesResult<T>> {
  const failed: FailedTenant<T>[] = [];
  const busy = new Map<T, FailedTenant<T>>();
  let migrated = 0;
  let tried = 0;
  /** @returns how many of these failed for good, or could not be reached */
  const runWave = async (wave: readonly T[], bound: number, isLast: boolean): Promise<number> => {
    let failures = 0;
    await inLanes(wave, atOnce, async (tenant) => {
      // Whoever is under way ends; nobody new begins.
      if (failures > bound) return;
      if (!busy.has(tenant)) tried += 1;
      const outcome = await migrate(tenant);
      busy.delete(tenant);
      onOutcome(tenant, outcome);
      if (outcome.kind === "migrated") migrated += 1;
      else if (outcome.kind === "failed" || isLast) failed.push({ tenant, ...outcome });
      else busy.set(tenant, { tenant, ...outcome });
      if (outcome.kind === "failed" || outcome.kind === "unreachable") failures += 1;
    });
    return failures;
  };
  const end = (stopped: string | null): WavesResult<T> => ({
    migrated,
    failed: [...failed, ...busy.values()],
    stopped,
    untried: tenants.length - tried,
  });

  const [canary, ...others] = tenants;
  if (canary === undefined) return end(null);
  if ((await runWave([canary], 0, false)) > 0) return end("the canary failed");
  // A canary that is only busy has shown nothing yet.
  for (const ms of busyPausesMs) {
    if (!busy.has(canary)) break;
    await pause(ms);
    if ((await runWave([canary], 0, false)) > 0) return end("the canary failed");
  }
  if (busy.has(canary)) return end("the canary stayed busy; name another one");
  let next = 0;
  for (const size of waveSizes(others.length)) {
    const failures = await runWave(others.slice(next, next + size), failuresMax, false);
    next += size;
    if (failures > failuresMax) return end(`${failures} tenants of one wave failed`);
  }
  for (const [index, ms] of busyPausesMs.entries()) {
    if (busy.size === 0) break;
    await pause(ms);
    await runWave([...busy.keys()], failuresMax, index === busyPausesMs.length - 1);
  }
  return end(null);
}

/** Runs `work` for each item, `lanes` at a time, in order of start. */
async function inLanes<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
}
