/** The few file operations the queue rests on, so that a test can make each of them fail. */
import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { syncDirectory } from "../state/sync-directory.ts";

/**
 * Consistency contract: `append` has returned ⇒ the bytes survive a power cut. It may throw after
 * writing any part of them. `remove` and `writeCursor` may be lost in a power cut but not torn in a
 * way that reads as another valid value.
 */
export interface QueueFiles {
  /** First sequence numbers of the segments that exist, in any order. */
  list(): number[];
  readAll(segment: number): Uint8Array;
  readAt(segment: number, start: number, end: number): Uint8Array;
  /** Creates (or empties) a segment and makes it the one `append` writes to. */
  create(segment: number): void;
  append(bytes: Uint8Array): void;
  remove(segment: number): void;
  readCursor(): Uint8Array | null;
  writeCursor(bytes: Uint8Array): void;
  close(): void;
}

const nameOf = (segment: number): string => `${String(segment).padStart(16, "0")}.segment`;
const cursorName = "cursor";

export function nodeQueueFiles(directory: string): QueueFiles {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const pathOf = (segment: number): string => join(directory, nameOf(segment));
  let open: number | null = null;
  const close = (): void => {
    if (open === null) return;
    const descriptor = open;
    open = null;
    closeSync(descriptor);
  };
  return {
    list: () =>
      readdirSync(directory).flatMap((name) => {
        const digits = /^(\d{16})\.segment$/.exec(name)?.[1];
        return digits === undefined ? [] : [Number(digits)];
      }),
    readAll: (segment) => readFileSync(pathOf(segment)),
    readAt: (segment, start, end) => readRange(pathOf(segment), start, end),
    create: (segment) => {
      close();
      open = openSync(pathOf(segment), "w", 0o600);
      syncDirectory(directory);
    },
    append: (bytes) => {
      if (open === null) throw new Error("no segment is open");
      appendWhole(open, bytes);
    },
    remove: (segment) => rmSync(pathOf(segment), { force: true }),
    readCursor: () => {
      try {
        return readFileSync(join(directory, cursorName));
      } catch {
        return null;
      }
    },
    // No fsync: losing the newest cursor only sends some samples again, and the server knows their ids.
    writeCursor: (bytes) => {
      const temporary = join(directory, `${cursorName}.new`);
      const descriptor = openSync(temporary, "w", 0o600);
      try {
        writeSync(descriptor, bytes);
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, join(directory, cursorName));
    },
    close,
  };
}

/** May leave torn bytes when it throws: the caller then writes to another segment. */
function appendWhole(descriptor: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
  fdatasyncSync(descriptor);
}

function readRange(path: string, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  const descriptor = openSync(path, "r");
  try {
    let read = 0;
    while (read < bytes.length) {
      const count = readSync(descriptor, bytes, read, bytes.length - read, start + read);
      if (count === 0) break;
      read += count;
    }
    return bytes.subarray(0, read);
  } finally {
    closeSync(descriptor);
  }
}
