/**
 * One witness a folder. Two that began from the same state could each be shown another log and sign both, which is
 * the one thing that a witness must never do.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { CliError } from "../../cli-error.ts";

/** @returns what gives the folder free again; @throws CliError `already_running` */
export function lockFolder(path: string): () => void {
  for (const attempt of [1, 2]) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST") throw new CliError("bad_folder", `can't make ${path} (${code})`);
    }
    if (attempt === 1 && !isRunning(path)) rmSync(path, { force: true });
  }
  throw new CliError("already_running", `another witness uses this folder; if none does, delete ${path}`);
}

/** Whether the process that made the lock is there. One that can't be asked about counts as there. */
function isRunning(path: string): boolean {
  let pid: number;
  try {
    pid = Number(readFileSync(path, "utf8").trim());
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
  // A lock that says nothing was cut off in the making: nobody can tell whose it is.
  if (!Number.isSafeInteger(pid) || pid < 1) return true;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
