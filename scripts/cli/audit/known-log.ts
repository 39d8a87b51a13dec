/**
 * What a verifier knows of a log from earlier: its keys and the newest checkpoint it has verified. Without it
 * a verifier believes whatever keys the log says, and can't see that a log was rolled back.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { CliError } from "../cli-error.ts";

export interface KnownLog {
  /** `name+id+key`, every key that this log's checkpoints may be signed with. */
  readonly keys: readonly string[];
  /** The newest checkpoint that was verified. */
  readonly checkpoint: string;
}

/** Null when there is no such file yet. @throws CliError `bad_known_file` */
export function readKnownLog(path: string): KnownLog | null {
  if (!existsSync(path)) return null;
  try {
    const { keys, checkpoint } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    if (typeof checkpoint !== "string" || !Array.isArray(keys) || keys.some((key) => typeof key !== "string"))
      throw new Error("it holds something else");
    return { keys: keys as string[], checkpoint };
  } catch (error) {
    // Never taken for a file that is not there: that would forget what was known.
    throw new CliError("bad_known_file", `${path}: ${(error as Error).message}`);
  }
}

/** Replaces the file as a whole: a crash leaves the old one or the new one. */
export function writeKnownLog(path: string, known: KnownLog): void {
  const next = `${path}.next`;
  const file = openSync(next, "w", 0o644);
  try {
    writeSync(file, `${JSON.stringify(known, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
