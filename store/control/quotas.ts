/** Plans of organisations, and what of them is counted in the control database. */
import { limitsOf, type Plan, plans } from "../../core/tenancy/plan.ts";
import { type Database, type Statement, sql } from "../connect.ts";
import { isRestricted } from "./billing/subscription.ts";
import { booleanOf, idOf, numberOf } from "./columns.ts";
import { changeOfFound, type StateChange } from "./lifecycle.ts";
import type { DoorScope, PlatformScope } from "./org-scope.ts";
import { planOf } from "./org-state.ts";
import type { WriteRequest } from "./receipts.ts";
import { organisationOfOperator } from "./scope-makers.ts";

/** People of an organisation, disabled ones too: each can be let in again. Programs are counted by themselves (apiKeysMax). */
function people(org: Statement): Statement {
  return sql`(SELECT count(*) FROM control.memberships c JOIN control.users p ON p.id = c.user_id
    WHERE c.org_id = ${org} AND p.kind = 'person')`;
}

/**
 * A condition: the organisation has room for one more person, by its plan, and may add them. For a statement that stands behind
 * `lockMembers` in its transaction: then nobody joins between the count and the insert.
 * @param scale LIMIT_SCALE
 */
export function hasRoomForMember(org: Statement, scale: number): Statement {
  const limits = Object.fromEntries(plans.map((plan) => [plan, limitsOf(plan, scale).members]));
  return sql`NOT ${isRestricted(org)} AND ${people(org)} < (SELECT (${JSON.stringify(limits)}::text::jsonb ->> l.plan)::bigint
    FROM control.organisations l WHERE l.id = ${org})`;
}

/** True when the plan's members are all there, or none may be added; whoever stands at the door may be told. */
export async function isFullOfMembers(database: Database, { org }: DoorScope, scale: number): Promise<boolean> {
  const [row] = await database.query(sql`SELECT ${hasRoomForMember(sql`${org}::text`, scale)} AS room`, {
    readOnly: true,
  });
  return row !== undefined && !booleanOf(row, "room");
}

export interface Room {
  readonly plan: Plan;
  /** Something is long overdue: nothing may be added. */
  readonly restricted: boolean;
}

/** Null: no such organisation. */
export async function readRoom(database: Database, { org }: DoorScope): Promise<Room | null> {
  const [row] = await database.query(
    sql`SELECT o.plan, ${isRestricted(sql`o.id`)} AS restricted FROM control.organisations o WHERE o.id = ${org}`,
    { readOnly: true },
  );
  return row === undefined ? null : { plan: planOf(row, "plan"), restricted: booleanOf(row, "restricted") };
}

export interface MemberUse extends Room {
  readonly members: number;
}

/** Null: no such organisation. */
export async function readMemberUse(database: Database, { org }: DoorScope): Promise<MemberUse | null> {
  const [row] = await database.query(
    sql`SELECT o.plan, ${people(sql`o.id`)}::double precision AS members, ${isRestricted(sql`o.id`)} AS restricted
      FROM control.organisations o WHERE o.id = ${org}`,
    { readOnly: true },
  );
  return row === undefined
    ? null
    : {
        plan: planOf(row, "plan"),
        restricted: booleanOf(row, "restricted"),
        members: numberOf(row, "members"),
      };
}

/**
 * Puts an organisation on another plan. One that has more than it allows keeps it, and gets no more.
 * @param reference its id or slug
 * @returns null when there is none
 */
export async function setPlan(
  database: Database,
  write: WriteRequest,
  by: PlatformScope,
  reference: string,
  plan: Plan,
): Promise<StateChange | null> {
  const [row] = await database.query(
    changeOfFound(
      write,
      reference,
      sql`UPDATE control.organisations o SET plan = ${plan}, state_version = o.state_version + 1
        FROM found WHERE o.id = found.id AND o.plan <> ${plan} RETURNING o.id`,
    ),
  );
  if (row === undefined) return null;
  return { scope: organisationOfOperator(by, idOf("org", row, "id")), changed: booleanOf(row, "changed") };
}
