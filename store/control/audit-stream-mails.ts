/** Streams that fail and whose administrators have yet to hear of it. */
import type { AuditStreamId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { administratorAddresses } from "./administrators.ts";
import { booleanOf, idOf, instant, textOf } from "./columns.ts";

/** A destination may be away for so long before anybody is told, in minutes: a restart is not worth a mail. */
const quietMinutes = 15;
/** Mails of one clock's visit. */
const mailedMax = 50;

export interface FailingStream {
  readonly id: AuditStreamId;
  readonly slug: string;
  readonly failure: string;
  readonly failingSince: string;
  readonly stopped: boolean;
  readonly deadCount: number;
  readonly recipients: readonly string[];
}

/** One mail for each time that it fails, and one a day however often that is: the destination must not make us write. */
export async function untoldFailures(database: Database, nowMs: number): Promise<FailingStream[]> {
  const now = instant(nowMs);
  const rows = await database.query(
    sql`SELECT s.id, o.slug, s.failure, control.rfc3339(s.failing_since) AS failing_since,
        s.stopped_at IS NOT NULL AS stopped, d.dead_count, ${administratorAddresses} AS recipients
      FROM control.audit_streams s JOIN control.organisations o ON o.id = s.org_id AND o.status = 'active'
      CROSS JOIN LATERAL (SELECT count(*)::integer AS dead_count FROM control.audit_stream_dead_letters
        WHERE stream_id = s.id) d
      WHERE s.failing_since IS NOT NULL
        AND (s.mailed_at IS NULL
          OR s.mailed_at < s.failing_since AND s.mailed_at < ${now}::timestamptz - interval '1 day')
        AND (s.stopped_at IS NOT NULL OR d.dead_count > 0
          OR s.failing_since <= ${now}::timestamptz - ${quietMinutes} * interval '1 minute')
      ORDER BY s.failing_since LIMIT ${mailedMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    id: idOf("auditStream", row, "id"),
    slug: textOf(row, "slug"),
    failure: textOf(row, "failure"),
    failingSince: textOf(row, "failing_since"),
    stopped: booleanOf(row, "stopped"),
    deadCount: Number(row["dead_count"]),
    recipients: row["recipients"] as readonly string[],
  }));
}

/** Notes that they were told. */
export async function markFailureTold(database: Database, id: AuditStreamId, nowMs: number): Promise<void> {
  await database.query(
    sql`UPDATE control.audit_streams SET mailed_at = ${instant(nowMs)}::timestamptz WHERE id = ${id}`,
  );
}
