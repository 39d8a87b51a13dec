/** Deletions that were asked for: who is to be told, and how far the erasing of one has come. */
import { type OrgId, parseId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { booleanOf, idOf, textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { unfinishedScope } from "./scope-makers.ts";

/** Deletions that one run of the clock takes up; each is some ten calls to other parts. */
const takenMax = 20;
/** Creations that one run gives up: strangers can begin five a minute. */
const abandonedMax = 50;

export interface UnmailedDeletion {
  readonly scope: OrgScope;
  readonly name: string;
  readonly deleteAfter: string;
  readonly owners: readonly string[];
}

/** Deletions whose owners have yet to be told. @param scope of one of them, or null for all */
export async function unmailedDeletions(database: Database, scope: OrgScope | null): Promise<UnmailedDeletion[]> {
  const rows = await database.query(
    sql`SELECT o.id, o.name, control.rfc3339(d.delete_after) AS delete_after,
        (SELECT coalesce(json_agg(u.email ORDER BY u.id), '[]') FROM control.memberships m
          JOIN control.users u ON u.id = m.user_id
          WHERE m.org_id = o.id AND m.role = 'owner' AND m.disabled_at IS NULL
            AND u.disabled_at IS NULL AND u.email IS NOT NULL) AS owners
      FROM control.org_deletions d JOIN control.organisations o ON o.id = d.org_id
      WHERE d.mailed_at IS NULL AND d.reason = 'requested' AND d.started_at IS NULL
        AND (${scope?.org ?? null}::text IS NULL OR d.org_id = ${scope?.org ?? null}::text)
      ORDER BY d.requested_at LIMIT ${takenMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    scope: unfinishedScope(idOf("org", row, "id")),
    name: textOf(row, "name"),
    deleteAfter: textOf(row, "delete_after"),
    owners: row["owners"] as readonly string[],
  }));
}

/** Notes that the owners were told. */
export async function markDeletionMailed(database: Database, { org }: OrgScope): Promise<void> {
  await database.query(
    sql`UPDATE control.org_deletions SET mailed_at = now() WHERE org_id = ${org} AND mailed_at IS NULL`,
  );
}

export interface DueErasure {
  readonly scope: OrgScope;
  readonly slug: string;
  readonly reason: "requested" | "abandoned";
  readonly begun: boolean;
  readonly stepsDone: readonly string[];
}

/** Deletions whose grace is over by the database's clock, and those that are under way; the oldest first. */
export async function dueErasures(database: Database): Promise<DueErasure[]> {
  const rows = await database.query(
    sql`SELECT d.org_id, o.slug, d.reason, d.started_at IS NOT NULL AS begun,
        -- That schema and role are gone is the data Worker's to say.
        CASE WHEN d.tenant_dropped_at IS NULL THEN array_remove(d.steps_done, 'tenant') ELSE d.steps_done END AS steps_done
      FROM control.org_deletions d JOIN control.organisations o ON o.id = d.org_id
      WHERE d.finished_at IS NULL AND d.delete_after <= now() ORDER BY d.delete_after LIMIT ${takenMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    scope: unfinishedScope(idOf("org", row, "org_id")),
    slug: textOf(row, "slug"),
    reason: row["reason"] === "abandoned" ? "abandoned" : "requested",
    begun: booleanOf(row, "begun"),
    stepsDone: row["steps_done"] as readonly string[],
  }));
}

/** COMMIT POINT of an erasure: from here on there is no way back. False while the grace runs. */
export async function beginErasure(database: Database, { org }: OrgScope): Promise<boolean> {
  const [row] = await database.query(sql`SELECT control.begin_erasure(${org}) AS begun`);
  return row !== undefined && booleanOf(row, "begun");
}

/** Notes that a step is done. */
export async function markStepDone(database: Database, { org }: OrgScope, step: string): Promise<void> {
  await database.query(
    sql`UPDATE control.org_deletions SET steps_done = steps_done || ${step}::text
      WHERE org_id = ${org} AND started_at IS NOT NULL AND NOT ${step}::text = ANY (steps_done)`,
  );
}

/** The organisation's own rows go, and its slug is free. False while its schema and role are not gone, or when it is done. */
export async function eraseOrganisation(database: Database, { org }: OrgScope): Promise<boolean> {
  const [row] = await database.query(sql`SELECT control.erase_organisation(${org}) AS erased`);
  return row !== undefined && booleanOf(row, "erased");
}

/**
 * Gives up creations that nobody came back to for a day: what is left of them is erased like what was deleted.
 * @returns whose they were
 */
export async function abandonCreations(database: Database): Promise<OrgId[]> {
  const rows = await database.query(
    sql`SELECT id, control.abandon_creation(id) AS abandoned FROM (
        SELECT id FROM control.organisations WHERE status = 'provisioning' AND claimed_at < now() - interval '1 day'
        ORDER BY claimed_at LIMIT ${abandonedMax}) old`,
  );
  return rows.flatMap((row) => (row["abandoned"] === true ? (parseId("org", row["id"]) ?? []) : []));
}
