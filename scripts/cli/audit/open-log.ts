import { statSync } from "node:fs";
import { CliError } from "../cli-error.ts";
import { readPrivateFile } from "../private-file.ts";
import { readLogAt, refuseLogAddress } from "./log-address.ts";
import { readLogFile } from "./log-file.ts";
import { readLogFolder } from "./log-folder.ts";
import type { LogShown } from "./shown-log.ts";

const isAddress = (target: string): boolean => /^https?:/i.test(target);

/** What is wrong with a word that should name a log, or null. */
export function refuseTarget(value: string): string | null {
  if (isAddress(value)) return refuseLogAddress(value);
  return value.includes("\0") ? "is not a path" : null;
}

/** @throws CliError `no_key` for an address without a key, and what reading it throws */
export async function openLog(target: string, keyFile: string | undefined): Promise<LogShown> {
  if (!isAddress(target)) {
    const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
    return isFolder ? readLogFolder(target) : await readLogFile(target);
  }
  if (keyFile === undefined)
    throw new CliError("no_key", "an address needs --key-file: an API key that may read the log", 2);
  return await readLogAt(target, readPrivateFile({ path: keyFile, code: "bad_key_file" }));
}
