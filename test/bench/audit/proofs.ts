import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  consistencyProof,
  hashBytes,
  inclusionProof,
  isConsistent,
  rootOfInclusion,
  sameHash,
  tileWidth,
  treeRoot,
} from "../../../core/audit/tree.ts";
import { entriesSchema } from "../../../durable-objects/audit-log/entry-schema.ts";
import { keptEntriesMax } from "../../../durable-objects/audit-log/forgetting.ts";
import { LeafTiles } from "../../../durable-objects/audit-log/leaf-tiles.ts";
import { TreeStore } from "../../../durable-objects/audit-log/tree-store.ts";
import type { Row } from "../report.ts";
import { quantile } from "../statistics.ts";
import { leafHashOf, sha256 } from "./leaves.ts";
import type { Go } from "./peer/go.ts";
import { storageOf } from "./sqlite-storage.ts";

export const entriesOfProofs = 10_000_000;
const proofsMade = 1000;

/**
 * Proofs of a log of ten million entries as its object has it: the newest million as rows, of the others whole tiles of
 * hashes, and above both what `grow` makes of them. On the engine that it runs on (SQLite), from a file, each proof of
 * another entry or size, and each checked.
 */
export async function benchProofs(go: Go | null, entries = entriesOfProofs): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-proofs-"));
  try {
    const database = new DatabaseSync(join(folder, "log.sqlite"));
    database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000");
    const startedAt = performance.now();
    const tree = build(database, entries);
    const builtMs = performance.now() - startedAt;
    // As an object has it: some megabytes.
    database.exec("PRAGMA cache_size = -16000");
    const rootMs = timed(20, () => treeRoot(tree.read, entries, sha256));
    const root = treeRoot(tree.read, entries, sha256);
    const inclusion = { ms: [] as number[], bytes: 0 };
    const consistency = { ms: [] as number[], bytes: 0 };
    for (let made = 0; made < proofsMade; made += 1) {
      const index = Math.floor(Math.random() * entries);
      let begunAt = performance.now();
      const proof = inclusionProof(tree.read, index, entries, sha256);
      inclusion.ms.push(performance.now() - begunAt);
      inclusion.bytes = Math.max(inclusion.bytes, proof.length * hashBytes);
      const led = rootOfInclusion(leafHashOf(index), index, entries, proof, sha256);
      if (led === null || !sameHash(led, root)) throw new Error(`the proof of entry ${index + 1} is wrong`);
      const from = 1 + Math.floor(Math.random() * (entries - 1));
      begunAt = performance.now();
      const path = consistencyProof(tree.read, from, entries, sha256);
      consistency.ms.push(performance.now() - begunAt);
      consistency.bytes = Math.max(consistency.bytes, path.length * hashBytes);
      const older = treeRoot(tree.read, from, sha256);
      if (!isConsistent({ size: from, root: older }, { size: entries, root }, path, sha256))
        throw new Error(`the proof from ${from} entries is wrong`);
    }
    database.close();
    const peer = go === null ? null : await go.run("prove", `${entries}`, `${proofsMade}`);
    if (peer !== null && peer["root"] !== Buffer.from(root).toString("hex"))
      throw new Error("golang.org/x/mod/sumdb/tlog has another root for the same leaves");
    const of = `of ${entries.toLocaleString("en")} events`;
    return [
      {
        what: `audit: inclusion proof ${of}: made in p50 / p99, bytes at most`,
        value: shown(inclusion.ms, inclusion.bytes),
        beside: ofPeer(peer?.["inclusion"]),
      },
      {
        what: `audit: consistency proof from any size to ${of}: made in p50 / p99, bytes at most`,
        value: shown(consistency.ms, consistency.bytes),
        beside: ofPeer(peer?.["consistency"]),
      },
      {
        what: `audit: root ${of} from what is stored; all of the tree made anew`,
        value: `${quantile(rootMs, 0.5).toFixed(2)} ms; ${(builtMs / 1000).toFixed(0)} s`,
        beside: peer === null ? "not measured" : "golang.org/x/mod/sumdb/tlog has the same root",
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function build(database: DatabaseSync, entries: number): TreeStore {
  const storage = storageOf(database);
  database.exec(entriesSchema);
  const tree = new TreeStore(storage);
  const tiles = new LeafTiles(storage);
  database.exec("BEGIN");
  const forgotten = Math.floor(Math.max(0, entries - keptEntriesMax) / tileWidth);
  for (let tile = 0; tile < forgotten; tile += 1)
    tiles.add(Array.from({ length: tileWidth }, (_, place) => leafHashOf(tile * tileWidth + place)));
  const insert = database.prepare(
    "INSERT INTO entries VALUES (?, ?, 'req_01jd3x2k8hf9v8v3k4m5n6p7q9', 'event', NULL, NULL, 'api_call', '#1', NULL, ?, ?, ?, ?, 0)",
  );
  const [event, personal, leaf] = ["x".repeat(150), "x".repeat(150), "x".repeat(430)];
  for (let index = forgotten * tileWidth; index < entries; index += 1)
    insert.run(index + 1, index, event, personal, leaf, leafHashOf(index).toString("hex"));
  while (!tree.grow(entries));
  database.exec("COMMIT");
  return tree;
}

function timed(count: number, work: () => unknown): number[] {
  return Array.from({ length: count }, () => {
    const startedAt = performance.now();
    work();
    return performance.now() - startedAt;
  });
}

const text = (p50: number, p99: number, bytes: number): string =>
  `${p50.toFixed(2)} / ${p99.toFixed(2)} ms, ${bytes} bytes`;

const shown = (ms: readonly number[], bytes: number): string => text(quantile(ms, 0.5), quantile(ms, 0.99), bytes);

function ofPeer(measured: unknown): string {
  if (measured === undefined) return "golang.org/x/mod/sumdb/tlog: not measured";
  const { ms, bytesMax } = measured as { ms: { p50: number; p99: number }; bytesMax: number };
  return `golang.org/x/mod/sumdb/tlog: ${text(ms.p50, ms.p99, bytesMax)}`;
}
