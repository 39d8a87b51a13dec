/**
 * `npm test`: every check and every test. Ends with a line `N passed, N failed`.
 * The rounds run one after another: each fills the machine by itself, the last one because what waits for clocks in it
 * runs beside what loads pages.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { buildDashboard } from "../stack/dashboard.ts";
import { repositoryRoot } from "../units.ts";
import { runChecks } from "./checks.ts";
import { findOrInstallChromium } from "./chromium.ts";
import { findOrInstallPaho } from "./paho.ts";
import { runCommand } from "./run-command.ts";

const results = join(repositoryRoot, "test-results");
const rounds: readonly (readonly string[])[] = [["unit", "workerd-*"], ["postgres"], ["e2e", "agent", "conformance"]];

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
let passed = 0;
let failed = 0;
/** Named once more at the end, where whoever has only the last lines of a log still reads them. */
const failures: string[] = [];

for (const check of await runChecks()) {
  if (check.passed) passed += 1;
  else {
    failed += 1;
    failures.push(`check: ${check.name}`);
  }
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
  const outcome = readOutcome(report);
  passed += outcome.passed;
  // A run that failed without a failed test (an unhandled error, no file found) is a failure all the same.
  failed += Math.max(outcome.failed, status === 0 ? 0 : 1);
  failures.push(...outcome.failures);
  if (status !== 0 && outcome.failures.length === 0) {
    failures.push(`${projects.join(", ")}: ended with ${status} and no failed test; its own output says why`);
  }
}

if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `  ${failure}`).join("\n")}\n`);
const summary = `${passed} passed, ${failed} failed`;
writeFileSync(join(results, "summary.txt"), `${summary}\n`);
console.log(summary);
process.exitCode = failed === 0 ? 0 : 1;

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

/** Reads vitest's JSON report: how many passed and failed, and each failure as `file > test: first line`. */
function readOutcome(path: string): { passed: number; failed: number; failures: string[] } {
  let report: VitestReport;
  try {
    report = JSON.parse(readFileSync(path, "utf8")) as VitestReport;
  } catch {
    return { passed: 0, failed: 1, failures: [`${relative(repositoryRoot, path)} was not written`] };
  }
  const failures = report.testResults.flatMap((file) => {
    const where = relative(repositoryRoot, file.name);
    const tests = file.assertionResults
      .filter(({ status }) => status === "failed")
      .map((test) => `${where} > ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`);
    // A file whose set-up failed has no failed test of its own.
    return tests.length === 0 && file.status === "failed" ? [`${where}: ${firstLine(file.message)}`] : tests;
  });
  return { passed: report.numPassedTests, failed: report.numFailedTests, failures };
}

function firstLine(text: string | undefined): string {
  return text?.split("\n", 1)[0] ?? "";
}
