import { closeSync, fsyncSync, openSync } from "node:fs";

/** A new name is durable only once its directory is (POSIX); Windows has no such call. */
export function syncDirectory(directory: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
