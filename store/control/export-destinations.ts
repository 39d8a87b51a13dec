/** Where an organisation's exports may go, as its owners and admins see and change it. */
import { destinationsMax, type ExportTarget, type TargetSettings } from "../../core/exports/target.ts";
import type { ExportDestinationId, UserId } from "../../core/ids.ts";
import type { SealedSecret } from "../../core/rpc/export-destinations.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { booleanOf, idOf, instant, textOf, textOrNull } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { applyChange, hasChanged, receiptIfChanged, type WriteRequest } from "./receipts.ts";

export interface StoredDestination extends ExportTarget {
  readonly name: string;
  readonly fingerprint: string;
  readonly secretSince: string;
  /** Null: nobody ever tried it, or not since it was changed. */
  readonly testedAt: string | null;
  /** What came of it; null: it was taken. */
  readonly testFailure: string | null;
  readonly createdBy: UserId;
  readonly createdAt: string;
}

const columns = sql`d.id, d.name, d.kind, d.settings, d.sealed, d.fingerprint,
  control.rfc3339(d.secret_since) AS secret_since, control.rfc3339(d.tested_at) AS tested_at, d.test_failure, d.created_by,
  control.rfc3339(d.created_at) AS created_at`;

/** All of them, the oldest first. */
export async function listDestinations(database: Database, { org }: OrgScope): Promise<StoredDestination[]> {
  const rows = await database.query(
    sql`SELECT ${columns} FROM control.export_destinations d WHERE d.org_id = ${org} ORDER BY d.id LIMIT ${destinationsMax}`,
    { readOnly: true },
  );
  return rows.map(destinationOf);
}

/** One of the organisation's; null: it has none of that id. */
export async function findDestination(
  database: Database,
  scope: OrgScope,
  id: ExportDestinationId,
): Promise<StoredDestination | null> {
  const [row] = await database.query(oneOf(scope, id), { readOnly: true });
  return row === undefined ? null : destinationOf(row);
}

const oneOf = ({ org }: OrgScope, id: ExportDestinationId): Statement =>
  sql`SELECT ${columns} FROM control.export_destinations d WHERE d.org_id = ${org} AND d.id = ${id}`;

/** Adds one. Null: there is one of that name, or there are as many as there may be. */
export async function addDestination(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  given: {
    readonly id: ExportDestinationId;
    readonly name: string;
    readonly settings: TargetSettings;
    readonly secret: SealedSecret;
    readonly by: UserId;
  },
): Promise<StoredDestination | null> {
  const { id, name, settings, secret, by } = given;
  const now = instant(write.nowMs);
  const [, , rows = []] = await database.transaction([
    // Who adds waits for who adds: the limit counts all of them.
    sql`SELECT id FROM control.organisations WHERE id = ${scope.org} FOR UPDATE`,
    sql`WITH changed AS (
        INSERT INTO control.export_destinations (id, org_id, name, kind, settings, sealed, fingerprint, secret_since,
          created_by, created_at)
        SELECT ${id}, ${scope.org}, ${name}, ${settings.kind}, ${JSON.stringify(settings)}::text::jsonb, ${secret.sealed},
          ${secret.fingerprint}, ${now}::timestamptz, ${by}, ${now}::timestamptz
        WHERE (SELECT count(*) FROM control.export_destinations c WHERE c.org_id = ${scope.org}) < ${destinationsMax}
        ON CONFLICT DO NOTHING RETURNING 1),
      receipt AS (${receiptIfChanged(write, scope)}) SELECT EXISTS (SELECT FROM changed) AS changed`,
    oneOf(scope, id),
  ]);
  const row = rows[0];
  return row === undefined ? null : destinationOf(row);
}

/**
 * Changes settings as a whole and, where there is a new one, the secret. What a test said of the one before is
 * forgotten.
 * @param from settings that the decision was made on: a secret never goes where somebody else pointed it meanwhile
 */
export async function changeDestination(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  change: {
    readonly id: ExportDestinationId;
    readonly name: string;
    readonly settings: TargetSettings;
    readonly from: TargetSettings;
    readonly secret: SealedSecret | null;
  },
): Promise<StoredDestination | "not_found" | "conflict"> {
  const { id, name, settings, from, secret } = change;
  const replaced =
    secret === null
      ? sql``
      : sql`, sealed = ${secret.sealed}, fingerprint = ${secret.fingerprint},
          secret_since = ${instant(write.nowMs)}::timestamptz`;
  const [done, rows = []] = await database.transaction([
    sql`WITH changed AS (
        UPDATE control.export_destinations d SET name = ${name}, settings = ${JSON.stringify(settings)}::text::jsonb,
          tested_at = NULL, test_failure = NULL ${replaced}
        WHERE d.org_id = ${scope.org} AND d.id = ${id} AND d.kind = ${settings.kind}
          AND d.settings = ${JSON.stringify(from)}::text::jsonb
          AND NOT EXISTS (SELECT FROM control.export_destinations o
            WHERE o.org_id = ${scope.org} AND o.name = ${name} AND o.id <> d.id)
        RETURNING 1),
      receipt AS (${receiptIfChanged(write, scope)}) SELECT EXISTS (SELECT FROM changed) AS changed`,
    oneOf(scope, id),
  ]);
  const row = rows[0];
  if (row === undefined) return "not_found";
  return hasChanged(done) ? destinationOf(row) : "conflict";
}

/** Takes one away, with its secret. @returns false: there was none */
export async function removeDestination(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  id: ExportDestinationId,
): Promise<boolean> {
  return await applyChange(
    database,
    write,
    scope,
    sql`DELETE FROM control.export_destinations WHERE org_id = ${scope.org} AND id = ${id} RETURNING 1`,
  );
}

/** Writes down what a test came to. @param failure null: it was taken @returns false: there is none any more */
export async function noteTest(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  { id, failure }: { readonly id: ExportDestinationId; readonly failure: string | null },
): Promise<boolean> {
  return await applyChange(
    database,
    write,
    scope,
    sql`UPDATE control.export_destinations SET tested_at = ${instant(write.nowMs)}::timestamptz,
        test_failure = ${failure} WHERE org_id = ${scope.org} AND id = ${id} RETURNING 1`,
  );
}

function destinationOf(row: Row): StoredDestination {
  return {
    id: idOf("exportDestination", row, "id"),
    name: textOf(row, "name"),
    settings: settingsOf(row),
    sealed: textOf(row, "sealed"),
    fingerprint: textOf(row, "fingerprint"),
    secretSince: textOf(row, "secret_since"),
    testedAt: textOrNull(row, "tested_at"),
    testFailure: textOrNull(row, "test_failure"),
    createdBy: idOf("user", row, "created_by"),
    createdAt: textOf(row, "created_at"),
  };
}

function settingsOf(row: Row): TargetSettings {
  const settings = row["settings"] as Row;
  if (row["kind"] === "webhook") return { kind: "webhook", url: textOf(settings, "url") };
  return {
    kind: "bucket",
    endpoint: textOf(settings, "endpoint"),
    region: textOf(settings, "region"),
    bucket: textOf(settings, "bucket"),
    prefix: textOf(settings, "prefix"),
    pathStyle: booleanOf(settings, "pathStyle"),
    accessKeyId: textOf(settings, "accessKeyId"),
  };
}
