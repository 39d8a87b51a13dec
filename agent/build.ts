/** Bundles the agent into one file that runs on any Node ≥ 20 without an install: `node agent/build.ts [OUTFILE]`. */
import { chmod } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Where the bundle goes unless told otherwise. */
export const bundlePath = fileURLToPath(new URL("dist/sentinel-agent.mjs", import.meta.url));

/** @returns the path of the bundle */
export async function buildAgent(outfile: string = bundlePath): Promise<string> {
  await build({
    entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    legalComments: "inline",
    logLevel: "warning",
    // Natural optional speed-ups of ws and macOS sensors; each is required in a try.
    external: ["bufferutil", "utf-8-validate", "osx-temperature-sensor"],
    banner: {
      js: '#!/usr/bin/env node\nimport { createRequire as sentinelCreateRequire } from "node:module";\nconst require = sentinelCreateRequire(import.meta.url);',
    },
  });
  await chmod(outfile, 0o755);
  return outfile;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await buildAgent(process.argv[2] === undefined ? bundlePath : resolve(process.argv[2]));
}
