import { readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { build, type Plugin } from "esbuild";
import { type Bundle, bundleOnce } from "./bundle-once.ts";
import { repositoryRoot } from "./units.ts";

/**
 * Bundles one Worker's entry for workerd, as wrangler does: ES modules, `node:` and `cloudflare:`
 * left to the runtime.
 * @param main absolute path of the entry
 * @returns the module's text
 */
export async function bundleWorker(main: string): Promise<string> {
  return (await bundleOnce(main, () => bundle(main))).text;
}

/** A Worker's modules, as Miniflare takes them: the first is its script, the others WebAssembly that it imports. */
export type WorkerModules = readonly [
  { readonly type: "ESModule"; readonly path: string; readonly contents: string },
  ...{ readonly type: "CompiledWasm"; readonly path: string; readonly contents: Buffer }[],
];

/** Bundles a Worker's entry, with the WebAssembly that it imports beside it. */
export async function bundleModules(main: string): Promise<WorkerModules> {
  const { text, wasm } = await bundleOnce(main, () => bundle(main));
  return [
    { type: "ESModule", path: "index.mjs", contents: text },
    ...wasm.map((file) => ({
      type: "CompiledWasm" as const,
      path: basename(file),
      contents: readFileSync(join(repositoryRoot, file)),
    })),
  ];
}

async function bundle(main: string): Promise<Bundle> {
  const wasm: string[] = [];
  const result = await build({
    entryPoints: [main],
    plugins: [besideIt(wasm)],
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
  return { text: file.text, inputs: Object.keys(result.metafile.inputs), wasm };
}

/** WebAssembly is a module of its own, which the runtime compiles. @param files are told which there are */
function besideIt(files: string[]): Plugin {
  return {
    name: "wasm",
    setup({ onResolve, resolve }) {
      onResolve({ filter: /\.wasm$/ }, async ({ path, kind, resolveDir, pluginData }) => {
        if (pluginData === files) return undefined;
        const found = await resolve(path, { kind, resolveDir, pluginData: files });
        if (found.errors.length > 0) return { errors: found.errors };
        files.push(relative(repositoryRoot, found.path));
        return { path: `./${basename(found.path)}`, external: true };
      });
    },
  };
}
