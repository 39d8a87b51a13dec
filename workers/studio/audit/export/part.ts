import { csvHead, csvLine, provedCsvHead, provedCsvLine } from "../../../../core/audit/csv.ts";
import type { AuditEntry } from "../../../../core/audit/events.ts";
import { logFileFormat } from "../../../../core/audit/log-file-format.ts";
import { shownEntry } from "../../../../core/audit/shown-entry.ts";
import { toBase64 } from "../../../../core/audit/signed-note.ts";
import { tileWidth } from "../../../../core/audit/tree.ts";
import { pageItemsMax } from "../../../../core/limits.ts";
import type { AuditFilter } from "../../../../core/rpc/durable-objects.ts";
import { fromPart } from "../../downstream.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";

/** Where an export goes on: what comes next, in the tree of `size` entries under the checkpoint that it began with. */
export type ExportPlace =
  | { readonly format: "jsonl"; readonly size: number; readonly next: "hashes" | "leaves"; readonly index: number }
  /** Entries below this one are next, newest first. */
  | { readonly format: TableFormat; readonly size: number; readonly before: number };

/** With a proof in each row, or without. */
type TableFormat = "csv" | "csv_proofs";

export interface ExportPart {
  readonly text: string;
  /** Entries of `size` that are written or were looked at. */
  readonly done: number;
  readonly size: number;
  readonly next: ExportPlace | null;
}

export type CsvFilter = Pick<AuditFilter, "type" | "actor" | "outcome" | "fromMs" | "toMs">;

/** Rows with a proof in one part, and so many asked for at once: each takes the log some milliseconds. */
const provedRowsMax = 50;
const proofsAtOnce = 5;
/** Tiles of hashes in one part: 64 of 11 KiB, the hashes of 16,384 entries. */
const tilesAPart = 64;

/** The first part; null before the log has a checkpoint. Its head names the checkpoint that all parts are under. */
export async function firstPart(context: MemberContext, format: ExportPlace["format"]): Promise<ExportPart | null> {
  const view = await fromPart("audit proofs", async () =>
    context.services.auditProofs.checkpoint(await context.asUser("durable-objects.audit-reader")),
  );
  if (view === null) return null;
  const { keys, note: checkpoint, size } = view;
  if (format !== "jsonl") {
    const text = format === "csv" ? csvHead : provedCsvHead({ checkpoint, keys });
    return { text, done: 0, size, next: { format, size, before: size + 1 } };
  }
  const cosigned = view.cosigned.map(({ note }) => note);
  const text = jsonLine({ format: logFileFormat, keys, checkpoint, cosigned });
  return { text, done: 0, size, next: { format, size, next: "hashes", index: 0 } };
}

/** What stands at a place. @throws Unavailable */
export async function partAt(context: MemberContext, place: ExportPlace, filter: CsvFilter): Promise<ExportPart> {
  if (place.format !== "jsonl") return await tablePart(context, place, filter);
  return place.next === "hashes" ? await hashesPart(context, place) : await leavesPart(context, place);
}

type JsonlPlace = Extract<ExportPlace, { format: "jsonl" }>;

async function hashesPart(context: MemberContext, place: JsonlPlace): Promise<ExportPart> {
  const { size, index } = place;
  const tiles = Math.ceil(size / tileWidth);
  const end = Math.min(tiles, index + tilesAPart);
  const lines: string[] = [];
  for (let tile = index; tile < end; tile += 1)
    lines.push(jsonLine({ tile, hashes: toBase64(await tileOf(context, 0, tile, size)) }));
  const next = end < tiles ? { ...place, index: end } : { ...place, next: "leaves" as const, index: 0 };
  return { text: lines.join(""), done: 0, size, next };
}

/** A bundle of leaves, each with the entry as readers see it: what was signed, and what it means. */
async function leavesPart(context: MemberContext, place: JsonlPlace): Promise<ExportPart> {
  const { size, index } = place;
  const first = index * tileWidth + 1;
  const last = Math.min(size, first + tileWidth - 1);
  const [bundle, entries] = await Promise.all([
    tileOf(context, "entries", index, size),
    entriesBetween(context, first, last),
  ]);
  const lines = leavesOf(bundle).map((leaf, offset) => {
    const entry = entries.get(first + offset);
    return jsonLine({ seq: first + offset, leaf, entry: entry === undefined ? null : shownEntry(entry) });
  });
  if (lines.length !== last - first + 1) throw new Error("a bundle does not hold the entries that it is of");
  return { text: lines.join(""), done: last, size, next: last < size ? { ...place, index: index + 1 } : null };
}

async function tablePart(
  context: MemberContext,
  place: Exclude<ExportPlace, { format: "jsonl" }>,
  filter: CsvFilter,
): Promise<ExportPart> {
  const { format, size, before } = place;
  const limit = format === "csv" ? pageItemsMax : provedRowsMax;
  const { items, nextBeforeSeq } = await list(context, { ...filter, beforeSeq: before, limit });
  const lines = format === "csv" ? items.map(csvLine) : await provedLines(context, items, size);
  const done = nextBeforeSeq === null ? size : size + 1 - nextBeforeSeq;
  const next = nextBeforeSeq === null ? null : { ...place, before: nextBeforeSeq };
  return { text: lines.join(""), done, size, next };
}

/** @param size of the tree that the export's checkpoint signed */
async function provedLines(context: MemberContext, entries: readonly AuditEntry[], size: number): Promise<string[]> {
  const { services, asUser } = context;
  const proved = async (entry: AuditEntry): Promise<string> => {
    const view = await fromPart("audit proofs", async () =>
      services.auditProofs.inclusion(await asUser("durable-objects.audit-reader"), entry.seq, size),
    );
    if (view === null) throw new Error("the log no longer covers what it had signed");
    return provedCsvLine(entry, view.leafJson, view.proof.map(toBase64));
  };
  const lines: string[] = [];
  for (let at = 0; at < entries.length; at += proofsAtOnce)
    lines.push(...(await Promise.all(entries.slice(at, at + proofsAtOnce).map(proved))));
  return lines;
}

async function tileOf(
  { services, asUser }: MemberContext,
  level: number | "entries",
  index: number,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const width = Math.min(tileWidth, size - index * tileWidth);
  const tile = await fromPart("audit proofs", async () =>
    services.auditProofs.tile(await asUser("durable-objects.audit-reader"), { level, index, width }),
  );
  if (tile === null) throw new Error("the log no longer covers what it had signed");
  return tile;
}

async function entriesBetween(context: MemberContext, first: number, last: number): Promise<Map<number, AuditEntry>> {
  const found = new Map<number, AuditEntry>();
  const anything = { type: null, actor: null, fromMs: null, toMs: null };
  for (let before = last + 1; before > first; before -= pageItemsMax) {
    const limit = Math.min(pageItemsMax, before - first);
    for (const entry of (await list(context, { ...anything, beforeSeq: before, limit })).items)
      found.set(entry.seq, entry);
  }
  return found;
}

async function list({ services, asUser }: MemberContext, filter: AuditFilter) {
  return await fromPart("audit reader", async () =>
    services.auditReader.list(await asUser("durable-objects.audit-reader"), filter),
  );
}

/** The leaves of a bundle (C2SP tlog-tiles): each behind its length in two bytes, big endian. @throws Error */
function leavesOf(bundle: Uint8Array): string[] {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const leaves: string[] = [];
  for (let at = 0; at < bundle.length; ) {
    const end = at + 2 + (bundle[at] ?? 0) * 256 + (bundle[at + 1] ?? 0);
    if (end > bundle.length) throw new Error("a bundle ends in the middle of an entry");
    leaves.push(text.decode(bundle.subarray(at + 2, end)));
    at = end;
  }
  return leaves;
}

const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
