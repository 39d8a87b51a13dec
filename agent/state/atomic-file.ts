/** Replaces a file so that a reader, or a crash at any point, sees the old one or the new one. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { syncDirectory } from "./sync-directory.ts";

/**
 * @param durable also survives a power cut when this returns (fsync of file and directory)
 */
export function replaceFile(path: string, content: string, durable: boolean): void {
  const temporary = `${path}.${process.pid}.new`;
  try {
    // `wx`: never write a secret through a link somebody left here. A leftover of an equal pid goes first.
    rmSync(temporary, { force: true });
    const descriptor = openSync(temporary, "wx", 0o600);
    try {
      writeFileSync(descriptor, content);
      if (durable) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (durable) syncDirectory(dirname(path));
}
