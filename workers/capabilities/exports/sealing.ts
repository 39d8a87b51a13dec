/**
 * What stands between rows and objects: an export has a key of its own, which the organisation's data key wraps, and
 * each of its pieces is sealed as a version of a document is (core/documents/sealed-part.ts), bound to the export, to
 * the piece's own random name and to its length. Which pieces there are, and in which order, the job's row says.
 */
import { type ByteRange, countParts, partBytes, saltBytes, sealedRange } from "../../../core/documents/layout.ts";
import { openRange, type SealedVersion, sealPart } from "../../../core/documents/sealed-part.ts";
import type { ResultBytes } from "../../../core/exports/destination.ts";
import type { ExportId } from "../../../core/ids.ts";
import type { ExportPart } from "../../../core/rpc/exports.ts";
import type { CallContext } from "./admission.ts";
import { newObject, objectName } from "./bucket.ts";

const keyPurpose = (id: ExportId): string => `export:${id}`;

/** A key for a new export. @returns it wrapped, for the row @throws KeyUnavailable */
export async function newExportKey(context: CallContext, id: ExportId): Promise<string> {
  const key = context.randomBytes(32);
  try {
    return await context.dataKeys.wrapper.wrap(context.scope.org, key, keyPurpose(id));
  } finally {
    key.fill(0);
  }
}

/** An export whose key is open, for as long as the call takes. */
export interface OpenExport {
  readonly id: ExportId;
  readonly key: Uint8Array;
}

/** @throws KeyUnavailable */
export async function openExport(
  { dataKeys, scope }: CallContext,
  { export: id, wrappedKey }: { readonly export: ExportId; readonly wrappedKey: string },
): Promise<OpenExport> {
  return { id, key: await dataKeys.wrapper.unwrap(scope.org, wrappedKey, keyPurpose(id)) };
}

const pieceOf = (
  context: CallContext,
  { id, key }: OpenExport,
  { object, bytes }: ExportPart,
): SealedVersion<ExportId> => ({
  key,
  org: context.scope.org,
  document: id,
  version: object,
  size: bytes,
});

/** Seals a piece into an object of its own. COMMIT POINT is the row that names it: until then it is nobody's. */
export async function putPiece(
  context: CallContext,
  opened: OpenExport,
  plain: Uint8Array<ArrayBuffer>,
): Promise<ExportPart> {
  const part: ExportPart = { object: newObject(context.randomBytes(16)), bytes: plain.length };
  const version = pieceOf(context, opened, part);
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

/** Pieces as one result. */
export function resultBytes(context: CallContext, opened: OpenExport, parts: readonly ExportPart[]): ResultBytes {
  return { read: (range) => readParts(context, opened, parts, range) };
}

async function* readParts(
  context: CallContext,
  opened: OpenExport,
  parts: readonly ExportPart[],
  range: ByteRange | null,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const size = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const { offset, length } = range ?? { offset: 0, length: size };
  const isWhole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!isWhole || offset + length > size) throw new RangeError("the range is not one of the result");
  let start = 0;
  for (const part of parts) {
    const first = Math.max(0, offset - start);
    const end = Math.min(part.bytes, offset + length - start);
    if (first < end) yield* readPiece(context, opened, part, { offset: first, length: end - first });
    start += part.bytes;
  }
}

/** @throws SealBroken, or Error when it is not there */
async function* readPiece(
  context: CallContext,
  opened: OpenExport,
  part: ExportPart,
  range: ByteRange,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const name = objectName(context.scope.org, opened.id, part.object);
  const place = sealedRange(part.bytes, range);
  const bytesOf = async (at: ByteRange): Promise<R2ObjectBody> => {
    const object = await context.bucket.get(name, { range: at });
    if (object === null) throw new Error("a piece of an export is not there");
    return object as R2ObjectBody;
  };
  const salt = place.salt === null ? null : new Uint8Array(await (await bytesOf(place.salt)).arrayBuffer());
  yield* openRange(pieceOf(context, opened, part), range, { salt, body: piecesOf((await bytesOf(place.body)).body) });
}

async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
