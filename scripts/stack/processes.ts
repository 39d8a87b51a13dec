import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

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

/** Of Linux, wherever it runs: what times in /proc are counted in, a second. */
const ticksPerSecond = 100;

/** The CPU time that a process has taken, in milliseconds; null when there is no such process, or nobody says. */
export function cpuMs(pid: number): number | null {
  try {
    // What follows the command, which may itself hold parentheses, begins with the third field.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return Number.isFinite(ticks) ? (ticks * 1000) / ticksPerSecond : null;
  } catch {
    const { stdout } = spawnSync("ps", ["-o", "cputime=", "-p", String(pid)], { encoding: "utf8" });
    return cpuTimeMs(stdout ?? "");
  }
}

/** @param text as ps says it: days, hours, minutes and seconds, of which the first ones may be missing */
function cpuTimeMs(text: string): number | null {
  const match = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)$/.exec(text.trim());
  if (match === null) return null;
  const [, days = "0", hours = "0", minutes = "0", seconds = "0"] = match;
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/** A process's program and arguments, or "" when there is no such process. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    // A process that is gone is no reason to ask ps as well, at every start for each part of the one before.
    if (existsSync("/proc/self/cmdline")) return "";
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
