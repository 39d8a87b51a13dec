/** Witnesses that an organisation lets cosign its audit log's checkpoints. */
import type { OrgId, UserId, WitnessId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { lockMembers } from "./change-member.ts";
import { booleanOf, idOf, instant, textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { applyChange, receiptIfChanged, type WriteRequest } from "./receipts.ts";

/** Witnesses of one organisation: a school's own, its board's, an auditor's or two. A note holds 15. */
export const witnessesMax = 8;

export interface Witness {
  readonly id: WitnessId;
  /** What people call it. */
  readonly name: string;
  /** `name+id+key`, as C2SP signed-note writes a key. */
  readonly verifier: string;
  readonly createdBy: UserId;
  readonly createdAt: string;
}

export interface NewWitness {
  readonly id: WitnessId;
  readonly name: string;
  readonly verifier: string;
  /** Lower-case hex SHA-256 of its token. */
  readonly secretHash: string;
  readonly createdBy: UserId;
}

/** Stores a witness. `taken`: the organisation has one whose key bears this name. */
export async function addWitness(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  { id, name, verifier, secretHash, createdBy }: NewWitness,
): Promise<"added" | "taken" | "too_many"> {
  const { org } = scope;
  const [, rows] = await database.transaction([
    lockMembers(scope),
    sql`WITH room AS (
        SELECT count(*) < ${witnessesMax} AS fits FROM control.audit_witnesses WHERE org_id = ${org}),
      changed AS (
        INSERT INTO control.audit_witnesses (id, org_id, name, verifier, secret_hash, created_by, created_at)
        SELECT ${id}, ${org}, ${name}, ${verifier}, ${secretHash}, ${createdBy}, ${instant(write.nowMs)}::timestamptz
        FROM room WHERE fits ON CONFLICT DO NOTHING RETURNING 1),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT fits, EXISTS (SELECT FROM changed) AS added FROM room`,
  ]);
  const row = rows?.[0] ?? {};
  if (!booleanOf(row, "fits")) return "too_many";
  return booleanOf(row, "added") ? "added" : "taken";
}

/** All of them, oldest first. */
export async function listWitnesses(database: Database, { org }: OrgScope): Promise<Witness[]> {
  const rows = await database.query(
    sql`SELECT id, name, verifier, created_by, control.rfc3339(created_at) AS created_at
      FROM control.audit_witnesses WHERE org_id = ${org} ORDER BY id`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    id: idOf("witness", row, "id"),
    name: textOf(row, "name"),
    verifier: textOf(row, "verifier"),
    createdBy: idOf("user", row, "created_by"),
    createdAt: textOf(row, "created_at"),
  }));
}

/** Removes a witness; its token opens nothing from here on. False when the organisation has none of this id. */
export async function removeWitness(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  id: WitnessId,
): Promise<boolean> {
  const change = sql`DELETE FROM control.audit_witnesses WHERE org_id = ${scope.org} AND id = ${id} RETURNING 1`;
  return await applyChange(database, write, scope, change);
}

/**
 * Whom a witness's token belongs to. Null unless it is a token of exactly the organisation that was addressed,
 * and that one is open.
 * @param orgReference id or slug, as it stood in the path
 * @param secretHash lower-case hex SHA-256 of the token
 */
export async function findWitness(
  database: Database,
  orgReference: string,
  secretHash: string,
): Promise<{ readonly org: OrgId; readonly verifier: string } | null> {
  const [row] = await database.query(
    sql`SELECT w.org_id, w.verifier FROM control.audit_witnesses w JOIN control.organisations o ON o.id = w.org_id
      WHERE w.secret_hash = ${secretHash} AND o.status = 'active'
        AND (o.id = ${orgReference} OR o.slug = ${orgReference})`,
    { readOnly: true },
  );
  if (row === undefined) return null;
  return { org: idOf("org", row, "org_id"), verifier: textOf(row, "verifier") };
}
