/** Bundles a program for people without this repository into one file that runs on any Node ≥ 20 without an install. */
import { chmod } from "node:fs/promises";
import { build } from "esbuild";

/** @returns the path of the bundle */
export async function bundleProgram(entry: string, outfile: string): Promise<string> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    legalComments: "inline",
    logLevel: "warning",
    banner: { js: "#!/usr/bin/env node" },
  });
  await chmod(outfile, 0o755);
  return outfile;
}
