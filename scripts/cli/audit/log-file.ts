/**
 * An exported log: one JSON text a line (docs/audit-proofs.md). First the head, then the tree's leaf hashes,
 * tile by tile, then the leaves. It needs nothing else to be verified.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { KeptLeaf } from "../../../core/audit/leaf-judge.ts";
import { logFileFormat } from "../../../core/audit/log-file-format.ts";
import { fromBase64, toBase64 } from "../../../core/audit/signed-note.ts";
import { hashBytes, tileWidth } from "../../../core/audit/tree.ts";
import { CliError } from "../cli-error.ts";
import type { LogShown } from "./shown-log.ts";

/** The lines of an exported log, without their line breaks. */
export async function* linesOfLog({ keys, checkpoint, cosigned, hashes, leaves }: LogShown): AsyncGenerator<string> {
  yield JSON.stringify({ format: logFileFormat, keys, checkpoint, cosigned });
  const bytes = tileWidth * hashBytes;
  for (let tile = 0; tile * bytes < hashes.length; tile += 1) {
    yield JSON.stringify({ tile, hashes: toBase64(hashes.subarray(tile * bytes, (tile + 1) * bytes)) });
  }
  for await (const { seq, leafJson } of leaves) yield JSON.stringify({ seq, leaf: leafJson });
}

/** @throws CliError `bad_log_file` for a file of another form */
export async function readLogFile(path: string): Promise<LogShown> {
  const lines = objectsOf(path);
  const head = (await lines.next()).value;
  const keys: unknown = head?.["keys"];
  const checkpoint = head?.["checkpoint"];
  // Files from before there were witnesses have none.
  const cosigned: unknown = head?.["cosigned"] ?? [];
  if (head?.["format"] !== logFileFormat || typeof checkpoint !== "string" || !isTexts(keys) || !isTexts(cosigned))
    throw bad(path, "it does not begin as one");
  const tiles: Uint8Array[] = [];
  let first: KeptLeaf | null = null;
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const { tile, hashes } = line.value;
    if (tile === undefined) {
      first = leafOf(path, line.value);
      break;
    }
    const bytes = typeof hashes === "string" ? fromBase64(hashes) : null;
    if (tile !== tiles.length || bytes === null) throw bad(path, `its tile ${tiles.length} is not one`);
    tiles.push(bytes);
  }
  const hashes = new Uint8Array(Buffer.concat(tiles));
  return { keys, checkpoint, cosigned, hashes, leaves: leavesFrom(path, first, lines) };
}

async function* leavesFrom(path: string, first: KeptLeaf | null, rest: AsyncIterable<Line>): AsyncGenerator<KeptLeaf> {
  if (first !== null) yield first;
  for await (const line of rest) yield leafOf(path, line);
}

type Line = Readonly<Record<string, unknown>>;

async function* objectsOf(path: string): AsyncGenerator<Line> {
  const stream = createReadStream(path, "utf8");
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      let value: unknown = null;
      try {
        value = JSON.parse(text);
      } catch {
        throw bad(path, "a line is not JSON");
      }
      if (typeof value !== "object" || value === null) throw bad(path, "a line is no object");
      yield value as Line;
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw bad(path, String((error as NodeJS.ErrnoException).code));
  } finally {
    stream.destroy();
  }
}

function leafOf(path: string, { seq, leaf }: Line): KeptLeaf {
  if (!Number.isSafeInteger(seq) || typeof leaf !== "string") throw bad(path, "a line is no entry");
  return { seq: seq as number, leafJson: leaf };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

const bad = (path: string, why: string): CliError =>
  new CliError("bad_log_file", `${path} is not an exported audit log: ${why}`);
