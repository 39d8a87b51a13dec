/** Which reminders of language models' keys were mailed: each once, though the clock asks every hour and may ask twice at once. */
import type { LlmProviderId } from "../../core/ids.ts";
import type { KeyReminder } from "../../core/llm/key-state.ts";
import { type Database, sql } from "../connect.ts";
import { instant, textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";

/** How long whoever sends a reminder has it, in milliseconds; shorter than the hour until the clock asks again. */
const claimMs = 50 * 60_000;

export interface Reminder {
  readonly provider: LlmProviderId;
  /** When the key was given, RFC 3339: the next key has reminders of its own. */
  readonly since: string;
  readonly stage: KeyReminder;
}

/**
 * Takes a reminder on. What is known of the provider's keys before is forgotten.
 * @returns null when it was mailed, or somebody else is mailing it
 */
export async function claimReminder(
  database: Database,
  { org }: OrgScope,
  { provider, since, stage }: Reminder,
  nowMs: number,
): Promise<{ readonly slug: string; readonly recipients: readonly string[] } | null> {
  const rows = await database.query(
    sql`WITH forgotten AS (
        DELETE FROM control.llm_key_reminders
        WHERE org_id = ${org} AND provider_id = ${provider} AND key_since < ${since}::timestamptz),
      claimed AS (
        INSERT INTO control.llm_key_reminders AS r (org_id, provider_id, key_since, stage, claimed_until)
        SELECT o.id, ${provider}, ${since}::timestamptz, ${stage}, ${instant(nowMs + claimMs)}::timestamptz
        FROM control.organisations o WHERE o.id = ${org} AND o.status = 'active'
        ON CONFLICT (org_id, provider_id, key_since, stage) DO UPDATE SET claimed_until = excluded.claimed_until
          WHERE r.mailed_at IS NULL AND r.claimed_until <= ${instant(nowMs)}::timestamptz
        RETURNING r.org_id)
      SELECT o.slug, (SELECT coalesce(json_agg(u.email ORDER BY u.id), '[]') FROM control.memberships m
          JOIN control.users u ON u.id = m.user_id
          WHERE m.org_id = o.id AND m.role IN ('owner', 'admin') AND m.disabled_at IS NULL
            AND u.disabled_at IS NULL AND u.email IS NOT NULL) AS recipients
      FROM claimed c JOIN control.organisations o ON o.id = c.org_id`,
  );
  const row = rows[0];
  return row === undefined ? null : { slug: textOf(row, "slug"), recipients: row["recipients"] as readonly string[] };
}

/** All its mails are out. */
export async function markReminderMailed(
  database: Database,
  { org }: OrgScope,
  { provider, since, stage }: Reminder,
  nowMs: number,
): Promise<void> {
  await database.query(
    sql`UPDATE control.llm_key_reminders SET mailed_at = ${instant(nowMs)}::timestamptz
      WHERE org_id = ${org} AND provider_id = ${provider} AND key_since = ${since}::timestamptz AND stage = ${stage}`,
  );
}
