import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { sheetRowsMax } from "../../../core/exports/job.ts";
import { bundleWorker } from "../../../scripts/bundle.ts";
import { childProcesses } from "../../../scripts/stack/processes.ts";
import type { Row } from "../report.ts";

/** A sixteenth of a sheet, and all of one: what does not grow with rows is the same in both. */
const sizes = [Math.floor(sheetRowsMax / 16), sheetRowsMax] as const;

/** V8 gets no more for what lives: half of what an isolate has when deployed. What asks for more ends its workerd. */
const heapMiB = 64;

/** Memory of the largest sheet there is, by the code of capabilities alone in a workerd, once each. */
export async function benchSheet(): Promise<Row[]> {
  // Miniflare hands them to each workerd that it starts.
  process.env["MINIFLARE_WORKERD_V8_FLAGS"] = `--max-old-space-size=${heapMiB}`;
  const contents = await bundleWorker(fileURLToPath(new URL("sheet-worker.ts", import.meta.url)));
  const rows: Row[] = [];
  try {
    for (const size of sizes) rows.push(await measured(contents, size));
  } finally {
    delete process.env["MINIFLARE_WORKERD_V8_FLAGS"];
  }
  return rows;
}

async function measured(contents: string, size: number): Promise<Row> {
  const mine = new Set(childProcesses(process.pid));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      name: "sheet",
      modules: [{ type: "ESModule", path: "index.mjs", contents }],
      compatibilityDate: "2026-10-20",
      compatibilityFlags: ["nodejs_compat"],
      r2Buckets: ["EXPORTS"],
      logRequests: false,
    }),
  );
  try {
    const { origin } = await miniflare.ready;
    const workerd = childProcesses(process.pid).find((pid) => !mine.has(pid)) ?? 0;
    await (await fetch(`${origin}/?rows=10`)).json();
    const before = residentBytes(workerd);
    let peak = before;
    const timer = setInterval(() => {
      peak = Math.max(peak, residentBytes(workerd));
    }, 100);
    const startedAt = performance.now();
    const made = (await (await fetch(`${origin}/?rows=${size}`)).json()) as { ok: boolean };
    const seconds = (performance.now() - startedAt) / 1_000;
    clearInterval(timer);
    if (!made.ok) throw new Error("no sheet was made");
    return {
      what: `a sheet of ${size} rows made of its steps, and these written, alone in a workerd: memory at its highest`,
      value: `${mib(peak)}, ${mib(peak - before)} more than idle`,
      beside: `${Math.round(size / seconds)} rows/s`,
    };
  } finally {
    await miniflare.dispose();
  }
}

const mib = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`;

/** Of Linux alone; elsewhere nothing is measured. */
function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
