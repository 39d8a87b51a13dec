/**
 * What is inside a backup, before it is compressed and sealed: frames of one byte of kind, 32 bits of length (big
 * endian) and a body.
 *
 *   begin   JSON {stream}: the next stream of the header, by its place
 *   rows    whole lines as COPY writes them (text format, UTF-8): fields parted by a tab, \N for null, ended by \n
 *   end     JSON {rows, bytes, sha256} of the stream that ends
 *   done    JSON {streams, rows}: nothing follows
 */
import { ByteQueue } from "../byte-queue.ts";
import { BackupRefused } from "./refused.ts";

const kinds = { begin: 1, rows: 2, end: 3, done: 4 } as const;
type Kind = keyof typeof kinds;
const kindOf = new Map<number, Kind>(Object.entries(kinds).map(([kind, byte]) => [byte, kind as Kind]));

/** Longest body. A row of the widest table (a command with its reply) is 2.4 MiB once it is escaped. */
export const frameBytesMax = 8 * 1024 * 1024;
const headBytes = 5;

export interface StreamTotals {
  readonly rows: number;
  /** Of the lines. */
  readonly bytes: number;
  /** SHA-256 of the lines, hex. */
  readonly sha256: string;
}

export type Frame =
  | { readonly kind: "begin"; readonly stream: number }
  | { readonly kind: "rows"; readonly lines: Uint8Array<ArrayBuffer> }
  | ({ readonly kind: "end" } & StreamTotals)
  | { readonly kind: "done"; readonly streams: number; readonly rows: number };

/** SHA-256 that is fed piece by piece; WebCrypto has none, so it is handed in. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  /** Lower-case hex. */
  digest(): string;
}

/** A frame's bytes, head and body apart so that rows are not copied. @throws RangeError */
export function encodeFrame(frame: Frame): Uint8Array[] {
  const { kind, ...rest } = frame;
  const body = frame.kind === "rows" ? frame.lines : new TextEncoder().encode(JSON.stringify(rest));
  if (body.length > frameBytesMax) throw new RangeError("a frame is longer than a reader takes");
  const head = new Uint8Array(headBytes);
  head[0] = kinds[kind];
  new DataView(head.buffer).setUint32(1, body.length);
  return [head, body];
}

/** Frames of any pieces of bytes. @throws BackupRefused `inconsistent` */
export async function* decodeFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const queue = new ByteQueue();
  let head: { kind: Kind; length: number } | null = null;
  for await (const piece of source) {
    queue.push(piece);
    for (;;) {
      if (head === null) {
        if (queue.length < headBytes) break;
        head = decodeHead(queue.take(headBytes));
      }
      if (queue.length < head.length) break;
      yield decodeBody(head.kind, queue.take(head.length));
      head = null;
    }
  }
  if (head !== null || queue.length > 0) throw new BackupRefused("inconsistent", "the last frame has no end");
}

function decodeHead(bytes: Uint8Array<ArrayBuffer>): { kind: Kind; length: number } {
  const kind = kindOf.get(bytes[0] ?? 0);
  const length = new DataView(bytes.buffer).getUint32(1);
  if (kind === undefined || length > frameBytesMax) throw new BackupRefused("inconsistent", "there is no such frame");
  return { kind, length };
}

function decodeBody(kind: Kind, body: Uint8Array<ArrayBuffer>): Frame {
  if (kind === "rows") return { kind, lines: body };
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as Record<string, unknown>;
  } catch {
    throw new BackupRefused("inconsistent", "a frame is not JSON");
  }
  const count = (name: string): number => {
    const found = value[name];
    if (typeof found === "number" && Number.isSafeInteger(found) && found >= 0) return found;
    throw new BackupRefused("inconsistent", `a frame lacks its ${name}`);
  };
  if (kind === "begin") return { kind, stream: count("stream") };
  if (kind === "done") return { kind, streams: count("streams"), rows: count("rows") };
  const { sha256 } = value;
  if (typeof sha256 !== "string") throw new BackupRefused("inconsistent", "a frame lacks its sha256");
  return { kind, rows: count("rows"), bytes: count("bytes"), sha256 };
}
