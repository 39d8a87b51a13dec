/** What stands between a version and its object: the document's key, and the way through it. */
import { type ByteRange, sealedRange } from "../../../core/documents/layout.ts";
import { openRange, type SealedVersion } from "../../../core/documents/sealed-part.ts";
import type { DocumentId, UploadId } from "../../../core/ids.ts";
import type { CallContext } from "./admission.ts";
import { objectName, readObject } from "./bucket.ts";

/** Of each document: what its key is wrapped for, and opens for nothing else. */
const keyPurpose = (document: DocumentId): string => `document:${document}`;

/** A key for a new document. @returns it wrapped, for the row @throws KeyUnavailable */
export async function newDocumentKey(context: CallContext, document: DocumentId): Promise<string> {
  const key = context.randomBytes(32);
  try {
    return await context.dataKeys.wrapper.wrap(context.scope.org, key, keyPurpose(document));
  } finally {
    key.fill(0);
  }
}

/** A version with what opens it. @param size plain bytes @throws KeyUnavailable */
export async function sealedVersion(
  { dataKeys, scope: { org } }: Pick<CallContext, "dataKeys" | "scope">,
  of: { readonly document: DocumentId; readonly id: UploadId; readonly wrappedKey: string },
  size: number,
): Promise<SealedVersion> {
  const key = await dataKeys.wrapper.unwrap(org, of.wrappedKey, keyPurpose(of.document));
  return { key, org, document: of.document, version: of.id, size };
}

/** Opens a range of what lies in the bucket. @throws SealBroken while it is read */
export async function* readPlain(
  { bucket }: { readonly bucket: Pick<CallContext["bucket"], "get"> },
  version: SealedVersion,
  id: UploadId,
  range: ByteRange,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const name = objectName(version.org, version.document, id);
  const place = sealedRange(version.size, range);
  const salt = place.salt === null ? null : await wholeOf(readObject(bucket, name, place.salt), place.salt.length);
  yield* openRange(version, range, { salt, body: readObject(bucket, name, place.body) });
}

async function wholeOf(pieces: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  const whole = new Uint8Array(length);
  let at = 0;
  for await (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole.subarray(0, at);
}
