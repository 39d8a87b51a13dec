/**
 * A log from a folder in C2SP tlog-tiles' layout: its second copy, downloaded from the bucket (`log/LOG/`). Tiles stand
 * in `tile/`, the newest checkpoint as the file `checkpoint` or, where none is ever overwritten, as the largest number
 * in the folder `checkpoint/`, and keys in `key/`.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { KeptLeaf } from "../../../core/audit/leaf-judge.ts";
import { formatTilePath, type TilePath, tilesOfLevel } from "../../../core/audit/tile-path.ts";
import { tileWidth } from "../../../core/audit/tree.ts";
import { CliError } from "../cli-error.ts";
import { leavesOfBundle } from "./entry-bundle.ts";
import type { LogShown } from "./shown-log.ts";

/** @throws CliError `bad_log_folder` for a folder that holds no log, or not all of it */
export function readLogFolder(path: string): LogShown {
  const checkpoint = read(join(path, newestCheckpoint(path))).toString("utf8");
  const size = Number(checkpoint.split("\n")[1]);
  if (!Number.isSafeInteger(size) || size < 1) throw bad(path, "its checkpoint is none");
  const keys = filesOf(join(path, "key")).map((name) =>
    read(join(path, "key", name))
      .toString("utf8")
      .trim(),
  );
  const tile = (one: TilePath): Buffer => read(join(path, "tile", formatTilePath(one)));
  const hashes = new Uint8Array(Buffer.concat(tilesOfLevel(0, size).map(tile)));
  return { keys, checkpoint, cosigned: [], hashes, leaves: leavesOf(tile, size) };
}

async function* leavesOf(tile: (path: TilePath) => Buffer, size: number): AsyncGenerator<KeptLeaf> {
  for (const path of tilesOfLevel("entries", size)) yield* leavesOfBundle(tile(path), path.index * tileWidth);
}

function newestCheckpoint(path: string): string {
  const folder = join(path, "checkpoint");
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return "checkpoint";
  const sizes = filesOf(folder).filter((name) => /^[1-9][0-9]{0,15}$/.test(name));
  if (sizes.length === 0) throw bad(path, "it has no checkpoint yet; the first is copied within six hours");
  return join("checkpoint", String(Math.max(...sizes.map(Number))));
}

const filesOf = (folder: string): string[] =>
  statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder).sort() : [];

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw bad(path, `it can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

const bad = (path: string, why: string): CliError => new CliError("bad_log_folder", `${path}: ${why}`);
