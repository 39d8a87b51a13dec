/**
 * What the control plane knows of one organisation, as a backup takes it along. Columns are named one by one: a
 * column that is added later, a secret perhaps, is not in a backup before somebody writes it here.
 *
 * Not here are password hashes, second factors, sessions and every other secret: they are people's and not the
 * organisation's, and who comes by a backup's key must not come by those.
 */
import type { StreamDescription } from "../../core/backup/header.ts";
import { type Database, type Statement, sql } from "../connect.ts";
import { copyLine } from "../copy-line.ts";
import { identifier } from "../identifier.ts";
import { textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";

interface ControlStream extends StreamDescription {
  /** Its rows. */
  readonly query: (scope: OrgScope) => Statement;
}

const ofOrganisation = ({ org }: OrgScope): Statement => sql`org_id = ${org}`;

function of(
  table: string,
  columns: readonly string[],
  where: (scope: OrgScope) => Statement = ofOrganisation,
): ControlStream {
  const names = columns.map(identifier).reduce((list, name) => sql`${list}, ${name}`);
  return {
    name: `$control.${table}`,
    columns,
    query: (scope) => sql`SELECT ${names} FROM control.${identifier(table)} WHERE ${where(scope)}`,
  };
}

export const controlStreams: readonly ControlStream[] = [
  of("organisations", ["id", "slug", "name", "status", "created_by", "created_at"], ({ org }) => sql`id = ${org}`),
  of("memberships", ["org_id", "user_id", "role", "created_at", "disabled_at"]),
  of(
    "users",
    ["id", "email", "name", "kind", "created_at", "disabled_at"],
    (scope) => sql`id IN (SELECT user_id FROM control.memberships WHERE ${ofOrganisation(scope)})`,
  ),
  of("invitations", [
    "id",
    "org_id",
    "email",
    "role",
    "invited_by",
    "created_at",
    "expires_at",
    "accepted_at",
    "revoked_at",
  ]),
  of("org_policies", ["org_id", "name", "document", "updated_by", "updated_at"]),
  of("api_keys", [
    "id",
    "org_id",
    "user_id",
    "name",
    "prefix",
    "role",
    "created_by",
    "created_at",
    "expires_at",
    "revoked_at",
  ]),
  of("identity_providers", [
    "id",
    "org_id",
    "kind",
    "name",
    "issuer",
    "client_id",
    "enabled",
    "default_role",
    "created_at",
    "updated_at",
  ]),
];

/** Lines of each stream, by its name. */
export type ControlLines = Readonly<Record<string, string>>;

/**
 * All of {@link controlStreams} in one statement and so of one moment, as COPY writes them.
 * @throws DatabaseError
 */
export async function readControlLines(database: Database, scope: OrgScope): Promise<ControlLines> {
  const all = controlStreams
    .map(
      ({ name, columns, query }) => sql`SELECT ${name}::text AS stream,
        coalesce(string_agg(${copyLine(columns)}, ''), '') AS lines FROM (${query(scope)}) content`,
    )
    .reduce((some, part) => sql`${some} UNION ALL ${part}`);
  // The same spelling as a session's settings give; this way has no session.
  const settings = sql`SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),
    set_config('extra_float_digits', '3', true), set_config('bytea_output', 'hex', true)`;
  const [, rows = []] = await database.transaction([settings, all], { readOnly: true });
  return Object.fromEntries(rows.map((row) => [textOf(row, "stream"), textOf(row, "lines")]));
}
