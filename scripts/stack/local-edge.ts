import type { WorkerModules } from "../bundle.ts";

/** A rate-limit binding as wrangler.toml has it. */
export interface RateLimitOptions {
  readonly namespace_id: string;
  readonly simple: { readonly limit: number; readonly period: 10 | 60 };
}

/** The Worker that has the dashboard's files here. */
const assetsName = "sentinel-edge-assets";

/**
 * The edge as it stands on one machine. Deployed, its files and its flood counter are the platform's and cost it next to
 * nothing. The local runtime puts two Workers in front of one that has files, and counts each request in an object that
 * writes a row to its disk: two fifths of the processor time that a device's connection took were theirs
 * (docs/benchmarks.md). So the files belong to a Worker beside the edge here, and requests are counted in the edge's own
 * memory: as loosely as the platform counts, forgotten when the edge starts again.
 * @param edge miniflare's options of the edge, its code in one module
 * @param assets miniflare's options of its files
 * @returns the edge first
 */
export function localEdge(
  { ratelimits, modules, serviceBindings, ...edge }: EdgeOptions,
  assets: unknown,
): Record<string, unknown>[] {
  const [{ contents }] = modules;
  return [
    {
      ...edge,
      serviceBindings: { ...serviceBindings, ASSETS: assetsName },
      modules: [
        { type: "ESModule", path: "index.mjs", contents: countingModule(ratelimits) },
        { type: "ESModule", path: "edge.mjs", contents },
      ],
    },
    {
      name: assetsName,
      compatibilityDate: edge["compatibilityDate"],
      modules: true,
      script: "export default { fetch: () => new Response(null, { status: 404 }) }",
      assets: withoutWorker(assets),
    },
  ];
}

/** Miniflare's options of a Worker, as far as they are looked at here. */
export interface EdgeOptions extends Readonly<Record<string, unknown>> {
  readonly ratelimits: Readonly<Record<string, RateLimitOptions>>;
  readonly modules: WorkerModules;
  readonly serviceBindings: Readonly<Record<string, unknown>>;
}

/** The files and nothing else: here no Worker is asked first, as the edge is where it has files. */
function withoutWorker(assets: unknown): unknown {
  const { binding: _binding, ...rest } = assets as Record<string, unknown>;
  return { ...rest, run_worker_first: false, routerConfig: { has_user_worker: false } };
}

/** Whole windows by the clock, as the platform's local stand-in has them. */
function countingModule(ratelimits: Readonly<Record<string, RateLimitOptions>>): string {
  const limits = Object.entries(ratelimits).map(([name, { simple }]) => [name, simple]);
  return `
import edge from "./edge.mjs";
function counter({ limit, period }) {
  let window = 0;
  let counts = new Map();
  return {
    async limit({ key }) {
      const now = Math.floor(Date.now() / (period * 1000));
      if (now !== window) [window, counts] = [now, new Map()];
      const count = counts.get(key) ?? 0;
      if (count >= limit) return { success: false };
      counts.set(key, count + 1);
      return { success: true };
    },
  };
}
const counters = Object.fromEntries(${JSON.stringify(limits)}.map(([name, simple]) => [name, counter(simple)]));
let bindings = null;
export default { ...edge, fetch: (request, env, ctx) => edge.fetch(request, (bindings ??= { ...env, ...counters }), ctx) };
`;
}
