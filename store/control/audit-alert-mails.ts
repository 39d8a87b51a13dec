/** Which organisations are to be mailed that their log says something should be looked at. */
import { type Database, sql } from "../connect.ts";
import { administratorAddresses } from "./administrators.ts";
import { booleanOf, idOf, instant, textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { applyChange, type WriteRequest } from "./receipts.ts";
import { unfinishedScope } from "./scope-makers.ts";

/** Between two mails of an organisation, in milliseconds: what comes meanwhile stands in the next. */
export const alertMailEveryMs = 15 * 60_000;
/**
 * Mails of one organisation in a day (UTC), however many alerts there are: whoever fails to sign in as somebody all
 * day makes 144 of them, and people stop reading long before.
 */
export const alertMailsADayMax = 12;

/** There is an alert that nobody was told of. */
export async function markAlert(database: Database, { org }: OrgScope, nowMs: number): Promise<void> {
  const now = instant(nowMs);
  await database.query(
    sql`INSERT INTO control.audit_alert_mails (org_id, waiting, next_at, day)
      VALUES (${org}, true, ${now}::timestamptz, (${now}::timestamptz AT TIME ZONE 'UTC')::date)
      ON CONFLICT (org_id) DO UPDATE SET waiting = true WHERE NOT audit_alert_mails.waiting`,
  );
}

/** Whether mail about alerts is sent; it is until somebody says no. */
export async function alertMailEnabled(database: Database, { org }: OrgScope): Promise<boolean> {
  const [row] = await database.query(
    sql`SELECT coalesce((SELECT enabled FROM control.audit_alert_mails WHERE org_id = ${org}), true) AS enabled`,
    { readOnly: true },
  );
  return row === undefined || booleanOf(row, "enabled");
}

/** Switches it. What came while it was off is not told later. */
export async function setAlertMail(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  enabled: boolean,
): Promise<void> {
  const now = instant(write.nowMs);
  await applyChange(
    database,
    write,
    scope,
    sql`INSERT INTO control.audit_alert_mails (org_id, enabled, next_at, day)
      VALUES (${scope.org}, ${enabled}, ${now}::timestamptz, (${now}::timestamptz AT TIME ZONE 'UTC')::date)
      ON CONFLICT (org_id) DO UPDATE SET enabled = ${enabled}, waiting = false RETURNING 1`,
  );
}

export interface DueAlertMail {
  readonly scope: OrgScope;
  readonly slug: string;
  /** Alerts up to this entry were told. */
  readonly toldSeq: number;
  readonly recipients: readonly string[];
}

/**
 * Takes an organisation that is due a mail. It counts as sent from here on, so that a mail that fails half way, for
 * ever, is no mail without end.
 * @returns null: none is due
 */
export async function claimAlertMail(database: Database, nowMs: number): Promise<DueAlertMail | null> {
  const now = instant(nowMs);
  const today = sql`(${now}::timestamptz AT TIME ZONE 'UTC')::date`;
  const [row] = await database.query(
    sql`WITH due AS (
        SELECT a.org_id FROM control.audit_alert_mails a
        JOIN control.organisations o ON o.id = a.org_id AND o.status = 'active'
        WHERE a.waiting AND a.enabled AND a.next_at <= ${now}::timestamptz
          AND (a.day < ${today} OR a.mails < ${alertMailsADayMax})
        ORDER BY a.next_at, a.org_id LIMIT 1 FOR UPDATE OF a SKIP LOCKED),
      claimed AS (
        UPDATE control.audit_alert_mails a SET waiting = false, day = ${today},
          next_at = ${instant(nowMs + alertMailEveryMs)}::timestamptz,
          mails = CASE WHEN a.day < ${today} THEN 1 ELSE a.mails + 1 END
        FROM due WHERE a.org_id = due.org_id RETURNING a.org_id, a.told_seq)
      SELECT o.id, o.slug, c.told_seq::text AS told_seq, ${administratorAddresses} AS recipients
      FROM claimed c JOIN control.organisations o ON o.id = c.org_id`,
  );
  if (row === undefined) return null;
  return {
    scope: unfinishedScope(idOf("org", row, "id")),
    slug: textOf(row, "slug"),
    toldSeq: Number(textOf(row, "told_seq")),
    recipients: row["recipients"] as readonly string[],
  };
}

/** Notes up to where they were told. */
export async function markAlertsTold(database: Database, { org }: OrgScope, seq: number): Promise<void> {
  await database.query(
    sql`UPDATE control.audit_alert_mails SET told_seq = greatest(told_seq, ${seq}::bigint) WHERE org_id = ${org}`,
  );
}
