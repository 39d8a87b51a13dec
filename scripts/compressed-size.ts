import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/**
 * What Cloudflare's limit is about: the modules' gzip size in bytes, without source maps.
 * @param folder the `--outdir` of a wrangler dry run
 */
export function compressedBytes(folder: string): number {
  return readdirSync(folder)
    .filter((name) => !name.endsWith(".map") && name !== "README.md" && statSync(join(folder, name)).isFile())
    .reduce((total, name) => total + gzipSync(readFileSync(join(folder, name))).length, 0);
}
