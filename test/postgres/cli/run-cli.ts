import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot } from "../../../scripts/units.ts";

/** `npm run sentinel -- …` as a process of its own, which inherits nothing of this one's environment but PATH. */
export function runCli(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(repositoryRoot, "scripts/cli/main.ts"), ...args],
    { encoding: "utf8", env: { PATH: process.env["PATH"], ...environment } },
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
      { encoding: "utf8", env: { PATH: process.env["PATH"] } },
      (_error, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}
