/** Shutting and opening an organisation: one row says what it is, and how far hub and edge were told. */
import type { OrgId, UserId } from "../../core/ids.ts";
import type { OrgState } from "../../core/tenancy/org-state.ts";
import type { Plan } from "../../core/tenancy/plan.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { booleanOf, idOf, numberOf, textOf, textOrNull } from "./columns.ts";
import type { OrgScope, PlatformScope } from "./org-scope.ts";
import { deleteAfterOf, planOf, stateOf } from "./org-state.ts";
import { policyRow, policyStatement, type VersionedPolicy } from "./policies.ts";
import { hasChanged, receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { organisationOfOperator, unfinishedScope } from "./scope-makers.ts";

/** An organisation as whoever runs the platform sees it. */
export interface OrgOverview {
  readonly org: OrgId;
  readonly slug: string;
  readonly name: string;
  readonly state: OrgState;
  /** Also of one that is to be deleted: it is suspended again when that is undone. */
  readonly suspendedAt: string | null;
  readonly deleteAfter: string | null;
  readonly createdAt: string;
}

/** An organisation that the operator names. @param reference its id or slug */
export async function findOverview(
  database: Database,
  by: PlatformScope,
  reference: string,
): Promise<(OrgOverview & { readonly scope: OrgScope }) | null> {
  const [row] = await database.query(overview(reference), { readOnly: true });
  if (row === undefined) return null;
  const found = overviewOf(row);
  return { ...found, scope: organisationOfOperator(by, found.org) };
}

function overview(reference: string): Statement {
  return sql`SELECT o.id, o.slug, o.name, o.status, control.rfc3339(o.suspended_at) AS suspended_at,
        ${deleteAfterOf(sql`o.id`)} AS delete_after, control.rfc3339(o.created_at) AS created_at
      FROM control.organisations o
      WHERE (o.id = ${reference} OR o.slug = ${reference}) AND o.status <> 'provisioning'`;
}

function overviewOf(row: Row): OrgOverview {
  return {
    org: idOf("org", row, "id"),
    slug: textOf(row, "slug"),
    name: textOf(row, "name"),
    state: stateOf(row, "status"),
    suspendedAt: textOrNull(row, "suspended_at"),
    deleteAfter: textOrNull(row, "delete_after"),
    createdAt: textOf(row, "created_at"),
  };
}

/** A change of the whole organisation: hub and edge have yet to hear of it. */
const told = sql`state_version = o.state_version + 1, policy_version = o.policy_version + 1`;

export interface StateChange {
  readonly scope: OrgScope;
  /** False: it was so before. */
  readonly changed: boolean;
}

/**
 * A change that the operator makes to one organisation, with its receipt.
 * @param reference its id or slug
 * @param change changes the one row of `found`, and returns a row if there was something to change
 * @returns a statement with no row when there is none, else `id` and `changed`
 */
export function changeOfFound(write: WriteRequest, reference: string, change: Statement): Statement {
  return sql`WITH found AS (
      SELECT id FROM control.organisations
      WHERE (id = ${reference} OR slug = ${reference}) AND status <> 'provisioning' FOR UPDATE),
    changed AS (${change}),
    receipt AS (${receiptIfChanged(write, null)})
    SELECT id, EXISTS (SELECT FROM changed) AS changed FROM found`;
}

/**
 * Suspends an organisation, or ends that. One that is to be deleted stays so, and is suspended besides.
 * @param reference its id or slug
 * @returns null when there is none
 */
export async function setSuspended(
  database: Database,
  write: WriteRequest,
  by: PlatformScope,
  reference: string,
  suspended: boolean,
): Promise<StateChange | null> {
  const [row] = await database.query(
    changeOfFound(
      write,
      reference,
      sql`UPDATE control.organisations o SET ${told},
          suspended_at = CASE WHEN ${suspended}::boolean THEN now() END,
          status = CASE WHEN o.status = 'deleting' THEN o.status WHEN ${suspended}::boolean THEN 'suspended' ELSE 'active' END
        FROM found WHERE o.id = found.id AND (o.suspended_at IS NULL) = ${suspended}::boolean RETURNING o.id`,
    ),
  );
  if (row === undefined) return null;
  return { scope: organisationOfOperator(by, idOf("org", row, "id")), changed: booleanOf(row, "changed") };
}

/**
 * Shuts an organisation for good: from now on the grace runs.
 * @param by null: the operator, who may also delete one that is suspended
 * @returns not changed when it is not open (any more)
 */
export async function requestDeletion(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  by: UserId | null,
): Promise<Changed> {
  return await changed(
    database,
    scope,
    sql`WITH changed AS (
        UPDATE control.organisations o SET ${told}, status = 'deleting'
        WHERE o.id = ${scope.org}
          AND (o.status = 'active' OR (o.status = 'suspended' AND ${by}::text IS NULL)) RETURNING o.id),
      noted AS (
        INSERT INTO control.org_deletions (org_id, requested_by) SELECT id, ${by}::text FROM changed),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT EXISTS (SELECT FROM changed) AS changed`,
  );
}

/**
 * Takes a deletion back, as long as the grace runs.
 * @param by null: the operator; an owner can't open what the operator has shut
 * @returns not changed when there is none that can be taken back
 */
export async function undoDeletion(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  by: UserId | null,
): Promise<Changed> {
  return await changed(
    database,
    scope,
    sql`WITH gone AS (
        DELETE FROM control.org_deletions d USING control.organisations o
        WHERE d.org_id = ${scope.org} AND o.id = d.org_id AND o.status = 'deleting'
          AND d.reason = 'requested' AND d.started_at IS NULL
          AND (o.suspended_at IS NULL OR ${by}::text IS NULL)
        RETURNING d.org_id),
      changed AS (
        UPDATE control.organisations o SET ${told},
          status = CASE WHEN o.suspended_at IS NULL THEN 'active' ELSE 'suspended' END
        FROM gone WHERE o.id = gone.org_id RETURNING o.id),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT EXISTS (SELECT FROM changed) AS changed`,
  );
}

/** What hub and edge are to be told of an organisation. */
export interface Standing {
  readonly state: OrgState;
  readonly plan: Plan;
  readonly version: number;
  /** True when both know it. */
  readonly told: boolean;
}

/** Everything that is told of an organisation, read at one moment. */
export interface OrgNow {
  readonly overview: OrgOverview;
  readonly standing: Standing;
  readonly stored: VersionedPolicy;
}

/** Null: there is no such organisation, or it is not created yet. */
export async function readNow(database: Database, scope: OrgScope): Promise<OrgNow | null> {
  return nowOf(await database.transaction(nowStatements(scope), { readOnly: true }));
}

/** What became of a change, and what is to be told of the organisation since. */
export interface Changed {
  readonly changed: boolean;
  readonly now: OrgNow | null;
}

async function changed(database: Database, scope: OrgScope, change: Statement): Promise<Changed> {
  const [rows, ...now] = await database.transaction([change, ...nowStatements(scope)]);
  return { changed: hasChanged(rows), now: nowOf(now) };
}

/** Versions that hub and edge were told, as {@link OrgNow} has them. */
export interface ToldVersions {
  readonly standing: number;
  readonly policy: string;
}

/**
 * Notes that hub and edge know these versions, unless the policy was changed meanwhile: then the edge's copy may be
 * behind, and is told again. Never lowers what stands there.
 * @returns what is to be told by now, read in the same transaction
 */
export async function markTold(database: Database, scope: OrgScope, told: ToldVersions): Promise<OrgNow | null> {
  const version = told.standing;
  const [, ...now] = await database.transaction([
    sql`UPDATE control.organisations SET state_told = ${version}::bigint
      WHERE id = ${scope.org} AND state_told < ${version}::bigint AND state_version >= ${version}::bigint
        AND policy_version = ${told.policy}::text::bigint`,
    ...nowStatements(scope),
  ]);
  return nowOf(now);
}

const nowStatements = ({ org }: OrgScope): readonly Statement[] => [
  overview(org),
  sql`SELECT status, plan, state_version::double precision AS version, state_told = state_version AS told
    FROM control.organisations WHERE id = ${org} AND status <> 'provisioning'`,
  policyStatement(sql`o.id = ${org}`),
];

/** What the rows of {@link nowStatements} say. */
function nowOf([overviews, standings, policies]: readonly (readonly Row[])[]): OrgNow | null {
  const [found, standing] = [overviews?.[0], standings?.[0]];
  const stored = policyRow(policies ?? []);
  if (found === undefined || standing === undefined || stored === null) return null;
  return {
    overview: overviewOf(found),
    standing: {
      state: stateOf(standing, "status"),
      plan: planOf(standing, "plan"),
      version: numberOf(standing, "version"),
      told: booleanOf(standing, "told"),
    },
    stored,
  };
}

/** Organisations that one run of the clock tells: a hub that was away for a while leaves a handful. */
const untoldMax = 100;

/** Whose hub or edge is behind. */
export async function untoldOrganisations(database: Database): Promise<OrgScope[]> {
  const rows = await database.query(
    sql`SELECT id FROM control.organisations WHERE state_told < state_version AND status <> 'provisioning'
      ORDER BY id LIMIT ${untoldMax}`,
    { readOnly: true },
  );
  return rows.map((row) => unfinishedScope(idOf("org", row, "id")));
}
