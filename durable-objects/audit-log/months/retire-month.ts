import { hex, leafHash } from "../../../core/audit/leaf.ts";
import type { LogName } from "../../../core/audit/logs.ts";
import {
  type MonthEntry,
  type MonthManifest,
  type MonthPart,
  monthArchiveFormat,
  monthLines,
  parseMonthLines,
} from "../../../core/audit/month-archive.ts";
import { sha256 } from "../../sha256.ts";
import { type CopyBucket, getBytes, putOnce } from "../copy-bucket.ts";
import type { SignedLeaves } from "./signed-leaves.ts";

/** Nothing was detached, and why. */
export class MonthRefused extends Error {
  override readonly name = "MonthRefused";
}

export interface MonthOf {
  readonly placement: string;
  /** `2026-01`. */
  readonly month: string;
}

export interface MonthSources {
  readonly bucket: CopyBucket;
  /** Entries of the month behind this one, in an order of their own; none when there are no more. */
  readonly read: (after: Pick<MonthEntry, "log" | "seq"> | null) => Promise<readonly MonthEntry[]>;
  /** Null when the log has no checkpoint that is believed. */
  readonly signed: (log: LogName) => Promise<SignedLeaves | null>;
}

export interface SealedMonth {
  readonly entries: number;
  /** SHA-256 of the manifest, hex. */
  readonly seal: string;
}

/** Behind `log/`, so that rules of the bucket can tell it apart. */
export const monthFolder = ({ placement, month }: MonthOf): string => `retired/${placement}/${month}/`;

/**
 * Exports a month, seals it, and reads all of it again: every part is what the manifest says, and every leaf in it what
 * its log signed. What was written and is there again in another run has to be the same.
 * @throws MonthRefused, and what database, bucket and logs throw; then nothing may be detached
 */
export async function sealMonth(of: MonthOf, sources: MonthSources): Promise<SealedMonth> {
  const parts = await exportParts(of, sources);
  const logs = new Map<LogName, SignedLeaves>();
  for (const { log } of parts) {
    if (logs.has(log)) continue;
    const signed = await sources.signed(log);
    if (signed === null) throw new MonthRefused(`${log} shows no checkpoint that is signed`);
    logs.set(log, signed);
  }
  const entries = parts.reduce((sum, part) => sum + part.entries, 0);
  const checkpoints = Object.fromEntries([...logs].map(([log, { note }]) => [log, note]));
  const manifest: MonthManifest = { format: monthArchiveFormat, ...of, entries, parts, checkpoints };
  const bytes = encode(`${JSON.stringify(manifest)}\n`);
  const seal = digest(bytes);
  // By its own digest: logs sign new checkpoints, so a later run has another one.
  const name = `${monthFolder(of)}manifest/${seal}`;
  await putOnce(sources.bucket, name, bytes);
  await verify(of, name, seal, logs, sources.bucket);
  return { entries, seal };
}

async function exportParts(of: MonthOf, { bucket, read }: MonthSources): Promise<MonthPart[]> {
  const parts: MonthPart[] = [];
  let last: MonthEntry | null = null;
  for (;;) {
    const page: readonly MonthEntry[] = await read(last);
    if (page.length === 0) return parts;
    for (const entries of byLog(page)) {
      const [first] = entries as [MonthEntry, ...MonthEntry[]];
      const part = encode(monthLines(entries));
      const name = `${first.log}/${first.seq}`;
      await putOnce(bucket, monthFolder(of) + name, part);
      const { seq } = entries.at(-1) as MonthEntry;
      parts.push({ name, log: first.log, first: first.seq, last: seq, entries: entries.length, sha256: digest(part) });
    }
    last = page.at(-1) ?? null;
  }
}

/** From the bucket alone: nothing of what was read before is believed to have arrived. */
async function verify(
  of: MonthOf,
  name: string,
  seal: string,
  logs: ReadonlyMap<LogName, SignedLeaves>,
  bucket: CopyBucket,
): Promise<void> {
  const bytes = await getBytes(bucket, name);
  if (bytes === null || digest(bytes) !== seal) throw new MonthRefused("the manifest is not what was written");
  const { parts } = JSON.parse(new TextDecoder().decode(bytes)) as MonthManifest;
  const lastOf = new Map<LogName, number>();
  for (const part of parts) {
    const found = await getBytes(bucket, monthFolder(of) + part.name);
    if (found === null || digest(found) !== part.sha256) throw new MonthRefused(`${part.name} is not what was written`);
    const entries = parseMonthLines(part.log, new TextDecoder().decode(found));
    if (entries.length !== part.entries) throw new MonthRefused(`${part.name} has another number of entries`);
    for (const { seq, leafJson } of entries) {
      const hash = new Uint8Array(Buffer.from(leafHash(leafJson, sha256), "hex"));
      const isSigned = (await logs.get(part.log)?.has(seq, hash)) ?? false;
      if (!isSigned) throw new MonthRefused(`entry ${seq} of ${part.log} is not what was signed`);
      const before = lastOf.get(part.log);
      // A log has no gap, so a month of it has none.
      if (before !== undefined && seq !== before + 1) throw new MonthRefused(`${part.log} lacks entry ${before + 1}`);
      lastOf.set(part.log, seq);
    }
  }
}

function byLog(page: readonly MonthEntry[]): MonthEntry[][] {
  const groups = new Map<LogName, MonthEntry[]>();
  for (const entry of page) groups.set(entry.log, [...(groups.get(entry.log) ?? []), entry]);
  return [...groups.values()];
}

const encode = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));
const digest = (bytes: Uint8Array): string => hex(sha256(bytes));
