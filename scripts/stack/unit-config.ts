import { join, relative } from "node:path";
import { bundleOnce } from "../bundle-once.ts";
import { repositoryRoot } from "../units.ts";
import type { RateLimitOptions } from "./local-edge.ts";

/** A unit's wrangler.toml as Miniflare's options, and the file that it names. */
export interface UnitConfig {
  readonly options: Readonly<Record<string, unknown>> & {
    readonly bindings: Readonly<Record<string, unknown>>;
    readonly ratelimits: Readonly<Record<string, RateLimitOptions>>;
    readonly serviceBindings?: Readonly<Record<string, { readonly name: string }>>;
  };
  /** Absolute path of the Worker's entry. */
  readonly main: string;
}

/**
 * What wrangler makes of a unit's wrangler.toml, as it was last made unless the file is another by now: wrangler takes
 * half a second to load, at every start.
 * @param config relative to the repository's root
 */
export async function readUnitConfig(config: string): Promise<UnitConfig> {
  const path = join(repositoryRoot, config);
  const { text } = await bundleOnce(path, async () => {
    const { unstable_getMiniflareWorkerOptions: optionsOf } = await import("wrangler");
    // `main` is there for every unit of ours, but not in wrangler's declared type.
    const { workerOptions, main } = optionsOf(path) as unknown as { workerOptions: object; main: string };
    // The tree may be moved with its packages, where this is kept.
    const kept = { options: workerOptions, main: relative(repositoryRoot, main) };
    return { text: JSON.stringify(kept), inputs: [path], wasm: [] };
  });
  const { options, main } = JSON.parse(text) as UnitConfig;
  return { options, main: join(repositoryRoot, main) };
}
