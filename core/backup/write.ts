/** Rows → the bytes of a backup. */
import { type Sealing, sealChunks } from "./chunks.ts";
import { encodeFrame, type Frame, type RunningHash } from "./frames.ts";
import { type BackupHeader, encodeHeader } from "./header.ts";
import { compress } from "./pipe.ts";

/** What one of the header's streams holds: pieces of whole lines, each at most `frameBytesMax` long. */
export type Lines = AsyncIterable<Uint8Array<ArrayBuffer>>;

export interface BackupContent {
  readonly header: BackupHeader;
  /** 32 bytes, of this backup alone. */
  readonly key: Uint8Array;
  /** Opens the rows of a stream; called in the header's order, one after the other. */
  readonly read: (stream: string) => Lines;
  readonly newHash: () => RunningHash;
  /** Told after each piece: bytes of rows so far, before compression, and the stream they are of. */
  readonly onProgress?: (bytes: number, stream: string) => void;
}

/** Writes a backup; whoever reads sets the pace, and a few MiB are held at a time. */
export async function* writeBackup(content: BackupContent): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const preface = encodeHeader(content.header);
  yield preface;
  const sealing: Sealing = { backupKey: content.key, salt: saltOf(content.header), preface };
  yield* sealChunks(sealing, compress(frames(content)));
}

/** The header's salt as bytes. */
export function saltOf(header: BackupHeader): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(header.salt.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

async function* frames({ header, read, newHash, onProgress }: BackupContent): AsyncGenerator<Uint8Array> {
  const encoded = function* (frame: Frame): Generator<Uint8Array> {
    yield* encodeFrame(frame);
  };
  let [rowsOfAll, bytesOfAll] = [0, 0];
  for (const [stream, { name }] of header.streams.entries()) {
    yield* encoded({ kind: "begin", stream });
    const hash = newHash();
    let [rows, bytes] = [0, 0];
    for await (const lines of read(name)) {
      rows += countLines(lines);
      bytes += lines.length;
      hash.update(lines);
      yield* encoded({ kind: "rows", lines });
      onProgress?.(bytesOfAll + bytes, name);
    }
    rowsOfAll += rows;
    bytesOfAll += bytes;
    yield* encoded({ kind: "end", rows, bytes, sha256: hash.digest() });
  }
  yield* encoded({ kind: "done", streams: header.streams.length, rows: rowsOfAll });
}

/** COPY writes a newline inside of a value as \n, so each one that stands there ends a row. */
export function countLines(lines: Uint8Array): number {
  let count = 0;
  for (let at = lines.indexOf(0x0a); at !== -1; at = lines.indexOf(0x0a, at + 1)) count += 1;
  return count;
}
