import type { Miniflare } from "miniflare";
import type { UnitName } from "../units.ts";

/** The unit that has a cron trigger (its wrangler.toml), which workerd itself never fires. */
const scheduledUnit: UnitName = "sentinel-studio";
/** How often the trigger fires, in milliseconds: hourly, as deployed, but counted from the start. */
const everyMs = 3600_000;

/**
 * Fires the scheduled handler as Cloudflare's clock does when deployed: once at the start, because a
 * development machine may never run for an hour, and then every hour.
 * @returns stops it
 */
export function startCron(
  miniflare: Pick<Miniflare, "getWorker">,
  workers: readonly Readonly<Record<string, unknown>>[],
  onError: (error: Error) => void,
): () => void {
  if (!workers.some(({ name }) => name === scheduledUnit)) return () => undefined;
  const fire = async (): Promise<void> => {
    try {
      const worker = await miniflare.getWorker(scheduledUnit);
      const { outcome } = await worker.scheduled({ cron: "local" });
      if (outcome !== "ok") throw new Error(`the scheduled handler ended with ${outcome}`);
    } catch (error) {
      onError(error as Error);
    }
  };
  void fire();
  const timer = setInterval(() => void fire(), everyMs);
  // The stack's end does not wait for the next hour.
  timer.unref();
  return () => clearInterval(timer);
}
