/**
 * Documents as one zip file, a step a few of them: each as whoever asked may read it at that moment, on record before
 * its first byte is read. What the directory at the file's end has to say lies meanwhile in pieces of its own, each
 * naming the one before, and the cursor names the last: a process that dies repeats a step, and no more.
 */
import { createHash } from "node:crypto";
import { SealBroken } from "../../../core/crypto/data-key.ts";
import { zipBytesMax } from "../../../core/exports/job.ts";
import { csvLines } from "../../../core/exports/lines.ts";
import { crc32 } from "../../../core/exports/zip/crc32.ts";
import { archiveName } from "../../../core/exports/zip/names.ts";
import { dataDescriptor, directoryEntry, endOfArchive, localHeader } from "../../../core/exports/zip/records.ts";
import { type DocumentId, parseId } from "../../../core/ids.ts";
import type { ExportPart, ExportsResult, StepDone, StepOrder } from "../../../core/rpc/exports.ts";
import { findVersion, type StoredVersion } from "../../../store/tenant/documents.ts";
import { documentRows } from "../../../store/tenant/exports.ts";
import type { TenantDatabase } from "../../../store/tenant/tenant-database.ts";
import { ObjectMissing } from "../documents/bucket.ts";
import { readPlain, sealedVersion } from "../documents/sealing.ts";
import type { CallContext } from "./admission.ts";
import { PieceWriter } from "./piece-writer.ts";
import { ok, refused } from "./result.ts";
import { type OpenExport, putPiece, readPiece } from "./sealing.ts";

/** Of the archive, what is held at a time. */
const pieceBytes = 4 * 1024 * 1024;
/** A step takes no other document up behind so many bytes, or so many documents: what a death costs. */
const stepBytes = 32 * 1024 * 1024;
const stepDocuments = 50;
const listName = "documents.csv";

/** Of each document, what the directory and the list say. */
interface Entry {
  readonly id: string;
  readonly name: string;
  /** In the archive; null: it is not in it. */
  readonly file: string | null;
  readonly version: number | null;
  readonly sizeBytes: number | null;
  readonly type: string | null;
  readonly sha256: string | null;
  readonly crc32: number;
  readonly offset: number;
  readonly state: "included" | "no_longer_there" | "broken";
}

/** Where a step begins. */
interface Place {
  readonly after: DocumentId | null;
  /** Bytes of the archive so far. */
  readonly offset: number;
  /** What was said of documents last, and how many pieces of that there are. */
  readonly index: ExportPart | null;
  readonly indexes: number;
}
const beginning: Place = { after: null, offset: 0, index: null, indexes: 0 };

/** Nobody wants it any more, or somebody else makes it. */
class Stopped extends Error {
  override readonly name = "Stopped";
}
/** Documents grew since it was asked for. */
class TooLarge extends Error {
  override readonly name = "TooLarge";
}

/** @param cursor the step's, opened */
export async function archiveStep(
  context: CallContext,
  opened: OpenExport,
  order: StepOrder,
  cursor: string | null,
): Promise<ExportsResult<StepDone>> {
  const place = cursor === null ? beginning : (JSON.parse(cursor) as Place);
  const database = context.databaseAs(order.reader);
  const archive = new Archive(context, opened, order, place.offset);
  try {
    const page = { after: place.after, asOfMs: order.asOfMs, limit: stepDocuments };
    const found = await documentRows(database, order.spec.documents, page);
    if (found.length === 0) {
      await archive.end(await entriesOf(context, opened, place));
      return ok({ parts: await archive.writer.flush(true), rows: 0, cursor: null });
    }
    const entries: Entry[] = [];
    for (const { id, name } of found) {
      entries.push(await archive.add(database, id, name));
      if (archive.offset - place.offset >= stepBytes) break;
    }
    const index = await putIndex(context, opened, place, entries);
    const after = parseId("document", entries.at(-1)?.id);
    const next: Place = { after, offset: archive.offset, index, indexes: place.indexes + 1 };
    return ok({ parts: await archive.writer.flush(false), rows: entries.length, cursor: JSON.stringify(next) });
  } catch (error) {
    if (error instanceof Stopped) return refused("not_found");
    if (error instanceof TooLarge) return refused("too_large");
    throw error;
  }
}

/** The archive from one place on. */
class Archive {
  readonly writer: PieceWriter;
  readonly #context: CallContext;
  readonly #order: StepOrder;
  /** Written by `#push` alone. */
  offset: number;

  constructor(context: CallContext, opened: OpenExport, order: StepOrder, offset: number) {
    this.writer = new PieceWriter(
      context,
      opened,
      { series: "rows", pieceBytes },
      { number: order.part, before: order.before },
    );
    [this.#context, this.#order, this.offset] = [context, order, offset];
  }

  async #push(bytes: Uint8Array): Promise<void> {
    await this.writer.push(bytes);
    this.offset += bytes.length;
  }

  /** One document. One that breaks off leaves bytes that no directory names. @throws Stopped, TooLarge */
  async add(database: TenantDatabase, id: DocumentId, name: string): Promise<Entry> {
    const nothing = { id, name, file: null, version: null, sizeBytes: null, type: null, sha256: null };
    // It was listed a moment ago; whether it may be read is asked of the policies now.
    const found = await findVersion(database, id, null);
    if (found === null) return { ...nothing, crc32: 0, offset: 0, state: "no_longer_there" };
    if (this.offset + found.version.sizeBytes > zipBytesMax) throw new TooLarge();
    if (!(await this.#order.noteReading(id))) throw new Stopped();
    const [file, offset] = [archiveName(found.name, id), this.offset];
    const { number: version, sizeBytes, mediaType: type } = found.version;
    const about = { id, name: found.name, version, sizeBytes, type, offset };
    await this.#push(localHeader(file));
    try {
      const sums = await this.#copy(found);
      await this.#push(dataDescriptor(sums.crc32, sizeBytes));
      return { ...about, ...sums, file, state: "included" };
    } catch (error) {
      if (!(error instanceof SealBroken || error instanceof ObjectMissing)) throw error;
      return { ...about, file: null, sha256: null, crc32: 0, state: "broken" };
    }
  }

  async #copy(found: StoredVersion): Promise<{ readonly crc32: number; readonly sha256: string }> {
    const hash = createHash("sha256");
    let crc = 0;
    const { documentBucket: bucket } = this.#context;
    const { sizeBytes } = found.version;
    const version = await sealedVersion(this.#context, found, sizeBytes);
    try {
      for await (const piece of readPlain({ bucket }, version, found.id, { offset: 0, length: sizeBytes })) {
        const pieces = this.writer.parts.length;
        hash.update(piece);
        crc = crc32(crc, piece);
        await this.#push(piece);
        // A document may take longer than a claim.
        if (this.writer.parts.length > pieces && !(await this.#order.isWanted(this.offset))) throw new Stopped();
      }
    } finally {
      version.key.fill(0);
    }
    return { crc32: crc, sha256: hash.digest("hex") };
  }

  /** The list of documents as the last entry, and the directory. */
  async end(entries: readonly Entry[]): Promise<void> {
    const head = ["document_id", "name", "file", "version", "size_bytes", "type", "sha256", "state"];
    const rows = entries.map(({ id, name, file, version, sizeBytes, type, sha256, state }) => [
      ...[id, name, file, version, sizeBytes, type, sha256, state],
    ]);
    const list = csvLines(head, rows);
    const listed = { name: listName, crc32: crc32(0, list), sizeBytes: list.length, offset: this.offset };
    await this.#push(localHeader(listName));
    await this.#push(list);
    await this.#push(dataDescriptor(listed.crc32, list.length));
    const directory = this.offset;
    let count = 1;
    for (const { file, crc32: sum, sizeBytes, offset } of entries) {
      if (file === null || sizeBytes === null) continue;
      await this.#push(directoryEntry({ name: file, crc32: sum, sizeBytes, offset }));
      count += 1;
    }
    await this.#push(directoryEntry(listed));
    await this.#push(endOfArchive(count, directory, this.offset - directory));
  }
}

async function putIndex(
  context: CallContext,
  opened: OpenExport,
  { index, indexes }: Place,
  entries: readonly Entry[],
): Promise<ExportPart> {
  const bytes = new Uint8Array(new TextEncoder().encode(JSON.stringify({ before: index, entries })));
  const place = { series: "index", number: indexes + 1, before: null, isLast: false } as const;
  return putPiece(context, opened, place, bytes);
}

/** What every step said, in their order. @throws SealBroken */
async function entriesOf(context: CallContext, opened: OpenExport, { index, indexes }: Place): Promise<Entry[]> {
  const steps: (readonly Entry[])[] = [];
  let [part, number] = [index, indexes];
  while (part !== null) {
    const text = await textOf(context, opened, part, number);
    const said = JSON.parse(text) as { readonly before: ExportPart | null; readonly entries: readonly Entry[] };
    steps.push(said.entries);
    [part, number] = [said.before, number - 1];
  }
  return steps.toReversed().flat();
}

/** Which piece stands before it is said within it, so it is opened without that. */
async function textOf(context: CallContext, opened: OpenExport, part: ExportPart, number: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of readPiece(context, opened, part, { series: "index", number, before: null, isLast: false }))
    text += decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}
