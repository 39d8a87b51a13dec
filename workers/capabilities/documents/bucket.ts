/** Sealed versions as objects of R2: whole or not there. */
import { type ByteRange, sealedLength, sealedPartLength } from "../../../core/documents/layout.ts";
import type { DocumentId, OrgId, UploadId } from "../../../core/ids.ts";

/** What is used of the binding. */
export type DocumentBucket = Pick<
  R2Bucket,
  "createMultipartUpload" | "resumeMultipartUpload" | "get" | "head" | "list" | "delete"
>;

/** Makes a stream of so many bytes, no more and no fewer; it fails as its pieces do. */
export type ToStream = (length: number, pieces: AsyncIterable<Uint8Array>) => ReadableStream<Uint8Array>;

/** An organisation's own folder, so that what is its own can be deleted without a list of it. */
const folderOf = (org: OrgId): string => `${org}/`;
/** Each version has a place of its own, which nothing else ever takes. */
export const objectName = (org: OrgId, document: DocumentId, version: UploadId): string =>
  `${folderOf(org)}${document}/${version}`;

/** R2 takes so many names in one call. */
const deletedAtOnce = 1_000;

/** Begins an upload. @returns R2's name of it */
export async function beginObject(bucket: DocumentBucket, name: string): Promise<string> {
  return (await bucket.createMultipartUpload(name)).uploadId;
}

/**
 * Puts a part, which replaces one of its number. Cut off, it is not there.
 * @param size plain bytes of the version
 * @returns its tag
 */
export async function putObjectPart(
  { bucket, toStream }: { readonly bucket: DocumentBucket; readonly toStream: ToStream },
  at: { readonly name: string; readonly upload: string; readonly part: number; readonly size: number },
  sealed: AsyncIterable<Uint8Array>,
): Promise<string> {
  const body = toStream(sealedPartLength(at.size, at.part), sealed);
  const put = await bucket.resumeMultipartUpload(at.name, at.upload).uploadPart(at.part, body);
  return put.etag;
}

/** R2's word for a part that it has with another tag, or not at all (developers.cloudflare.com/r2/api/error-codes). */
const otherPart = /\(10025\)/;

/**
 * Makes the parts an object. Doing it again finds that it is done.
 * @param size plain bytes of the version
 * @returns `other_parts` when R2 has others than these, `failed` when there is no such upload or it said anything else
 */
export async function completeObject(
  bucket: DocumentBucket,
  { name, upload, size }: { readonly name: string; readonly upload: string; readonly size: number },
  parts: readonly { readonly part: number; readonly etag: string }[],
): Promise<"complete" | "other_parts" | "failed"> {
  const given = parts.map(({ part, etag }) => ({ partNumber: part, etag }));
  try {
    await bucket.resumeMultipartUpload(name, upload).complete(given);
  } catch (error) {
    // Done by a request that died right after: what lies there says so, and is opened before it counts.
    if ((await bucket.head(name))?.size === sealedLength(size)) return "complete";
    return otherPart.test(String(error)) ? "other_parts" : "failed";
  }
  return "complete";
}

/** Gives up an upload; what it held is gone. One that is over already stays so. */
export async function abortObject(bucket: DocumentBucket, name: string, upload: string): Promise<void> {
  await bucket
    .resumeMultipartUpload(name, upload)
    .abort()
    .catch(() => undefined);
  // It may have been completed right before; an object without a row would be out of everybody's reach.
  await bucket.delete(name);
}

/** There is no such object: no time brings it back. */
export class ObjectMissing extends Error {
  override readonly name = "ObjectMissing";
}

/** Bytes of an object in pieces. @throws ObjectMissing */
export async function* readObject(
  bucket: Pick<DocumentBucket, "get">,
  name: string,
  range: ByteRange,
): AsyncGenerator<Uint8Array> {
  const object = await bucket.get(name, { range });
  if (object === null) throw new ObjectMissing("a version's object is not there");
  const reader = object.body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Deletes every object of an organisation. Uploads that were never completed R2 forgets by itself, within a week. */
export async function deleteObjects(bucket: DocumentBucket, org: OrgId): Promise<void> {
  const prefix = folderOf(org);
  for (;;) {
    const found = await bucket.list({ prefix, limit: deletedAtOnce });
    const names = found.objects.map(({ key }) => key);
    if (names.length === 0) return;
    await bucket.delete(names);
  }
}
