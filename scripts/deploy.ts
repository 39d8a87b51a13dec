/**
 * `npm run deploy`: checks, then `wrangler deploy` of each unit in dependency order. `-- --dry-run`
 * builds them all without an account. Control, placement and tenant migrations run before the
 * first unit, tenants' once more after data (ADR 18).
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compressedBytes } from "./compressed-size.ts";
import { migrateFromEnvironment, migrateTenantsFromEnvironment } from "./migrate/main.ts";
import { buildDashboard } from "./stack/dashboard.ts";
import { runChecks } from "./test/checks.ts";
import { runCommand } from "./test/run-command.ts";
import { repositoryRoot, units } from "./units.ts";

const help = `npm run deploy -- [options]

  --dry-run       build every unit, deploy none; needs no account
  --skip-checks   do not run format, lint, types and import fences first
  --help          this text

Before the first deploy, set DATABASE_URLS (see docs/runbooks/deploy.md) and each unit's secrets.
`;

const { values } = parseArgs({
  options: {
    "dry-run": { type: "boolean" },
    "skip-checks": { type: "boolean" },
    help: { type: "boolean", short: "h" },
  },
});
if (values.help === true) {
  process.stdout.write(help);
} else {
  process.exitCode = await deploy(values["dry-run"] === true, values["skip-checks"] === true);
}

async function deploy(dryRun: boolean, skipChecks: boolean): Promise<number> {
  if (!skipChecks && !(await runChecks()).every((check) => check.passed)) return 1;
  await buildDashboard();
  if (!dryRun) {
    await migrateFromEnvironment();
    if (!(await migrateTenantsFromEnvironment())) return tenantsBehind();
  }
  for (const unit of units) {
    const out = join(repositoryRoot, "dist", unit.name);
    mkdirSync(out, { recursive: true });
    const { status } = await runCommand("wrangler", [
      "deploy",
      "--config",
      unit.config,
      ...(dryRun ? ["--dry-run", "--outdir", out] : []),
    ]);
    if (status !== 0) {
      console.error(`${unit.name} was not deployed; the units before it were. Mend it and run the same command again.`);
      return 1;
    }
    // Tenants that the data Worker of before made while the first wave ran; from now on the new one makes them.
    if (!dryRun && unit.name === "sentinel-data" && !(await migrateTenantsFromEnvironment())) return tenantsBehind();
    if (dryRun) console.log(`✓ ${unit.name}: ${(compressedBytes(out) / 1024).toFixed(1)} KiB compressed`);
  }
  return 0;
}

function tenantsBehind(): number {
  console.error(
    "some tenants are not migrated, so nothing further was deployed; mend them and run the same command again.",
  );
  return 1;
}
