import { execFileSync } from "node:child_process";
import { cpus } from "node:os";

/** One line of a benchmark: what, how much, and beside what. */
export interface Row {
  readonly what: string;
  readonly value: string;
  /** The peer or the bare baseline measured in the same run; "–" when there is none. */
  readonly beside: string;
}

export const milliseconds = (value: number): string => `${value.toFixed(2)} ms`;

/** Prints the commit and the machine that what follows was measured on. */
export function printHeading(samples: string): void {
  const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();
  const dirty = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : " (with changes)";
  console.log(
    `\nCommit ${git("rev-parse", "--short", "HEAD")}${dirty} · ${cpus().length} × ${cpus()[0]?.model ?? "unknown"} · ${samples}\n`,
  );
}

/** Prints a Markdown table under its heading. */
export function printReport(rows: readonly Row[], samples: string): void {
  printHeading(samples);
  console.log("| measured | Sentinel | beside |\n| --- | --- | --- |");
  for (const { what, value, beside } of rows) console.log(`| ${what} | ${value} | ${beside} |`);
}
