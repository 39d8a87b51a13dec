/**
 * The beginning of a move: what it takes this Worker's secrets for. The directory says where to, in the row that
 * rotations and repairs go by, and the role is made there with the password that it has here. Everything else is
 * done with the owner's connections (scripts/migrate/tenants/move).
 */
import type { OrgId } from "../../../../core/ids.ts";
import type { SignedCall } from "../../../../core/mesh/claims.ts";
import { CallRefused } from "../../../../core/mesh/refused.ts";
import { verifyCall } from "../../../../core/mesh/verify.ts";
import type { MoveRefusal, PreparedMove } from "../../../../core/rpc/data.ts";
import { tenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { type Database, type Row, sql } from "../../../../store/connect.ts";
import type { OrgScope } from "../../../../store/control/org-scope.ts";
import { callScope } from "../../../../store/control/scope-makers.ts";
import { placementNamePattern } from "../../config.ts";
import { tenantPasswords } from "../../credentials/passwords.ts";
import { findPlacement } from "../../directory.ts";
import type { DataUnit } from "../../unit.ts";
import { transact } from "../create-tenant.ts";
import { refuseErased } from "../erased.ts";
import { tenantRoleStatements } from "../tenant-role.ts";

/**
 * Idempotent: asked again, it goes on where it was.
 * @throws CallRefused, TenantErased, DatabaseError
 */
export async function prepareMove(unit: DataUnit, call: SignedCall, org: OrgId, target: string): Promise<PreparedMove> {
  const verified = await verifyCall(
    call,
    { audience: "data.provisioner", org, jobs: ["lifecycle"] },
    unit.keys,
    unit.now(),
  );
  const scope = callScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  if (typeof target !== "string" || !placementNamePattern.test(target)) return refused("no_such_placement");
  const placement = unit.config.placements.get(target);
  if (placement === undefined) return refused("no_such_placement");
  await refuseErased(unit.directory, scope);
  const begun = await begin(unit.directory, scope, target);
  const standing = await stateOf(unit.directory, scope);
  if (standing === null) return refused("not_ready");
  const { step } = standing;
  // As long as the directory has not moved; later the role is there and in use.
  const isOpen = step === "announced" || step === "closed" || step === "copied";
  if (!isOpen || standing["target"] !== target) return whyNot(standing, target);
  const assigned = await findPlacement(unit.directory, scope);
  if (assigned === null) return refused("not_ready");
  const { current } = await tenantPasswords(unit.config, scope, assigned);
  await transact(unit.config, placement, tenantRoleStatements(tenantIdentifier(org), current));
  return { kind: "prepared", begun, source: assigned.placement, step };
}

/**
 * One statement: a rotation that would be announced meanwhile waits for the row and then finds `moving_to`.
 * @returns whether a move began
 */
async function begin(directory: Database, { org }: OrgScope, target: string): Promise<boolean> {
  const rows = await directory.query(sql`
    WITH room AS (
      SELECT p.name FROM control.placements p WHERE p.name = ${target} AND p.tenants_max >
        (SELECT count(*) FROM control.organisation_placements o WHERE p.name IN (o.placement, o.moving_to))
    ), begun AS (
      UPDATE control.organisation_placements o SET moving_to = room.name FROM room
      WHERE o.org_id = ${org} AND o.placement <> room.name AND o.moving_to IS NULL AND o.rotating_to IS NULL
        AND o.ready_at IS NOT NULL AND o.closed_at IS NULL
        AND NOT EXISTS (SELECT FROM control.placement_moves m WHERE m.org_id = o.org_id)
      RETURNING o.org_id, o.placement, o.moving_to
    )
    INSERT INTO control.placement_moves (org_id, source, target) SELECT org_id, placement, moving_to FROM begun
    RETURNING org_id`);
  return rows.length > 0;
}

async function stateOf(directory: Database, { org }: OrgScope): Promise<Row | null> {
  const [row] = await directory.query(
    sql`SELECT o.placement, o.ready_at IS NOT NULL AS ready, o.closed_at IS NOT NULL AS closed,
          o.rotating_to IS NOT NULL AS rotating, m.step, m.source, m.target
        FROM control.organisation_placements o LEFT JOIN control.placement_moves m USING (org_id)
        WHERE o.org_id = ${org}`,
    { readOnly: true },
  );
  return row ?? null;
}

function whyNot(standing: Row, target: string): PreparedMove {
  const { step, source } = standing;
  if (typeof step === "string") {
    if (standing["target"] !== target) return refused(step === "done" ? "moved_lately" : "moving_elsewhere");
    return { kind: "prepared", begun: false, source: String(source), step };
  }
  if (standing["ready"] !== true) return refused("not_ready");
  if (standing["closed"] === true) return refused("closed");
  if (standing["placement"] === target) return refused("same_placement");
  return refused(standing["rotating"] === true ? "rotating" : "full");
}

const refused = (why: MoveRefusal): PreparedMove => ({ kind: "refused", why });
