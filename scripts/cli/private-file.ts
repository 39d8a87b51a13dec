import { readFileSync, statSync } from "node:fs";
import { CliError } from "./cli-error.ts";

/** A file that holds a secret: how a refusal of it is called, and what to do besides when others could read it. */
export interface PrivateFile {
  readonly path: string;
  readonly code: string;
  readonly whenLeaked?: string;
}

/**
 * Reads a secret, without the spaces around it.
 * @throws CliError `code`, which never quotes the file
 */
export function readPrivateFile({ path, code, whenLeaked = "" }: PrivateFile): string {
  try {
    // Like an SSH key: what others on this machine can read is not a secret.
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0)
      throw new CliError(code, `${path} can be read by others; chmod 600 it${whenLeaked}`);
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(code, `can't read ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
}
