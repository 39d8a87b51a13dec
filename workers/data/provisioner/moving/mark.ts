/** The mark of a role that an organisation leaves, or has left. */
import type { TenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { type Statement, sql, unsafeRawSql } from "../../../../store/connect.ts";

/** What the catalogue says of such a role. Its own role can't take it away: that takes CREATEROLE. */
const mark = "sentinel: moving away";
/** SQLSTATE of whatever is refused because an organisation is being moved (a class that no standard uses). */
export const movingCode = "SM001";

/**
 * Marks the role. It writes the role's own row besides, so that of a repair that has begun and this one waits for
 * the other and fails: whoever comes second sees what the first has done.
 */
export function markStatements(name: TenantIdentifier): Statement[] {
  const role = unsafeRawSql(name);
  return [sql`ALTER ROLE ${role} NOINHERIT`, sql`COMMENT ON ROLE ${role} IS ${unsafeRawSql(`'${mark}'`)}`];
}

/**
 * Stands before whatever makes or mends a role and its schema: what has looked into the directory before a move
 * began must not open again what the move has shut. @throws (in Postgres) {@link movingCode}
 */
export function refuseMarked(name: TenantIdentifier): Statement {
  return sql`DO ${unsafeRawSql(`$sentinel$ BEGIN
    IF (SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = '${name}') = '${mark}' THEN
      RAISE EXCEPTION 'the organisation is being moved' USING ERRCODE = '${movingCode}';
    END IF;
  END $sentinel$`)}`;
}
