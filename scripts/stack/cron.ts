import type { Miniflare } from "miniflare";
import type { UnitName } from "../units.ts";

/**
 * The units that have a cron trigger (their wrangler.toml), which workerd itself never fires, and how
 * often it fires in milliseconds: as deployed, but counted from the start, and faster where the stack's pace is.
 */
const scheduledUnits: readonly { readonly unit: UnitName; readonly cron: string; readonly everyMs: number }[] = [
  { unit: "sentinel-studio", cron: "* * * * *", everyMs: 60_000 },
  { unit: "sentinel-studio", cron: "17 * * * *", everyMs: 3600_000 },
  { unit: "sentinel-data", cron: "*/5 * * * *", everyMs: 300_000 },
  { unit: "sentinel-durable-objects", cron: "23 3 * * *", everyMs: 24 * 3600_000 },
];

/**
 * Fires the scheduled handlers as Cloudflare's clock does when deployed: once at the start, because a
 * development machine may never run for an hour, and then `pace` times as often as their triggers say.
 * @returns stops it
 */
export function startCron(
  miniflare: Pick<Miniflare, "getWorker">,
  workers: readonly Readonly<Record<string, unknown>>[],
  pace: number,
  onError: (error: Error) => void,
): () => void {
  const started = scheduledUnits.filter(({ unit }) => workers.some(({ name }) => name === unit));
  const timers = started.map(({ unit, cron, everyMs }) => {
    // A run that takes longer than until the next would otherwise have others beside it, ever more where time is short.
    let underWay = false;
    const fire = async (): Promise<void> => {
      if (underWay) return;
      underWay = true;
      try {
        const worker = await miniflare.getWorker(unit);
        const { outcome } = await worker.scheduled({ cron });
        if (outcome !== "ok") throw new Error(`the scheduled handler of ${unit} ended with ${outcome}`);
      } catch (error) {
        onError(error as Error);
      } finally {
        underWay = false;
      }
    };
    void fire();
    const timer = setInterval(() => void fire(), everyMs / pace);
    // The stack's end does not wait for the next time.
    timer.unref();
    return timer;
  });
  return () => {
    for (const timer of timers) clearInterval(timer);
  };
}
