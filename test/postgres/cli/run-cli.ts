import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot } from "../../../scripts/units.ts";

/** Where `npm` keeps what was compiled once (bootstrap.mjs): half of what a short command takes. */
const compiled = process.env["NODE_COMPILE_CACHE"] ?? join(repositoryRoot, "node_modules/.cache/node");
const inherited = { PATH: process.env["PATH"], NODE_COMPILE_CACHE: compiled };

/** `npm run sentinel -- …` as a process of its own, which inherits nothing else of this one's environment but PATH. */
export function runCli(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(repositoryRoot, "scripts/cli/main.ts"), ...args],
    { encoding: "utf8", env: { ...inherited, ...environment } },
  );
  return { status, stdout, stderr };
}

/** The same while this process goes on answering, for what the tool's Sentinel asks of it. */
export function runCliAside(
  args: readonly string[],
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(repositoryRoot, "scripts/cli/main.ts"), ...args],
      { encoding: "utf8", env: inherited },
      (_error, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}
