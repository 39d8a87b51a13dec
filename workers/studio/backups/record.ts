import type { BackupAction } from "../../../core/audit/vocabulary.ts";
import type { BackupId, OrgId, RequestId } from "../../../core/ids.ts";
import { audited } from "../pipeline/audit.ts";
import type { Services } from "../services.ts";

/** Puts what the clock does with an organisation's backups on record, in the organisation's own log. @throws AuditUnavailable */
export async function recordBackups(
  services: Services,
  org: OrgId,
  backups: readonly BackupId[],
  action: BackupAction,
  requestId: RequestId,
): Promise<void> {
  await audited(async () => {
    const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
    await services.audit.append(
      call,
      org,
      backups.map((backup) => ({ type: "backup", user_id: null, org_id: org, backup_id: backup, action })),
    );
  });
}
