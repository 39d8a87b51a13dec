/** A disk in memory that can be cut off at any write, as a power cut or a full disk would. */
import type { QueueFiles } from "../../../agent/queue/files.ts";

export class DiskFailure extends Error {}

export class MemoryDisk {
  readonly segments = new Map<number, Uint8Array>();
  cursor: Uint8Array | null = null;
  /** The next `append` writes this many bytes and throws; null: it works. */
  tearNextAppendAt: number | null = null;
  failNextCursor = false;

  files(): QueueFiles {
    let open: number | null = null;
    const bytesOf = (segment: number): Uint8Array => this.segments.get(segment) ?? new Uint8Array();
    return {
      list: () => [...this.segments.keys()].reverse(),
      readAll: bytesOf,
      readAt: (segment, start, end) => bytesOf(segment).subarray(start, end),
      create: (segment) => {
        this.segments.set(segment, new Uint8Array());
        open = segment;
      },
      append: (bytes) => {
        if (open === null) throw new Error("no segment is open");
        const tear = this.tearNextAppendAt;
        this.tearNextAppendAt = null;
        const written = tear === null ? bytes : bytes.subarray(0, tear);
        this.segments.set(open, Buffer.concat([bytesOf(open), written]));
        if (tear !== null) throw new DiskFailure("no space");
      },
      remove: (segment) => {
        this.segments.delete(segment);
      },
      readCursor: () => this.cursor,
      writeCursor: (bytes) => {
        if (this.failNextCursor) {
          this.failNextCursor = false;
          throw new DiskFailure("no space");
        }
        this.cursor = bytes;
      },
      close: () => {
        open = null;
      },
    };
  }
}
