/** Sealed pieces of exports as objects of R2: each whole or not there. */
import type { ExportId, OrgId } from "../../../core/ids.ts";
import type { ExportPart } from "../../../core/rpc/exports.ts";

/** What is used of the binding. */
export type ExportBucket = Pick<R2Bucket, "put" | "get" | "list" | "delete">;

const folderOf = (org: OrgId, id: ExportId): string => `${org}/${id}/`;
const objectPattern = /^[0-9a-f]{32}$/;

/** The object of a piece. @throws Error for a name that is none of ours: another shape would name another's */
export function objectName(org: OrgId, id: ExportId, object: string): string {
  if (!objectPattern.test(object)) throw new Error("not the name of a piece");
  return `${folderOf(org, id)}${object}`;
}

/** A name that was never used. @param random 16 bytes */
export const newObject = (random: Uint8Array): string => Buffer.from(random).toString("hex");

/** Deletes what lies of an export beside these. */
export async function deleteOthers(
  bucket: ExportBucket,
  org: OrgId,
  id: ExportId,
  keep: readonly ExportPart[],
): Promise<void> {
  const kept = new Set(keep.map(({ object }) => objectName(org, id, object)));
  await deleteBelow(bucket, folderOf(org, id), (name) => !kept.has(name));
}

/** Deletes every object of an organisation. */
export const deleteAll = (bucket: ExportBucket, org: OrgId): Promise<void> =>
  deleteBelow(bucket, `${org}/`, () => true);

async function deleteBelow(bucket: ExportBucket, prefix: string, isGone: (name: string) => boolean): Promise<void> {
  let cursor: string | undefined;
  do {
    const found = await bucket.list(cursor === undefined ? { prefix } : { prefix, cursor });
    // At most 1,000, which R2 takes in one call.
    const names = found.objects.map(({ key }) => key).filter(isGone);
    if (names.length > 0) await bucket.delete(names);
    cursor = found.truncated ? found.cursor : undefined;
  } while (cursor !== undefined);
}
