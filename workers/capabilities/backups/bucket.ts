/** Backups as objects of R2: whole or not there. */
import { createHash } from "node:crypto";
import type { RunningHash } from "../../../core/backup/frames.ts";
import { ByteQueue } from "../../../core/byte-queue.ts";
import { type BackupId, type OrgId, parseId } from "../../../core/ids.ts";

/** What is used of the binding. */
export type BackupBucket = Pick<R2Bucket, "createMultipartUpload" | "put" | "get" | "head" | "list" | "delete">;

/**
 * R2 takes parts of at least 5 MiB, all of one size but the last, and 10,000 of them: 80 GiB. One is held at a time,
 * and written while nothing else is read.
 */
export const partBytes = 8 * 1024 * 1024;

const ending = ".sentinel-backup";
/** An organisation's own folder, so that what is its own can be listed and deleted without a list of it. */
const folderOf = (org: OrgId): string => `${org}/`;
export const objectName = (org: OrgId, backup: BackupId): string => `${folderOf(org)}${backup}${ending}`;

export interface WrittenObject {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

export function newSha256(): RunningHash {
  const hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => hash.digest("hex"),
  };
}

/** Writes an object; when its source throws, nothing stays. */
export async function putWhole(
  bucket: BackupBucket,
  name: string,
  source: AsyncIterable<Uint8Array>,
): Promise<WrittenObject> {
  const queue = new ByteQueue();
  const hash = newSha256();
  const parts: R2UploadedPart[] = [];
  let upload: R2MultipartUpload | null = null;
  let bytes = 0;
  try {
    for await (const piece of source) {
      hash.update(piece);
      bytes += piece.length;
      queue.push(piece);
      // Only with more behind it is it known not to be the last, which may be short and may not be empty.
      while (queue.length > partBytes) {
        upload ??= await bucket.createMultipartUpload(name);
        parts.push(await upload.uploadPart(parts.length + 1, queue.take(partBytes)));
      }
    }
    const rest = queue.take(queue.length);
    if (upload === null) await bucket.put(name, rest);
    else {
      parts.push(await upload.uploadPart(parts.length + 1, rest));
      // COMMIT POINT: before it there is no object of this name.
      await upload.complete(parts);
    }
    return { bytes, sha256: hash.digest() };
  } catch (error) {
    await upload?.abort().catch(() => undefined);
    throw error;
  }
}

/** An object's id, size and age. */
interface KeptObject {
  readonly name: string;
  /** Null: something that nobody here has written. */
  readonly backup: BackupId | null;
  readonly uploadedAtMs: number;
}

/** Every object of an organisation. */
async function* objectsOf(bucket: BackupBucket, org: OrgId): AsyncGenerator<KeptObject> {
  const prefix = folderOf(org);
  let cursor: string | undefined;
  do {
    const found = await bucket.list(cursor === undefined ? { prefix } : { prefix, cursor });
    for (const { key, uploaded } of found.objects) {
      const backup = key.endsWith(ending) ? parseId("backup", key.slice(prefix.length, -ending.length)) : null;
      yield { name: key, backup, uploadedAtMs: uploaded.getTime() };
    }
    cursor = found.truncated ? found.cursor : undefined;
  } while (cursor !== undefined);
}

/**
 * Deletes the organisation's objects.
 * @param keep null: none
 * @param olderThanMs Unix milliseconds: what is younger stays, whoever it is
 * @returns how many were deleted
 */
export async function deleteObjects(
  bucket: BackupBucket,
  org: OrgId,
  keep: ReadonlySet<BackupId> | null,
  olderThanMs: number,
): Promise<number> {
  const names: string[] = [];
  for await (const { name, backup, uploadedAtMs } of objectsOf(bucket, org)) {
    const isKept = backup !== null && keep?.has(backup) === true;
    if (!isKept && uploadedAtMs < olderThanMs) names.push(name);
  }
  for (let start = 0; start < names.length; start += deletedAtOnce)
    await bucket.delete(names.slice(start, start + deletedAtOnce));
  return names.length;
}

/** R2 takes so many names in one call. */
const deletedAtOnce = 1_000;
