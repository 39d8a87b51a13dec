import { runCommand } from "./run-command.ts";

export interface CheckOutcome {
  readonly name: string;
  readonly passed: boolean;
}

/** Below this many modules dependency-cruiser has read the wrong folder, and its silence means nothing. */
const modulesMin = 150;

const folders = ["core", "store", "workers", "durable-objects", "agent"];

const checks: readonly { name: string; run: () => Promise<boolean> }[] = [
  {
    name: "format and lint",
    run: async () => (await runCommand("biome", ["ci", "--error-on-warnings", "."])).status === 0,
  },
  { name: "types", run: async () => (await runCommand("tsc", ["-b"])).status === 0 },
  { name: "import fences", run: importFences },
];

/** Runs every check beside the others, also after one failed, and says how each ended. */
export async function runChecks(): Promise<CheckOutcome[]> {
  return await Promise.all(
    checks.map(async ({ name, run }) => {
      const passed = await run();
      console.log(`${passed ? "✓" : "✗"} ${name}`);
      return { name, passed };
    }),
  );
}

async function importFences(): Promise<boolean> {
  const { status, output } = await runCommand(
    "depcruise",
    ["--config", ".dependency-cruiser.mjs", "--output-type", "json", ...folders],
    true,
  );
  const { summary } = JSON.parse(output) as {
    summary: { totalCruised: number; violations: { rule: { name: string }; from: string; to: string }[] };
  };
  for (const violation of summary.violations) {
    console.log(`${violation.rule.name}: ${violation.from} → ${violation.to}`);
  }
  if (summary.totalCruised < modulesMin) {
    console.log(`only ${summary.totalCruised} modules were read; at least ${modulesMin} are there`);
    return false;
  }
  return status === 0 && summary.violations.length === 0;
}
