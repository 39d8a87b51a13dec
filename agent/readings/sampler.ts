/** Runs the collectors; what fails or hangs is left out of the sample, and never stops it. */
import { telemetryMetricsMax } from "../../core/telemetry.ts";
import type { Collector, Metrics } from "./collectors.ts";

/** A collector that takes longer tells nothing about this moment any more. */
export const collectorMsMax = 4_000;

export interface SamplerEvents {
  /** Once for each change from working to failing. */
  failed(collector: string, code: string): void;
  /** It works again. */
  recovered(collector: string): void;
}

interface Running {
  readonly collector: Collector;
  /** True from its start to its end, which may come long after its time-out: never two at once. */
  busy: boolean;
  failing: boolean;
}

export class Sampler {
  readonly #running: Running[];
  readonly #events: SamplerEvents;
  /** Calls back once after `ms`; returns a cancel. */
  readonly #after: (ms: number, callback: () => void) => () => void;

  constructor(
    collectors: readonly Collector[],
    events: SamplerEvents,
    after: (ms: number, callback: () => void) => () => void,
  ) {
    this.#running = collectors.map((collector) => ({ collector, busy: false, failing: false }));
    this.#events = events;
    this.#after = after;
  }

  /** One reading of everything that answers in time; never rejects. */
  async read(): Promise<Metrics> {
    const parts = await Promise.all(this.#running.map((running) => this.#readOne(running)));
    const entries = parts.flatMap((part) => Object.entries(part));
    return Object.fromEntries(entries.slice(0, telemetryMetricsMax));
  }

  async #readOne(running: Running): Promise<Metrics> {
    if (running.busy) return {};
    running.busy = true;
    let cancel = (): void => {};
    const late = new Promise<string>((resolve) => {
      cancel = this.#after(collectorMsMax, () => resolve("timeout"));
    });
    const reading = Promise.resolve()
      .then(() => running.collector.read())
      .then(finiteOnly, () => "failed")
      .finally(() => {
        running.busy = false;
      });
    const outcome = await Promise.race([reading, late]);
    cancel();
    this.#report(running, typeof outcome === "string" ? outcome : null);
    return typeof outcome === "string" ? {} : outcome;
  }

  #report(running: Running, failure: string | null): void {
    if (failure !== null && !running.failing) this.#events.failed(running.collector.name, failure);
    if (failure === null && running.failing) this.#events.recovered(running.collector.name);
    running.failing = failure !== null;
  }
}

/** Numbers with three decimals: more is noise that the queue and the database would have to carry. */
function finiteOnly(values: Readonly<Record<string, number | null | undefined>>): Metrics {
  const metrics: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === "number" && Number.isFinite(value)) metrics[name] = Math.round(value * 1000) / 1000;
  }
  return metrics;
}
