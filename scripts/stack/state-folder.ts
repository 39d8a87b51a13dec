import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { isAlive } from "../process-alive.ts";
import { StackError } from "./stack-error.ts";

/**
 * The state folder: one stack at a time, everything secret in files of mode 0600.
 * Invariant: while a `StateFolder` is open, `lock` holds this process's id.
 */
export interface StateFolder {
  readonly dir: string;
  /** Path of a file or folder inside. */
  path(...names: readonly string[]): string;
  /** Gives the folder up. */
  release(): void;
}

/**
 * Takes the folder.
 * @throws StackError `state_in_use`, `state_unusable` or `broken_stack_json`
 */
export function openStateFolder(dir: string): StateFolder {
  try {
    // 0711: Postgres runs as another user when started by root, and must reach its own folder below.
    mkdirSync(dir, { recursive: true, mode: 0o711 });
    if (!statSync(dir).isDirectory()) throw new Error("it is not a folder");
  } catch (error) {
    throw new StackError(
      "state_unusable",
      `can't use ${dir}: ${(error as Error).message}`,
      "Choose another folder with --state.",
    );
  }
  refuseBrokenStackJson(join(dir, "stack.json"));
  const lock = join(dir, "lock");
  takeLock(lock, dir);
  return {
    dir,
    path: (...names) => join(dir, ...names),
    release: () => rmSync(lock, { force: true }),
  };
}

function refuseBrokenStackJson(path: string): void {
  if (!existsSync(path)) return;
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  } catch {
    // Falls through to the refusal.
  }
  throw new StackError(
    "broken_stack_json",
    `${path} is not what a stack wrote`,
    "Delete that file (every start writes it anew) or choose another --state.",
  );
}

function takeLock(lock: string, dir: string): void {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const file = openSync(lock, "wx", 0o600);
      writeSync(file, String(process.pid));
      closeSync(file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw new StackError(
          "state_unusable",
          `can't write ${lock}: ${(error as Error).message}`,
          "Check the folder's owner, or choose another with --state.",
        );
      }
    }
    const holder = Number(readFileSync(lock, "utf8"));
    if (holder !== process.pid && isAlive(holder)) {
      throw new StackError(
        "state_in_use",
        `another stack (process ${holder}) holds ${dir}`,
        "Stop it, or choose another folder with --state.",
      );
    }
    // Its holder died without cleaning up.
    rmSync(lock, { force: true });
  }
  throw new StackError("state_in_use", `another stack is taking ${dir}`, "Choose another folder with --state.");
}

/** Writes JSON so that a crash leaves the old file or the new one, mode 0600. */
export function writeJsonAtomically(path: string, value: unknown): void {
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, "w", 0o600);
  try {
    writeSync(file, `${JSON.stringify(value, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** Reads JSON, or null when there is no such file. @throws StackError `broken_state` */
export function readJson(path: string): unknown {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new StackError(
      "broken_state",
      `${path} is damaged`,
      "Restore it from a copy, or choose another folder with --state.",
    );
  }
}
