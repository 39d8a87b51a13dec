/** The bytes of a backup → its rows, nothing of which counts before the end was reached. */
import { ByteQueue } from "../byte-queue.ts";
import { openChunks } from "./chunks.ts";
import { decodeFrames, type Frame, type RunningHash, type StreamTotals } from "./frames.ts";
import { type BackupHeader, decodeHeader, headerLength, preambleBytes, type StreamDescription } from "./header.ts";
import { decompress } from "./pipe.ts";
import { BackupRefused } from "./refused.ts";
import { countLines, saltOf } from "./write.ts";

export type BackupEvent =
  | { readonly kind: "begin"; readonly stream: StreamDescription }
  | { readonly kind: "rows"; readonly lines: Uint8Array<ArrayBuffer> }
  | ({ readonly kind: "end"; readonly stream: StreamDescription } & StreamTotals);

export interface OpenedBackup {
  /** Not authentic before the first event. */
  readonly header: BackupHeader;
  /**
   * Everything inside, in order, once. It ends without an error only if the file is whole and is what was written:
   * whoever keeps rows commits them after that and not before.
   * @param key the backup's, 32 bytes
   * @throws BackupRefused
   */
  events(key: Uint8Array, newHash: () => RunningHash): AsyncGenerator<BackupEvent>;
}

/** Reads the header of a backup. @throws BackupRefused */
export async function openBackup(source: AsyncIterable<Uint8Array>): Promise<OpenedBackup> {
  const iterator = source[Symbol.asyncIterator]();
  const queue = new ByteQueue();
  const fill = async (count: number): Promise<boolean> => {
    while (queue.length < count) {
      const next = await iterator.next();
      if (next.done === true) return false;
      queue.push(next.value);
    }
    return true;
  };
  if (!(await fill(preambleBytes))) throw new BackupRefused("not_a_backup", "this is not a backup of Sentinel's");
  const preamble = queue.take(preambleBytes);
  const length = headerLength(preamble);
  if (!(await fill(length))) throw new BackupRefused("malformed_header", "the file ends inside of its header");
  const body = queue.take(length);
  const header = decodeHeader(body);
  const preface = new Uint8Array(preambleBytes + length);
  preface.set(preamble);
  preface.set(body, preambleBytes);

  async function* rest(): AsyncGenerator<Uint8Array> {
    yield queue.take(queue.length);
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return {
    header,
    events(key, newHash) {
      const chunks = openChunks({ backupKey: key, salt: saltOf(header), preface }, rest());
      return checked(header, decodeFrames(refusingWhatIsNotGzip(decompress(chunks))), newHash);
    },
  };
}

async function* refusingWhatIsNotGzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    // What a decompressor throws; anything else is of whoever reads the file.
    if (!(error instanceof TypeError)) throw error;
    throw new BackupRefused("inconsistent", "what is sealed inside is not whole gzip");
  }
}

const wrong = (message: string): BackupRefused => new BackupRefused("inconsistent", message);

/** Each stream of the header once, in order, with the totals that it says; then the end, and nothing behind it. */
async function* checked(
  header: BackupHeader,
  frames: AsyncIterable<Frame>,
  newHash: () => RunningHash,
): AsyncGenerator<BackupEvent> {
  let current: { stream: StreamDescription; hash: RunningHash; rows: number; bytes: number } | null = null;
  let [streams, rows, done] = [0, 0, false];
  for await (const frame of frames) {
    if (done) throw wrong("something stands behind the end");
    switch (frame.kind) {
      case "begin": {
        const stream = header.streams[frame.stream];
        if (current !== null || frame.stream !== streams || stream === undefined)
          throw wrong("a stream is out of turn");
        current = { stream, hash: newHash(), rows: 0, bytes: 0 };
        yield { kind: "begin", stream };
        break;
      }
      case "rows":
        if (current === null) throw wrong("rows stand outside of a stream");
        if (frame.lines.at(-1) !== 0x0a) throw wrong("a row has no end");
        current.hash.update(frame.lines);
        current.rows += countLines(frame.lines);
        current.bytes += frame.lines.length;
        yield frame;
        break;
      case "end": {
        if (current === null) throw wrong("a stream ends that did not begin");
        const found = { rows: current.rows, bytes: current.bytes, sha256: current.hash.digest() };
        if (found.rows !== frame.rows || found.bytes !== frame.bytes || found.sha256 !== frame.sha256) {
          throw wrong(`${current.stream.name} is not what its totals say`);
        }
        streams += 1;
        rows += found.rows;
        yield { kind: "end", stream: current.stream, ...found };
        current = null;
        break;
      }
      case "done":
        if (current !== null || streams !== header.streams.length) throw wrong("a stream is missing");
        if (frame.streams !== streams || frame.rows !== rows) throw wrong("the totals of all do not agree");
        done = true;
        break;
    }
  }
  if (!done) throw wrong("the end is missing");
}
