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

/** The Worker of the local stack that asks the others for their scheduled runs; nothing outside can reach it. */
const clockName = "sentinel-clock";

/** Miniflare hands a call of `scheduled` over while it holds its own thread still, but a `fetch` without: so here is one. */
const clockScript = `export default {
  async fetch(request, env) {
    const { unit, cron } = await request.json();
    const { outcome } = await env[unit].scheduled({ cron });
    return new Response(outcome);
  },
};`;

type WorkerOptions = Readonly<Record<string, unknown>>;

const startedUnits = (workers: readonly WorkerOptions[]) =>
  scheduledUnits.filter(({ unit }) => workers.some(({ name }) => name === unit));

/**
 * @param workers Miniflare's options of the Workers that one workerd runs
 * @returns the same and, where one of them has a trigger, the clock that fires it
 */
export function withClock(workers: readonly WorkerOptions[]): readonly WorkerOptions[] {
  const units = new Set(startedUnits(workers).map(({ unit }) => unit));
  if (units.size === 0) return workers;
  const clock = {
    name: clockName,
    modules: [{ type: "ESModule", path: "index.mjs", contents: clockScript }],
    compatibilityDate: "2026-01-01",
    compatibilityFlags: ["service_binding_extra_handlers"],
    serviceBindings: Object.fromEntries([...units].map((unit) => [unit, unit])),
  };
  return [...workers, clock];
}

/**
 * Fires the scheduled handlers as Cloudflare's clock does when deployed: once at the start, because a
 * development machine may never run for an hour, and then `pace` times as often as their triggers say.
 *
 * This process reads what workerd logs. Were it to wait for workerd with its thread held still, as Miniflare's own
 * `scheduled` makes it, a workerd that waits for its log to be read would never answer.
 * @param workers what {@link withClock} gave
 * @returns stops it
 */
export function startCron(
  miniflare: Pick<Miniflare, "getWorker">,
  workers: readonly WorkerOptions[],
  pace: number,
  onError: (error: Error) => void,
): () => void {
  const timers = startedUnits(workers).map(({ unit, cron, everyMs }) => {
    // A run that takes longer than until the next would otherwise have others beside it, ever more where time is short.
    let underWay = false;
    const fire = async (): Promise<void> => {
      if (underWay) return;
      underWay = true;
      try {
        const clock = await miniflare.getWorker(clockName);
        const answer = await clock.fetch("http://clock/", { method: "POST", body: JSON.stringify({ unit, cron }) });
        const outcome = answer.ok ? await answer.text() : `status ${answer.status}`;
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
