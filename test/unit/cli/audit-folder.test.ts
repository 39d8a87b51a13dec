import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { formatTilePath, tilesOfLevel } from "../../../core/audit/tile-path.ts";
import { tileWidth } from "../../../core/audit/tree.ts";
import { openLog } from "../../../scripts/cli/audit/open-log.ts";
import { examine } from "../../../scripts/cli/audit/verify-shown.ts";
import { newLogKey, SignedLog } from "../../support/signed-log.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "log-folder-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, bytes: string | Uint8Array): void {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}

/** A log's tiles as any tool that speaks tlog-tiles would have downloaded them. */
function putTiles({ leaves, hashes }: SignedLog): void {
  for (const tile of tilesOfLevel(0, leaves.length)) {
    const from = tile.index * tileWidth;
    put(`tile/${formatTilePath(tile)}`, Buffer.concat(hashes.slice(from, from + tile.width)));
    const texts = leaves.slice(from, from + tile.width).map((leaf) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(Buffer.byteLength(leaf));
      return Buffer.concat([length, Buffer.from(leaf)]);
    });
    put(`tile/${formatTilePath({ ...tile, level: "entries" })}`, Buffer.concat(texts));
  }
}

const judged = async () => examine(await openLog(folder, undefined), null, null, null, 0);

it("a folder is a log whose newest checkpoint counts, however their names sort", async () => {
  const log = new SignedLog(await newLogKey("sentinel/example.org/platform-0"), 1000);
  putTiles(log);
  put("key/1", `${log.key.text}\n`);
  put("checkpoint/999", await log.checkpoint(999));
  put("checkpoint/1000", await log.checkpoint(1000));
  put("checkpoint/1000.part", "half of one");
  expect(await judged()).toMatchObject({
    origin: "sentinel/example.org/platform-0",
    size: 1000,
    why: null,
    shown: null,
  });
});

it("a folder with one file `checkpoint`, as public tools write it, is a log as well", async () => {
  const log = new SignedLog(await newLogKey("sentinel/example.org/platform-0"), 3);
  putTiles(log);
  put("key/1", log.key.text);
  put("checkpoint", await log.checkpoint());
  expect(await judged()).toMatchObject({ size: 3, why: null, shown: null });
});

it("a folder that lacks a tile, a checkpoint or a key is no log that is believed", async () => {
  const log = new SignedLog(await newLogKey("sentinel/example.org/platform-0"), 300);
  putTiles(log);
  await expect(judged()).rejects.toMatchObject({ code: "bad_log_folder" });
  put("checkpoint/300", await log.checkpoint());
  expect((await judged()).why).toBe("checkpoint_not_signed");
  put("key/1", log.key.text);
  rmSync(join(folder, "tile/0/001.p/44"));
  await expect(judged()).rejects.toMatchObject({ code: "bad_log_folder" });
});
