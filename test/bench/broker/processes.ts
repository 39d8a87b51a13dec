import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** The core that the broker under load has to itself, and the one of everything else. */
export const brokerCore = 0;
export const otherCore = 1;
export type Core = typeof brokerCore | typeof otherCore;

/** True where a process can be bound to a core: Linux with util-linux and two cores. */
export const canPin = ((): boolean => {
  if (process.platform !== "linux") return false;
  try {
    execFileSync("taskset", ["-p", String(process.pid)], { stdio: "ignore" });
    // Of the machine, not of this process, which may have been bound already.
    return availableParallelism() > 1 || /^1|[-,]/m.test(readFileSync("/sys/devices/system/cpu/online", "utf8"));
  } catch {
    return false;
  }
})();

/** Binds all threads of a process, and what they start later, to a core; does nothing where that can't be. */
export function pin(pid: number, core: Core): void {
  if (canPin) execFileSync("taskset", ["-a", "-c", "-p", String(core), String(pid)], { stdio: "ignore" });
}

/** Ticks of a second in /proc, on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Processor time that all threads of a process have used, in seconds; NaN when not known. */
export function cpuSeconds(pid: number): number {
  try {
    // `pid (command) state ppid …`; the command may itself hold spaces and parentheses.
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return Number.NaN;
  }
}

/** Time that a core was busy with anything, or taken away by the host, in seconds; NaN when not known. */
export function coreSeconds(core: Core): number {
  try {
    // `cpuN user nice system idle iowait irq softirq steal …`
    const line = new RegExp(`^cpu${core} (.*)$`, "m").exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "";
    const [user, nice, system, , , irq, softirq, steal] = line.split(" ").map(Number);
    return (
      [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? Number.NaN), 0) /
      ticksPerSecond
    );
  } catch {
    return Number.NaN;
  }
}

/** Resident memory of a process in KiB; NaN when not known. */
export function residentKib(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}

/** How the cores were divided, for the report. */
export const pinnedText = canPin
  ? `the broker on core ${brokerCore}, everything else on core ${otherCore}`
  : "not bound to cores: that takes Linux, taskset and two cores";
