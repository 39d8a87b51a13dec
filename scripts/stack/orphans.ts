import { setTimeout as delay } from "node:timers/promises";
import { commandLine } from "./processes.ts";
import { readJson } from "./state-folder.ts";

/** How long an orphan may take to end before it is killed, in milliseconds. */
const endMsMax = 15_000;

/**
 * Ends what an earlier stack of this folder left running because it was itself killed. The caller
 * holds the folder's lock, so nobody else's processes are named in its stack.json; a process id that
 * the system has given to another program since is told apart by its command line.
 */
export async function endOrphans(stackJson: string, stateDir: string, note: (text: string) => void): Promise<void> {
  const described = readJson(stackJson) as { pids?: Record<string, unknown> } | null;
  for (const [name, pid] of Object.entries(described?.pids ?? {})) {
    if (typeof pid !== "number" || pid <= 1) continue;
    const command = commandLine(pid);
    // A database left over is stopped by whoever starts it again (`replaceOrphan`): it takes more care than this.
    if (name.startsWith("postgres")) continue;
    const isOurs = name.startsWith("workerd") ? command.includes("workerd") : command.includes(stateDir);
    if (!isOurs) continue;
    note(`  ! ending ${name} (process ${pid}), left over from a stack that was killed`);
    signal(pid, "SIGTERM");
    const end = Date.now() + endMsMax;
    while (commandLine(pid) !== "" && Date.now() < end) await delay(50);
    signal(pid, "SIGKILL");
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}
