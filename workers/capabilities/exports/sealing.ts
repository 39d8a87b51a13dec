/**
 * What stands between rows and objects: an export has a key of its own, which the organisation's data key wraps, and
 * each of its pieces is sealed as a version of a document is (core/documents/sealed-part.ts), bound to the export, to
 * the piece's own random name, to its length and to its place among the others. The job's row says which pieces there
 * are; one that says it in another order, twice, or without some of them opens nothing.
 */

import { SealBroken } from "../../../core/crypto/data-key.ts";
import { countParts, partBytes, saltBytes } from "../../../core/documents/layout.ts";
import { openRange, type SealedVersion, sealPart } from "../../../core/documents/sealed-part.ts";
import type { ResultBytes } from "../../../core/exports/destination.ts";
import type { ExportId } from "../../../core/ids.ts";
import type { ExportOrder, ExportPart } from "../../../core/rpc/exports.ts";
import type { CallContext } from "./admission.ts";
import { boundPurpose, marked, unmarked } from "./binding.ts";
import { newObject, objectName } from "./bucket.ts";

/** Of keys from before what they are for was bound. */
const unboundPurpose = (id: ExportId): string => `export:${id}`;

/** A key for a new export. @returns it wrapped, for the row @throws KeyUnavailable */
export async function newExportKey(context: CallContext, of: Omit<ExportOrder, "wrappedKey">): Promise<string> {
  const key = context.randomBytes(32);
  try {
    return marked(await context.dataKeys.wrapper.wrap(context.scope.org, key, boundPurpose(of)));
  } finally {
    key.fill(0);
  }
}

/** An export whose key is open, for as long as the call takes. */
export interface OpenExport {
  readonly id: ExportId;
  readonly key: Uint8Array;
  /** False of one from before: its cursors are as they were. */
  readonly isBound: boolean;
}

/** @throws KeyUnavailable; OrderChanged when its row says something else than it did when the key was made */
export async function openExport({ dataKeys, scope }: CallContext, order: ExportOrder): Promise<OpenExport> {
  const { export: id, wrappedKey } = order;
  const bound = unmarked(wrappedKey);
  const purpose = bound === null ? unboundPurpose(id) : boundPurpose(order);
  try {
    const key = await dataKeys.wrapper.unwrap(scope.org, bound ?? wrappedKey, purpose);
    return { id, key, isBound: bound !== null };
  } catch (error) {
    if (error instanceof SealBroken) throw new OrderChanged();
    throw error;
  }
}

/** An order is not the one that its key was made for. */
export class OrderChanged extends Error {
  override readonly name = "OrderChanged";
}

/** What pieces make up: the rows as steps wrote them, a sheet made of these, or what an archive's end will say. */
export type PieceSeries = "rows" | "sheet" | "index";

/** Where a piece stands. It is bound into what seals it. */
export interface PiecePlace {
  readonly series: PieceSeries;
  /** From 1. */
  readonly number: number;
  /** The object of the piece before: of two tries at one step, only the one that was gone on from fits. Null: first. */
  readonly before: string | null;
  /** The result ends with it. */
  readonly isLast: boolean;
}

const pieceOf = (
  context: CallContext,
  { id, key }: OpenExport,
  { object, bytes }: ExportPart,
  { series, number, before, isLast }: PiecePlace,
): SealedVersion<ExportId> => ({
  key,
  org: context.scope.org,
  document: id,
  version: JSON.stringify([object, series, number, before, isLast]),
  size: bytes,
});

/** Seals a piece into an object of its own. COMMIT POINT is the row that names it: until then it is nobody's. */
export async function putPiece(
  context: CallContext,
  opened: OpenExport,
  place: PiecePlace,
  plain: Uint8Array<ArrayBuffer>,
): Promise<ExportPart> {
  const part: ExportPart = { object: newObject(context.randomBytes(16)), bytes: plain.length };
  const version = pieceOf(context, opened, part, place);
  const sealed: Uint8Array<ArrayBuffer>[] = [];
  for (let number = 1; number <= countParts(plain.length); number += 1) {
    const slice = plain.subarray((number - 1) * partBytes, number * partBytes);
    for await (const chunk of sealPart(version, number, context.randomBytes(saltBytes), once(slice)))
      sealed.push(chunk);
  }
  await context.bucket.put(objectName(context.scope.org, opened.id, part.object), new Blob(sealed));
  return part;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Pieces as one result, which its readers see fail where a piece is not the one that was sealed for its place. */
export function resultBytes(
  context: CallContext,
  opened: OpenExport,
  series: PieceSeries,
  parts: readonly ExportPart[],
): ResultBytes {
  return { read: () => readParts(context, opened, series, parts) };
}

/** @throws SealBroken */
async function* readParts(
  context: CallContext,
  opened: OpenExport,
  series: PieceSeries,
  parts: readonly ExportPart[],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  // Even a result of nothing has a piece, which is empty: what has none was emptied.
  if (parts.length === 0) throw new SealBroken("an export has no pieces");
  for (const [at, part] of parts.entries()) {
    const before = parts[at - 1]?.object ?? null;
    yield* readPiece(context, opened, part, { series, number: at + 1, before, isLast: at === parts.length - 1 });
  }
}

/** An empty one is opened as well: that it is there, and empty, is part of the result. @throws SealBroken, or Error when it is not there */
export async function* readPiece(
  context: CallContext,
  opened: OpenExport,
  part: ExportPart,
  place: PiecePlace,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const object = await context.bucket.get(objectName(context.scope.org, opened.id, part.object));
  if (object === null) throw new Error("a piece of an export is not there");
  const whole = { offset: 0, length: part.bytes };
  yield* openRange(pieceOf(context, opened, part, place), whole, { salt: null, body: piecesOf(object.body) });
}

/** A stream's bytes as they come. */
export async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
