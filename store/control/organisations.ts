import type { OrgSlug, UserId } from "../../core/ids.ts";
import { type Database, DatabaseError, type Row, sql, sqlState } from "../connect.ts";
import { idOf, instant, textOf } from "./columns.ts";
import type { DoorScope, FoundingScope, OrgScope } from "./org-scope.ts";
import { receipt, receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { doorScope, joinedScope } from "./scope-makers.ts";
import { membershipsPerUserMax } from "./users.ts";

export interface NewOrganisation {
  readonly founding: FoundingScope;
  readonly slug: OrgSlug;
  readonly name: string;
  readonly owner: UserId;
}

export type Claim =
  /** Provision it (again): new, or the same person's own attempt that was cut short. */
  | { readonly kind: "provision"; readonly scope: OrgScope; readonly name: string; readonly createdAt: string }
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
          SELECT ${wanted.founding.org}, ${wanted.slug}, ${wanted.name}, 'provisioning', ${wanted.owner}, ${now}::timestamptz
          WHERE (SELECT count(*) FROM control.memberships WHERE user_id = ${wanted.owner}) < ${membershipsPerUserMax}
          RETURNING id),
        member AS (
          INSERT INTO control.memberships (org_id, user_id, role, created_at)
          SELECT id, ${wanted.owner}, 'owner', ${now}::timestamptz FROM changed),
        receipt AS (${receiptIfChanged(write, null)})
        SELECT id, control.rfc3339(${now}::timestamptz) AS created_at FROM changed`,
    );
    if (row === undefined) return { kind: "too_many" };
    return provisionOf(row, wanted.name);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== sqlState.uniqueViolation) throw error;
  }
  const [theirs] = await database.query(
    sql`SELECT id, name, control.rfc3339(created_at) AS created_at FROM control.organisations
      WHERE slug = ${wanted.slug} AND status = 'provisioning' AND created_by = ${wanted.owner}`,
  );
  if (theirs === undefined) return { kind: "slug_taken" };
  return provisionOf(theirs, textOf(theirs, "name"));
}

function provisionOf(row: Row, name: string): Claim {
  return { kind: "provision", scope: joinedScope(idOf("org", row, "id")), name, createdAt: textOf(row, "created_at") };
}

/** The last step of provisioning: from now on the organisation answers. */
export async function activateOrganisation(database: Database, write: WriteRequest, scope: OrgScope): Promise<void> {
  await database.transaction([
    sql`UPDATE control.organisations SET status = 'active' WHERE id = ${scope.org} AND status = 'provisioning'`,
    receipt(write, scope),
  ]);
}

/** An active organisation by id or slug, for routes that need no membership (enrolment, sign-in). */
export async function findOrganisation(
  database: Database,
  reference: string,
): Promise<{ readonly door: DoorScope; readonly slug: string } | null> {
  const [row] = await database.query(
    sql`SELECT id, slug FROM control.organisations
      WHERE (id = ${reference} OR slug = ${reference}) AND status = 'active'`,
    { readOnly: true },
  );
  return row === undefined ? null : { door: doorScope(idOf("org", row, "id")), slug: textOf(row, "slug") };
}
