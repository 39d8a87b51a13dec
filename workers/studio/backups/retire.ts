import { retentionOf, tooOld } from "../../../core/backup/retention.ts";
import type { RequestId } from "../../../core/ids.ts";
import { deletePlatformBackups, readPlatformBackups } from "../../../store/control/backups.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { fromPart } from "../downstream.ts";
import type { Services } from "../services.ts";
import { recordBackups } from "./record.ts";

/** Deletions put on record in one call: what a run leaves behind is one or two, a plan that shrank some thirty. */
const recordedAtOnce = 50;

/**
 * Deletes what is too old by the organisation's plan: said in its log, then the rows and with them the keys, then the
 * objects. Killed between two of them, the next run does the rest: an object without a row is one to delete.
 * @throws AuditUnavailable, Unavailable, DatabaseError
 */
export async function retireBackups(services: Services, scope: OrgScope, requestId: RequestId): Promise<void> {
  const { org } = scope;
  const found = await readPlatformBackups(services.database, scope);
  if (found === null) return;
  const old = tooOld(found.backups, retentionOf[found.plan], services.now());
  for (let start = 0; start < old.length; start += recordedAtOnce)
    await recordBackups(services, org, old.slice(start, start + recordedAtOnce), "deleted", requestId);
  // COMMIT POINT: nothing opens them any more.
  if (old.length > 0) await deletePlatformBackups(services.database, scope, old);
  const gone = new Set(old);
  const keep = found.backups.map(({ id }) => id).filter((id) => !gone.has(id));
  await fromPart("backups", async () => {
    const call = await services.caller.asJob("capabilities.backups", "tend_backups", org, requestId);
    await services.backups.prune(call, keep);
  });
}
