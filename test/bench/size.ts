import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compressedBytes } from "../../scripts/compressed-size.ts";
import { runCommand } from "../../scripts/test/run-command.ts";
import { units } from "../../scripts/units.ts";
import type { Row } from "./report.ts";

/** Each Worker as wrangler would upload it, gzipped. Cloudflare takes 10 MB on a paid plan. */
export async function benchSize(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const unit of units) {
    const out = mkdtempSync(join(tmpdir(), "sentinel-size-"));
    const { status } = await runCommand(
      "wrangler",
      ["deploy", "--dry-run", "--config", unit.config, "--outdir", out],
      true,
    );
    if (status !== 0) throw new Error(`wrangler could not build ${unit.name}`);
    const bytes = compressedBytes(out);
    rmSync(out, { recursive: true });
    rows.push({ what: `${unit.name}, compressed`, value: `${(bytes / 1024).toFixed(1)} KiB`, beside: "–" });
  }
  return rows;
}
