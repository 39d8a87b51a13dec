import type { OrgSlug, SessionId, UserId } from "../../core/ids.ts";
import type { OrgState } from "../../core/tenancy/org-state.ts";
import type { Plan } from "../../core/tenancy/plan.ts";
import { type Database, sql } from "../connect.ts";
import { isRestricted } from "./billing/subscription.ts";
import { booleanOf, idOf, instant, textOf } from "./columns.ts";
import { type Standing, standingRow, standingStatement } from "./members.ts";
import { isMoving } from "./moves.ts";
import type { DoorScope, FoundingScope, OrgScope } from "./org-scope.ts";
import { planOf, stateOf } from "./org-state.ts";
import { policyRow, policyStatement, type VersionedPolicy } from "./policies.ts";
import { applyChange, receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { recentlyEndedOf, recentlyEndedStatement } from "./recently-ended.ts";
import { doorScope, joinedScope } from "./scope-makers.ts";
import { membershipsPerUserMax } from "./users.ts";

export interface NewOrganisation {
  readonly founding: FoundingScope;
  readonly slug: OrgSlug;
  readonly name: string;
  readonly owner: UserId;
}

/** An organisation that is being made. */
export interface Begun {
  readonly scope: OrgScope;
  readonly name: string;
  readonly createdAt: string;
  /** What the edge is to know. */
  readonly policy: VersionedPolicy;
  /** Sessions of its owner whose tokens may not have expired yet: its hub is told of them before it knows the owner. */
  readonly ended: readonly SessionId[];
}

export type Claim =
  /** Provision it (again): new, or the same person's own attempt that was cut short. */
  ({ readonly kind: "provision" } & Begun) | { readonly kind: "slug_taken" } | { readonly kind: "too_many" };

/**
 * Claims a slug: row and first owner in one transaction, status `provisioning` until everything else is there.
 * What the next steps need to know is read in the same transaction.
 */
export async function claimOrganisation(
  database: Database,
  write: WriteRequest,
  wanted: NewOrganisation,
): Promise<Claim> {
  const now = instant(write.nowMs);
  const theirs = sql`o.slug = ${wanted.slug} AND o.status = 'provisioning' AND o.created_by = ${wanted.owner}`;
  const [rooms = [], rows = [], policies = [], ended = []] = await database.transaction([
    sql`WITH room AS (
        SELECT (SELECT count(*) FROM control.memberships WHERE user_id = ${wanted.owner}) < ${membershipsPerUserMax} AS fits),
      changed AS (
        INSERT INTO control.organisations (id, slug, name, status, created_by, created_at)
        SELECT ${wanted.founding.org}, ${wanted.slug}, ${wanted.name}, 'provisioning', ${wanted.owner}, ${now}::timestamptz
        FROM room WHERE fits
        -- Waits for whoever is claiming it at this moment; then it is theirs.
        ON CONFLICT DO NOTHING RETURNING id),
      member AS (
        INSERT INTO control.memberships (org_id, user_id, role, created_at)
        SELECT id, ${wanted.owner}, 'owner', ${now}::timestamptz FROM changed),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT fits FROM room`,
    // Tried again now: the sweep of creations that nobody came back to leaves it alone for another day.
    sql`UPDATE control.organisations o SET claimed_at = now() WHERE ${theirs}
      RETURNING o.id, o.name, control.rfc3339(o.created_at) AS created_at`,
    policyStatement(theirs),
    recentlyEndedStatement(wanted.owner, write.nowMs),
  ]);
  if (!booleanOf(rooms[0] ?? {}, "fits")) return { kind: "too_many" };
  const [row] = rows;
  const policy = policyRow(policies);
  if (row === undefined || policy === null) return { kind: "slug_taken" };
  const scope = joinedScope(idOf("org", row, "id"));
  const [name, createdAt] = [textOf(row, "name"), textOf(row, "created_at")];
  return { kind: "provision", scope, name, createdAt, policy, ended: recentlyEndedOf(ended) };
}

/** What holds at the moment from which an organisation answers. */
export interface Activated {
  readonly standing: Standing;
  readonly policyVersion: string | null;
  /** As in {@link Begun}. */
  readonly ended: readonly SessionId[];
}

/**
 * COMMIT POINT of a creation: from now on the organisation answers.
 * @returns what may have changed since its hub and the edge were told; null when it was given up meanwhile
 *   (migrations/control/0010: `abandon_creation`)
 */
export async function activateOrganisation(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  owner: UserId,
): Promise<Activated | null> {
  const [rows = [], standing = [], policies = [], ended = []] = await database.transaction([
    sql`WITH changed AS (
        UPDATE control.organisations SET status = 'active' WHERE id = ${scope.org} AND status = 'provisioning' RETURNING 1),
      receipt AS (${receiptIfChanged(write, scope)})
      -- The same person may have asked twice at once.
      SELECT EXISTS (SELECT FROM changed)
        OR EXISTS (SELECT FROM control.organisations WHERE id = ${scope.org} AND status = 'active') AS active`,
    standingStatement(scope, owner),
    policyStatement(sql`o.id = ${scope.org}`),
    recentlyEndedStatement(owner, write.nowMs),
  ]);
  if (!booleanOf(rows[0] ?? {}, "active")) return null;
  return {
    standing: standingRow(standing),
    policyVersion: policyRow(policies)?.version ?? null,
    ended: recentlyEndedOf(ended),
  };
}

/** @returns false when it has that name already */
export async function renameOrganisation(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  name: string,
): Promise<boolean> {
  const change = sql`UPDATE control.organisations SET name = ${name}
    WHERE id = ${scope.org} AND name <> ${name} RETURNING 1`;
  return applyChange(database, write, scope, change);
}

/** An organisation as strangers at its door are judged by it. */
export interface FoundOrganisation {
  readonly door: DoorScope;
  readonly slug: string;
  readonly state: OrgState;
  readonly plan: Plan;
  /** Nothing may be written to its schema just now. */
  readonly moving: boolean;
  /** Something is long overdue: nothing may be added to it. */
  readonly restricted: boolean;
}

/** An organisation by id or slug, for routes that need no membership (enrolment, sign-in); its state is theirs to heed. */
export async function findOrganisation(database: Database, reference: string): Promise<FoundOrganisation | null> {
  const [row] = await database.query(
    sql`SELECT o.id, o.slug, o.status, o.plan, ${isMoving(sql`o.id`)} AS moving,
        ${isRestricted(sql`o.id`)} AS restricted FROM control.organisations o
      WHERE (o.id = ${reference} OR o.slug = ${reference}) AND o.status <> 'provisioning'`,
    { readOnly: true },
  );
  if (row === undefined) return null;
  return {
    door: doorScope(idOf("org", row, "id")),
    slug: textOf(row, "slug"),
    state: stateOf(row, "status"),
    plan: planOf(row, "plan"),
    moving: booleanOf(row, "moving"),
    restricted: booleanOf(row, "restricted"),
  };
}
