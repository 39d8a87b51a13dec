/** Starts a run over every tenant and ends it with SIGKILL after a while, unless it was done before. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { PlacementUrl } from "../../scripts/migrate/database-urls.ts";

const program = fileURLToPath(new URL("./migrate-tenants-process.ts", import.meta.url));

export interface RunProcess {
  readonly placements: readonly PlacementUrl[];
  /** Later migrations that it applies. */
  readonly later: number;
  readonly atOnce: number;
}

/**
 * @param killAfterMs counted from its first line, so that the start of a process is no part of it; null: let it end
 * @returns its exit status, null when it was killed, and what it printed
 */
export async function runProcess(
  run: RunProcess,
  killAfterMs: number | null,
): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [program, JSON.stringify(run)], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let timer: NodeJS.Timeout | null = null;
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (killAfterMs !== null) timer ??= setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const status = await new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  if (timer !== null) clearTimeout(timer);
  return { status, output };
}
