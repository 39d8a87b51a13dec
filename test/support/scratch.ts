import { accessSync, constants, mkdtempSync, readFileSync, statfsSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";

/** Where Linux keeps files in memory. */
const inMemory = "/dev/shm";
/** A round's stacks and clusters take two gigabytes at most; as much again and more stays for everything else. */
const freeBytesMin = 8 * 1024 ** 3;

/**
 * A new folder for what a run of tests writes and throws away: databases, objects, state. In memory where there is
 * plenty of it, because every table is some files and every commit waits for them; else among temporary files. What
 * is written survives the end of any process in either; no test cuts the power.
 */
export function scratchFolder(prefix: string): string {
  return mkdtempSync(join(memoryIsPlenty() ? inMemory : tmpdir(), prefix));
}

function memoryIsPlenty(): boolean {
  if (process.platform !== "linux") return false;
  try {
    accessSync(inMemory, constants.W_OK);
    const mount = readFileSync("/proc/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .findLast(([, at]) => at === inMemory);
    // A copy of PostgreSQL's binaries may have to run from there.
    if (mount?.[2] !== "tmpfs" || mount[3]?.split(",").includes("noexec") === true) return false;
    const { bavail, bsize } = statfsSync(inMemory);
    return Math.min(bavail * bsize, freemem()) > freeBytesMin;
  } catch {
    return false;
  }
}
