/**
 * `npm test`: every check and every test. Ends with a line `N passed, N failed`.
 * The projects run one after another: each of the later ones wants the machine for itself.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildDashboard } from "../stack/dashboard.ts";
import { repositoryRoot } from "../units.ts";
import { runChecks } from "./checks.ts";
import { findOrInstallChromium } from "./chromium.ts";
import { findOrInstallPaho } from "./paho.ts";
import { runCommand } from "./run-command.ts";

const results = join(repositoryRoot, "test-results");
const rounds: readonly (readonly string[])[] = [
  ["unit", "workerd-*"],
  ["postgres"],
  ["agent"],
  ["conformance"],
  ["e2e"],
];

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
let passed = 0;
let failed = 0;

for (const check of await runChecks()) {
  if (check.passed) passed += 1;
  else failed += 1;
}
process.env["CHROMIUM"] = await findOrInstallChromium();
await findOrInstallPaho();
await buildDashboard();
for (const projects of rounds) {
  const report = join(results, `${projects[0]}.json`);
  const selection = projects.flatMap((project) => ["--project", project]);
  const { status } = await runCommand("vitest", [
    "run",
    ...selection,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  const counts = readCounts(report);
  passed += counts.passed;
  // A run that failed without a failed test (an unhandled error, no file found) is a failure all the same.
  failed += Math.max(counts.failed, status === 0 ? 0 : 1);
}

const summary = `${passed} passed, ${failed} failed`;
writeFileSync(join(results, "summary.txt"), `${summary}\n`);
console.log(summary);
process.exitCode = failed === 0 ? 0 : 1;

function readCounts(path: string): { passed: number; failed: number } {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(path, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
    };
    return { passed: numPassedTests, failed: numFailedTests };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
