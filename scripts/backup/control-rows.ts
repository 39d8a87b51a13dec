/**
 * What the control plane knows of one organisation, as a backup takes it along. Columns are named one by one: a
 * column that is added later, a secret perhaps, is not in a backup before somebody writes it here.
 *
 * Not here are password hashes, second factors, sessions and every other secret: they are people's and not the
 * organisation's, and who comes by a backup's key must not come by those.
 */
import type pg from "pg";
import type { StreamDescription } from "../../core/backup/header.ts";
import type { OrgId } from "../../core/ids.ts";
import { copyOut } from "./copy.ts";
import { textSettings } from "./snapshot.ts";

interface ControlStream extends StreamDescription {
  /** Rows of the organisation whose id is named ORG in it. */
  readonly query: string;
}

const of = (table: string, columns: readonly string[], where: string): ControlStream => ({
  name: `$control.${table}`,
  columns,
  query: `SELECT ${columns.join(", ")} FROM control.${table} WHERE ${where}`,
});

export const controlStreams: readonly ControlStream[] = [
  of("organisations", ["id", "slug", "name", "status", "created_by", "created_at"], "id = ORG"),
  of("memberships", ["org_id", "user_id", "role", "created_at", "disabled_at"], "org_id = ORG"),
  of(
    "users",
    ["id", "email", "name", "kind", "created_at", "disabled_at"],
    "id IN (SELECT user_id FROM control.memberships WHERE org_id = ORG)",
  ),
  of(
    "invitations",
    ["id", "org_id", "email", "role", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at"],
    "org_id = ORG",
  ),
  of("org_policies", ["org_id", "name", "document", "updated_by", "updated_at"], "org_id = ORG"),
  of(
    "api_keys",
    ["id", "org_id", "user_id", "name", "prefix", "role", "created_by", "created_at", "expires_at", "revoked_at"],
    "org_id = ORG",
  ),
  of(
    "identity_providers",
    ["id", "org_id", "kind", "name", "issuer", "client_id", "enabled", "default_role", "created_at", "updated_at"],
    "org_id = ORG",
  ),
];

/** A snapshot of its own: the control plane may be another cluster, and two clusters have no common moment. */
export async function openControlSnapshot(client: pg.ClientBase): Promise<void> {
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${textSettings}`);
}

/** COPY's lines of one of {@link controlStreams}. */
export function readControl(
  client: pg.ClientBase,
  org: OrgId,
  stream: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const found = controlStreams.find(({ name }) => name === stream);
  if (found === undefined) throw new Error("there is no such stream of the control plane");
  // COPY takes no parameters. An OrgId was parsed: it holds no quote.
  return copyOut(client, `COPY (${found.query.replaceAll("ORG", `'${org}'`)}) TO STDOUT`);
}
