/** Starts a run over every tenant and ends it with SIGKILL in the midst, unless it was done before. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { PlacementUrl } from "../../scripts/migrate/database-urls.ts";
import { runOn } from "./placement-databases.ts";

const program = fileURLToPath(new URL("./migrate-tenants-process.ts", import.meta.url));

export interface RunProcess {
  readonly placements: readonly PlacementUrl[];
  /** Later migrations that it applies. */
  readonly later: number;
  readonly atOnce: number;
}

/** When a run is killed: once so many tenants have ended, a moment later. */
export interface Kill {
  readonly tenants: number;
  readonly thenMs: number;
}

/**
 * @param kill null: let it end. By tenants and not by time, so that kills come in the midst on any machine
 * @returns its exit status, null when it was killed, and what it printed
 */
export async function runProcess(
  run: RunProcess,
  kill: Kill | null,
): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [program, JSON.stringify(run)], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let timer: NodeJS.Timeout | null = null;
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (kill !== null && output.split("\n").length > kill.tenants)
      timer ??= setTimeout(() => child.kill("SIGKILL"), kill.thenMs);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const status = await new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  if (timer !== null) clearTimeout(timer);
  await sessionsEnded(run.placements);
  return { status, output };
}

/**
 * A server notices a dead client when it next speaks to it, and what it was asked last it still does: until its sessions
 * are gone, what a look finds first need not fit what it finds next.
 */
async function sessionsEnded(placements: readonly PlacementUrl[]): Promise<void> {
  for (const { url } of placements) {
    for (;;) {
      const sessions = await runOn(
        url,
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sentinel-migrate-tenants'",
      );
      if (sessions.length === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
