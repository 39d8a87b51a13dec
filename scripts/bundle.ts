import { build } from "esbuild";
import { type Bundle, bundleOnce } from "./bundle-once.ts";

/**
 * Bundles one Worker's entry for workerd, as wrangler does: ES modules, `node:` and `cloudflare:`
 * left to the runtime.
 * @param main absolute path of the entry
 * @returns the module's text
 */
export async function bundleWorker(main: string): Promise<string> {
  return await bundleOnce(main, () => bundle(main));
}

async function bundle(main: string): Promise<Bundle> {
  const result = await build({
    entryPoints: [main],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["module", "main"],
    // Packages that import Node's modules by their bare name get the runtime's own.
    external: ["node:*", "cloudflare:*"],
    alias: {
      buffer: "node:buffer",
      crypto: "node:crypto",
      events: "node:events",
      util: "node:util",
      stream: "node:stream",
    },
    logLevel: "silent",
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${main}`);
  return { text: file.text, inputs: Object.keys(result.metafile.inputs) };
}
