import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compressedBytes } from "../../scripts/compressed-size.ts";
import { runCommand } from "../../scripts/test/run-command.ts";
import { type UnitName, units } from "../../scripts/units.ts";
import type { Row } from "./report.ts";

/** Each Worker as wrangler would upload it, gzipped. Cloudflare takes 10 MB on a paid plan. */
export async function benchSize(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name } of units) rows.push(await unitSize(name));
  return rows;
}

/** One of them. */
export async function unitSize(name: UnitName): Promise<Row> {
  const unit = units.find((one) => one.name === name);
  if (unit === undefined) throw new Error(`there is no unit ${name}`);
  const out = mkdtempSync(join(tmpdir(), "sentinel-size-"));
  const { status } = await runCommand(
    "wrangler",
    ["deploy", "--dry-run", "--config", unit.config, "--outdir", out],
    true,
  );
  if (status !== 0) throw new Error(`wrangler could not build ${unit.name}`);
  const bytes = compressedBytes(out);
  rmSync(out, { recursive: true });
  return { what: `${unit.name}, compressed`, value: `${(bytes / 1024).toFixed(1)} KiB`, beside: "–" };
}
