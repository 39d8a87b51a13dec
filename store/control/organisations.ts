import type { OrgId, OrgSlug, UserId } from "../../core/ids.ts";
import type { OrgState } from "../../core/tenancy/org-state.ts";
import type { Plan } from "../../core/tenancy/plan.ts";
import { type Database, DatabaseError, sql, sqlState } from "../connect.ts";
import { booleanOf, idOf, instant, textOf } from "./columns.ts";
import { stateOf } from "./lifecycle.ts";
import { planOf } from "./quotas.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { membershipsPerUserMax } from "./users.ts";

export interface NewOrganisation {
  readonly id: OrgId;
  readonly slug: OrgSlug;
  readonly name: string;
  readonly owner: UserId;
}

export type Claim =
  /** Provision it (again): new, or the same person's own attempt that was cut short. */
  | { readonly kind: "provision"; readonly org: OrgId; readonly name: string; readonly createdAt: string }
  | { readonly kind: "slug_taken" }
  | { readonly kind: "too_many" };

/** Claims a slug: row and first owner in one transaction, status `provisioning` until everything else is there. */
export async function claimOrganisation(
  database: Database,
  write: WriteRequest,
  wanted: NewOrganisation,
): Promise<Claim> {
  const now = instant(write.nowMs);
  try {
    const [row] = await database.query(
      sql`WITH changed AS (
          INSERT INTO control.organisations (id, slug, name, status, created_by, created_at)
          SELECT ${wanted.id}, ${wanted.slug}, ${wanted.name}, 'provisioning', ${wanted.owner}, ${now}::timestamptz
          WHERE (SELECT count(*) FROM control.memberships WHERE user_id = ${wanted.owner}) < ${membershipsPerUserMax}
          RETURNING id),
        member AS (
          INSERT INTO control.memberships (org_id, user_id, role, created_at)
          SELECT id, ${wanted.owner}, 'owner', ${now}::timestamptz FROM changed),
        receipt AS (${receiptIfChanged(write, null)})
        SELECT id, control.rfc3339(${now}::timestamptz) AS created_at FROM changed`,
    );
    if (row === undefined) return { kind: "too_many" };
    return { kind: "provision", org: idOf("org", row, "id"), name: wanted.name, createdAt: textOf(row, "created_at") };
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== sqlState.uniqueViolation) throw error;
  }
  const [theirs] = await database.query(
    // Tried again now: the sweep of creations that nobody came back to leaves it alone for another day.
    sql`UPDATE control.organisations SET claimed_at = now()
      WHERE slug = ${wanted.slug} AND status = 'provisioning' AND created_by = ${wanted.owner}
      RETURNING id, name, control.rfc3339(created_at) AS created_at`,
  );
  if (theirs === undefined) return { kind: "slug_taken" };
  const org = idOf("org", theirs, "id");
  return { kind: "provision", org, name: textOf(theirs, "name"), createdAt: textOf(theirs, "created_at") };
}

/**
 * COMMIT POINT of a creation: from now on the organisation answers.
 * @returns false when it was given up meanwhile (migrations/control/0010: `abandon_creation`)
 */
export async function activateOrganisation(database: Database, write: WriteRequest, org: OrgId): Promise<boolean> {
  const [row] = await database.query(
    sql`WITH changed AS (
        UPDATE control.organisations SET status = 'active' WHERE id = ${org} AND status = 'provisioning' RETURNING 1),
      receipt AS (${receiptIfChanged(write, org)})
      -- The same person may have asked twice at once.
      SELECT EXISTS (SELECT FROM changed)
        OR EXISTS (SELECT FROM control.organisations WHERE id = ${org} AND status = 'active') AS active`,
  );
  return row !== undefined && booleanOf(row, "active");
}

/** An organisation by id or slug, for routes that need no membership (enrolment, sign-in); its state is theirs to heed. */
export async function findOrganisation(
  database: Database,
  reference: string,
): Promise<{ readonly org: OrgId; readonly slug: string; readonly state: OrgState; readonly plan: Plan } | null> {
  const [row] = await database.query(
    sql`SELECT id, slug, status, plan FROM control.organisations
      WHERE (id = ${reference} OR slug = ${reference}) AND status <> 'provisioning'`,
    { readOnly: true },
  );
  if (row === undefined) return null;
  return {
    org: idOf("org", row, "id"),
    slug: textOf(row, "slug"),
    state: stateOf(row, "status"),
    plan: planOf(row, "plan"),
  };
}
