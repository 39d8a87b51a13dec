/** Bundles the verifier into one file that runs on any Node ≥ 20 without an install: `node scripts/audit-verify/build.ts [OUTFILE]`. */
import { chmod } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Where the bundle goes unless told otherwise. */
const bundlePath = fileURLToPath(new URL("dist/sentinel-audit-verify.mjs", import.meta.url));

/** @returns the path of the bundle */
export async function buildAuditVerify(outfile: string = bundlePath): Promise<string> {
  await build({
    entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
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

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  console.log(await buildAuditVerify(process.argv[2] === undefined ? bundlePath : resolve(process.argv[2])));
}
