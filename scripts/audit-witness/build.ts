/** Bundles the witness program into one file: `node scripts/audit-witness/build.ts [OUTFILE]`. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleProgram } from "../audit-verify/bundle.ts";

/** Where the bundle goes unless told otherwise. */
const bundlePath = fileURLToPath(new URL("dist/sentinel-audit-witness.mjs", import.meta.url));

/** @returns the path of the bundle */
export function buildAuditWitness(outfile: string = bundlePath): Promise<string> {
  return bundleProgram(fileURLToPath(new URL("main.ts", import.meta.url)), outfile);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  console.log(await buildAuditWitness(process.argv[2] === undefined ? bundlePath : resolve(process.argv[2])));
}
