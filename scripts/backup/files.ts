/** Backups as files: whole or not there. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export const fileEnding = ".sentinel-backup";

export interface WrittenFile {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * Writes a file under another name, onto the disk, and gives it its name once `commit` has said yes.
 * @param commit what makes it worth having; when it throws, nothing stays
 * @returns the file's path
 */
export async function writeFileWhole(
  folder: string,
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  commit: (written: WrittenFile, path: string) => Promise<void>,
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  const partial = `${path}.partial`;
  // Never over another one.
  const file = await open(partial, "wx", 0o600);
  try {
    const hash = createHash("sha256");
    let written = 0;
    try {
      for await (const piece of bytes) {
        hash.update(piece);
        written += piece.length;
        await file.writeFile(piece);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await commit({ bytes: written, sha256: hash.digest("hex") }, partial);
    await rename(partial, path);
    return path;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Read in pieces that keep a disk and AES busy; more makes neither faster. */
const readBytes = 256 * 1024;
export const readFileBytes = (path: string): AsyncIterable<Uint8Array> =>
  createReadStream(path, { highWaterMark: readBytes });
