import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { partBytes } from "../../../core/documents/layout.ts";
import { bundleWorker } from "../../../scripts/bundle.ts";
import type { Row } from "../report.ts";
import { median } from "../statistics.ts";

const parts = 8;
const size = parts * partBytes;
const kinds = ["plain", "sealed"] as const;
type Kind = (typeof kinds)[number];

/** What sealing costs a document: parts through a Worker into a bucket and out of it again, beside the same without. */
export async function benchDocuments(rounds: number): Promise<Row[]> {
  const contents = await bundleWorker(fileURLToPath(new URL("documents-worker.ts", import.meta.url)));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      name: "documents",
      modules: [{ type: "ESModule", path: "index.mjs", contents }],
      compatibilityDate: "2026-10-20",
      compatibilityFlags: ["nodejs_compat"],
      r2Buckets: ["BUCKET"],
      logRequests: false,
    }),
  );
  try {
    const { origin } = await miniflare.ready;
    const bytes = randomBytes(size);
    const up: Record<Kind, number[]> = { plain: [], sealed: [] };
    const down: Record<Kind, number[]> = { plain: [], sealed: [] };
    // The first round is for the machine to get warm.
    for (let round = 0; round <= rounds; round += 1) {
      for (const kind of kinds) {
        const sent = await rateOf(() => upload(origin, kind, bytes));
        const read = await rateOf(() => download(origin, kind, bytes));
        if (round === 0) continue;
        up[kind].push(sent);
        down[kind].push(read);
      }
    }
    const row = (what: string, rates: Record<Kind, readonly number[]>): Row => ({
      what,
      value: `${median(rates.sealed).toFixed(0)} MB/s`,
      beside: `the same bytes unsealed: ${median(rates.plain).toFixed(0)} MB/s`,
    });
    return [
      row(`upload of a document of ${parts} parts of 8 MiB, sealed (Worker → local R2)`, up),
      row("download of it, opened", down),
    ];
  } finally {
    await miniflare.dispose();
  }
}

/** Megabytes (10^6) a second. */
async function rateOf(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return size / 1000 / (performance.now() - startedAt);
}

async function ask(origin: string, path: string, query: Record<string, string>, init: RequestInit = {}) {
  const answer = await fetch(`${origin}${path}?${new URLSearchParams({ ...query, size: String(size) })}`, init);
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer;
}

async function upload(origin: string, kind: Kind, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const id = await (await ask(origin, "/begin", { kind }, { method: "POST" })).text();
  const done: unknown[] = [];
  for (let part = 1; part <= parts; part += 1) {
    const body = bytes.subarray((part - 1) * partBytes, part * partBytes);
    const query = { kind, upload: id, part: String(part) };
    done.push(await (await ask(origin, "/part", query, { method: "PUT", body })).json());
  }
  await ask(origin, "/complete", { kind, upload: id }, { method: "POST", body: JSON.stringify(done) });
}

async function download(origin: string, kind: Kind, bytes: Uint8Array): Promise<void> {
  const answer = await ask(origin, "/object", { kind });
  const read = Buffer.from(await answer.arrayBuffer());
  if (!read.equals(bytes)) throw new Error("what came back is not what was sent");
}
