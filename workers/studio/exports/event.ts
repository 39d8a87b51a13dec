import type { AuditFields } from "../../../core/audit/events.ts";
import type { ExportDestination } from "../../../core/exports/destination.ts";
import type { ExportSpec } from "../../../core/exports/job.ts";
import type { ExportId, UserId } from "../../../core/ids.ts";

/** What leaves, for the log: of what and how, which documents were named, and where to. */
export function exportEvent({
  by,
  id,
  spec,
  destination,
}: {
  readonly by: UserId;
  readonly id: ExportId;
  readonly spec: ExportSpec;
  readonly destination: ExportDestination;
}): AuditFields {
  const where = destination.kind === "download" ? "the person's own download" : `${destination.kind} ${destination.id}`;
  return {
    type: "export",
    user_id: by,
    format: `${spec.source}+${spec.format}`,
    document_ids: [...(spec.documents ?? [])],
    destination: `${where}, ${id}`,
  };
}
