/**
 * One runner a state directory.
 *
 * INVARIANTS
 * - The lock file appears whole (written aside, then linked: `link` fails if the name exists).
 * - Only the process named in it holds it. A holder that died, or whose pid now belongs to a
 *   process that started at another time, holds nothing.
 * - A dead holder's file is moved aside before it is judged again, so of two that find it dead at
 *   the same time one wins; the other sees the winner's file.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

interface Holder {
  readonly pid: number;
  /** Start time by the kernel's clock, or null where it can't be had. */
  readonly started: string | null;
}

export type LockResult =
  | { readonly kind: "held"; release(): void }
  | { readonly kind: "refused"; readonly pid: number };

export function acquireLock(path: string): LockResult {
  const own: Holder = { pid: process.pid, started: startOf(process.pid) };
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, JSON.stringify(own), { mode: 0o600 });
  try {
    // Twice: the second try follows the removal of a dead holder's file.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (linkNew(temporary, path)) return { kind: "held", release: () => release(path, own) };
      const holder = readHolder(path);
      if (holder !== null && isAlive(holder)) return { kind: "refused", pid: holder.pid };
      setAside(path);
    }
    return { kind: "refused", pid: readHolder(path)?.pid ?? 0 };
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The pid of the live holder, or null. */
export function lockHolder(path: string): number | null {
  const holder = readHolder(path);
  return holder !== null && isAlive(holder) ? holder.pid : null;
}

function linkNew(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function setAside(path: string): void {
  const aside = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  // Somebody may have taken the lock between the judgement and the move: then give it back.
  const moved = readHolder(aside);
  if (moved !== null && isAlive(moved)) linkNew(aside, path);
  rmSync(aside, { force: true });
}

function release(path: string, own: Holder): void {
  const holder = readHolder(path);
  if (holder?.pid === own.pid && holder.started === own.started) rmSync(path, { force: true });
}

function readHolder(path: string): Holder | null {
  try {
    const { pid, started } = JSON.parse(readFileSync(path, "utf8")) as Partial<Holder>;
    if (!Number.isSafeInteger(pid) || (pid ?? 0) <= 0) return null;
    return { pid: pid ?? 0, started: typeof started === "string" ? started : null };
  } catch {
    return null;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return holder.started === startOf(holder.pid);
}

/** Field 22 of /proc/pid/stat, counted behind the name, which may hold spaces; null elsewhere. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}
