import { type ChildProcess, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** What a supervisor tells the stack. */
export interface Supervision {
  readonly note: (text: string) => void;
  /** A process died and runs again under another id. */
  readonly onRestart: () => void;
}

/** The process ids of all children of a process. */
export function childProcesses(parent: number): number[] {
  return processTable()
    .filter((row) => row.parent === parent)
    .map(({ pid }) => pid);
}

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
}

/** From /proc where there is one (a slim machine may lack ps), else from ps. */
function processTable(): ProcessRow[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => procRow(Number(name)));
  } catch {
    const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
    return (stdout ?? "").split("\n").flatMap((line) => {
      const match = /^\s*(\d+)\s+(\d+)\s*$/.exec(line);
      return match === null ? [] : [{ pid: Number(match[1]), parent: Number(match[2]) }];
    });
  }
}

function procRow(pid: number): ProcessRow[] {
  try {
    // `pid (command) state ppid …`; the command may itself hold parentheses.
    const match = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return match === null ? [] : [{ pid, parent: Number(match[1]) }];
  } catch {
    // It ended while we looked.
    return [];
  }
}

/** A process's program and arguments, or "" when there is no such process. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    const { stdout } = spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
    return (stdout ?? "").trim();
  }
}

/**
 * Ends a child: SIGTERM, and SIGKILL when it takes longer than `msMax`.
 */
export async function stopChild(child: ChildProcess, msMax: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), msMax);
  await ended;
  clearTimeout(timer);
}
