import { spawn } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot } from "../units.ts";

export interface CommandResult {
  readonly status: number;
  /** Standard output, when it was captured. */
  readonly output: string;
}

/**
 * Runs a program of node_modules (or of the machine, when `program` has no such file) in the repository's root.
 * @param capture keep standard output instead of showing it
 */
export function runCommand(program: string, args: readonly string[], capture = false): Promise<CommandResult> {
  const path = `${join(repositoryRoot, "node_modules", ".bin")}:${process.env["PATH"] ?? ""}`;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: repositoryRoot,
      stdio: ["ignore", capture ? "pipe" : "inherit", "inherit"],
      env: { ...process.env, PATH: path },
      shell: process.platform === "win32",
    });
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ status: code ?? 1, output }));
  });
}
