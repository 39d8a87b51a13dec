/** Test messages to where an audit log is streamed: one at a time, and not too many. */
import type { AuditStreamId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { booleanOf, idOf, instant, textOf, textOrNull } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";

/**
 * Between two test messages of one organisation, in milliseconds: as long as a destination may take to answer, so
 * that never two are under way, and nobody makes us knock somewhere more than six times a minute.
 */
export const testPauseMs = 10_000;

/** Where a test message goes and what it is signed under. */
export interface TestedStream {
  readonly id: AuditStreamId;
  readonly url: string;
  /** Signing secrets, sealed, the newest first. */
  readonly sealed: readonly string[];
}

export type TestClaim =
  | { readonly kind: "claimed"; readonly stream: TestedStream }
  /** Another one was sent a moment ago. */
  | { readonly kind: "too_soon" }
  | { readonly kind: "none" };

/** Takes the right to send one test message; of many at the same moment one gets it. */
export async function claimStreamTest(database: Database, write: WriteRequest, scope: OrgScope): Promise<TestClaim> {
  const now = instant(write.nowMs);
  const [row] = await database.query(
    sql`WITH changed AS (
        UPDATE control.audit_streams SET tested_at = ${now}::timestamptz
        WHERE org_id = ${scope.org}
          AND (tested_at IS NULL OR tested_at <= ${instant(write.nowMs - testPauseMs)}::timestamptz) RETURNING id),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT id, url, sealed, EXISTS (SELECT FROM changed) AS claimed,
        CASE WHEN previous_until > ${now}::timestamptz THEN previous_sealed END AS previous_sealed
      FROM control.audit_streams WHERE org_id = ${scope.org}`,
  );
  if (row === undefined) return { kind: "none" };
  if (!booleanOf(row, "claimed")) return { kind: "too_soon" };
  const previous = textOrNull(row, "previous_sealed");
  const sealed = [textOf(row, "sealed"), ...(previous === null ? [] : [previous])];
  return { kind: "claimed", stream: { id: idOf("auditStream", row, "id"), url: textOf(row, "url"), sealed } };
}
