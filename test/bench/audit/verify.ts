import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { headText } from "../../../core/audit/checkpoint.ts";
import { GrowingTree } from "../../../core/audit/growing-tree.ts";
import type { KeptLeaf } from "../../../core/audit/leaf-judge.ts";
import { formatNote, keyIdOf } from "../../../core/audit/signed-note.ts";
import { hashBytes } from "../../../core/audit/tree.ts";
import { verifyLog } from "../../../core/audit/verify-log.ts";
import { linesOfLog } from "../../../scripts/cli/audit/log-file.ts";
import { openLog } from "../../../scripts/cli/audit/open-log.ts";
import { sha256 } from "../../../scripts/cli/audit/shown-log.ts";
import { examine, isGood, verifiersOf } from "../../../scripts/cli/audit/verify-shown.ts";
import { newLogKey } from "../../support/signed-log.ts";
import type { Row } from "../report.ts";
import { median } from "../statistics.ts";
import { leafHashOf, leafOf } from "./leaves.ts";
import type { Go } from "./peer/go.ts";

/** Of leaves of some 430 bytes: a file of 100 MB. */
const entries = 200_000;

/** Events per second of the offline verifier: an exported file from its signature to each leaf, and the tree alone. */
export async function benchVerify(go: Go | null, rounds: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-verify-"));
  try {
    const hashes = new Uint8Array(entries * hashBytes);
    const tree = new GrowingTree(sha256);
    for (let index = 0; index < entries; index += 1) {
      const hash = leafHashOf(index);
      hashes.set(hash, index * hashBytes);
      tree.add(hash);
    }
    const key = await newLogKey("sentinel/sentinel.test/platform-0");
    const text = headText({ origin: key.verifier.name, size: entries, root: new Uint8Array(tree.root()) });
    const signature = await key.sign(text);
    const signatures = [{ name: key.verifier.name, keyId: keyIdOf(key.verifier, sha256), signature }];
    const checkpoint = formatNote({ text, signatures });
    const path = join(folder, "bench.log");
    const lines = linesOfLog({ keys: [key.text], checkpoint, cosigned: [], hashes, leaves: leaves() });
    await pipeline(Readable.from(withBreaks(lines)), createWriteStream(path));
    const rates = { file: [] as number[], tree: [] as number[], peer: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      let startedAt = performance.now();
      const examination = await examine(await openLog(path, undefined), null, null, null, Date.now());
      rates.file.push(entries / ((performance.now() - startedAt) / 1000));
      if (!isGood(examination) || examination.size !== entries) throw new Error("a log that is right was not believed");
      startedAt = performance.now();
      const shown = { checkpoint, hashes, keys: verifiersOf([key.text]), saved: null, witness: null };
      if ((await verifyLog(shown, sha256)).kind !== "trusted") throw new Error("a tree that is right was not believed");
      rates.tree.push(entries / ((performance.now() - startedAt) / 1000));
      const peer = await go?.run("verify", `${entries}`);
      if (peer === undefined) continue;
      if (peer["root"] !== Buffer.from(tree.root()).toString("hex")) throw new Error("the peer has another root");
      rates.peer.push(Number(peer["rate"]));
    }
    const size = entries.toLocaleString("en");
    const peer = rates.peer.length === 0 ? "not measured" : perSecond(rates.peer);
    return [
      {
        what: `audit: offline verifier, an exported file of ${size} events: signature, tree and each leaf`,
        value: perSecond(rates.file),
        beside: `golang.org/x/mod/sumdb/tlog, a file of the same records into a tree: ${peer}`,
      },
      { what: `audit: the same, tree and signature from ${size} hashes`, value: perSecond(rates.tree), beside: "–" },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function* leaves(): AsyncGenerator<KeptLeaf> {
  for (let index = 0; index < entries; index += 1) yield { seq: index + 1, leafJson: leafOf(index) };
}

async function* withBreaks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}

const perSecond = (rates: readonly number[]): string => `${Math.round(median(rates))} events/s`;
