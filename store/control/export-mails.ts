/** Who is told that an export waits for a second administrator. */
import type { UserId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { administratorsMailedMax } from "./administrators.ts";
import { textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";

export interface ApprovalMail {
  readonly slug: string;
  /** Of the organisation's other owners and admins. */
  readonly recipients: readonly string[];
}

/** @param but whoever asked: nobody agrees to their own */
export async function approvalRecipients(database: Database, { org }: OrgScope, but: UserId): Promise<ApprovalMail> {
  const [row] = await database.query(
    sql`SELECT o.slug, (SELECT coalesce(json_agg(a.email), '[]') FROM (
        SELECT u.email FROM control.memberships m JOIN control.users u ON u.id = m.user_id
        WHERE m.org_id = o.id AND m.role IN ('owner', 'admin') AND m.disabled_at IS NULL AND u.disabled_at IS NULL
          AND u.email IS NOT NULL AND u.id <> ${but} ORDER BY m.role DESC, u.id LIMIT ${administratorsMailedMax}) a) AS recipients
      FROM control.organisations o WHERE o.id = ${org}`,
    { readOnly: true },
  );
  if (row === undefined) throw new Error("an export's organisation is not there");
  return { slug: textOf(row, "slug"), recipients: row["recipients"] as readonly string[] };
}
