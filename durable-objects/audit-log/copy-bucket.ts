/** The bucket of the log's second copy: what is in it was put there once, and nothing here overwrites or deletes. */
import { formatTilePath, type TilePath } from "../../core/audit/tile-path.ts";

/** What is used of the binding. */
export type CopyBucket = Pick<R2Bucket, "get" | "put">;

type Bytes = Uint8Array<ArrayBuffer>;

/** Something else stands under the name already. It stays, and so does what was to be copied. */
export class CopyDiffers extends Error {
  override readonly name = "CopyDiffers";
}

/**
 * The folder of a log: within it names are those of C2SP tlog-tiles. A folder of all logs before it, because rules
 * that lock a bucket go by how a name begins.
 */
export const copyFolder = (log: string): string => `log/${log}/`;
export const tileName = (log: string, path: TilePath): string => `${copyFolder(log)}tile/${formatTilePath(path)}`;
/** tlog-tiles has one `checkpoint` that changes; what never changes has a name for each size. */
export const checkpointName = (log: string, size: number): string => `${copyFolder(log)}checkpoint/${size}`;
export const keyName = (log: string, keyId: string): string => `${copyFolder(log)}key/${keyId}`;

/**
 * Writes an object unless one of this name is there, which then has to be the same: an earlier turn wrote it, and its
 * answer was lost.
 * @param isSame what counts as the same; unless given, every byte
 * @throws CopyDiffers, and what the bucket throws
 */
export async function putOnce(
  bucket: CopyBucket,
  name: string,
  bytes: Bytes,
  isSame: (there: Bytes) => boolean = (there) => sameBytes(there, bytes),
): Promise<void> {
  // RFC 9110 section 13.1.2: If-None-Match: * is met only where there is nothing.
  const written = await bucket.put(name, bytes, { onlyIf: { etagDoesNotMatch: "*" } });
  if (written !== null) return;
  const there = await getBytes(bucket, name);
  if (there === null || !isSame(there)) throw new CopyDiffers(`another object is at ${name}`);
}

/** An object's bytes; null when there is none. */
export async function getBytes(bucket: CopyBucket, name: string): Promise<Bytes | null> {
  const found = await bucket.get(name);
  return found === null ? null : new Uint8Array(await found.arrayBuffer());
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
