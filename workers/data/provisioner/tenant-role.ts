/** The LOGIN role of one tenant: made, and brought back to what it must be. */
import type { TenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { type Statement, sql, unsafeRawSql } from "../../../store/connect.ts";
import { refuseMarked } from "./moving/mark.ts";

/** Sessions a tenant may hold at once; 450 tenants share a server, and a pooler needs a handful for each. */
export const tenantConnectionsMax = 20;

/** What the role's sessions start with. The role can change each for itself: they guard against accidents, not attacks. */
export function tenantRoleSettings(name: TenantIdentifier): Readonly<Record<string, string>> {
  return {
    search_path: name,
    statement_timeout: "10s",
    lock_timeout: "5s",
    idle_in_transaction_session_timeout: "30s",
  };
}

/** Large objects swept in one run: each takes a lock, and a server's lock table has room for some thousands. */
const sweptObjectsMax = 1000;

/**
 * Sets a role's password. Sessions that are open stay so.
 * @param password 43 characters of base64url; checked again here because it stands in SQL text
 *   (Postgres takes no parameters in ALTER ROLE, and Neon takes no ready-made verifier)
 */
export function passwordStatement(name: TenantIdentifier, password: string): Statement {
  if (!/^[A-Za-z0-9_-]{43}$/.test(password)) throw new Error("a derived password has 43 characters of base64url");
  return sql`ALTER ROLE ${unsafeRawSql(name)} PASSWORD ${unsafeRawSql(`'${password}'`)}`;
}

/**
 * Statements that make the role or repair it: connection limit and settings are set anew each time, and large
 * objects it made are removed, because those are what the role can change itself.
 * @param password null: the role keeps the one it has, which a rotation may be changing
 */
export function tenantRoleStatements(name: TenantIdentifier, password: string | null): Statement[] {
  const role = unsafeRawSql(name);
  const settings = Object.entries(tenantRoleSettings(name)).map(
    ([setting, value]) => sql`ALTER ROLE ${role} SET ${unsafeRawSql(setting)} = ${unsafeRawSql(`'${value}'`)}`,
  );
  return [
    refuseMarked(name),
    sql`DO $sentinel$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${unsafeRawSql(`'${name}'`)}) THEN
        CREATE ROLE ${role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS;
      END IF;
      ${unsafeRawSql(`EXECUTE format('ALTER ROLE ${name} IN DATABASE %I RESET ALL', current_database());`)}
    END $sentinel$`,
    sql`ALTER ROLE ${role} LOGIN NOINHERIT
      CONNECTION LIMIT ${unsafeRawSql(String(tenantConnectionsMax))} VALID UNTIL 'infinity'`,
    ...(password === null ? [] : [passwordStatement(name, password)]),
    sql`ALTER ROLE ${role} RESET ALL`,
    ...settings,
    // The right to connect comes from the group; the role can't become the group.
    sql`GRANT sentinel_tenant TO ${role} WITH INHERIT TRUE, SET FALSE`,
    sweepLargeObjects(name),
  ];
}

/** Any role may make large objects and no REVOKE of ours prevents it; only their owner may remove them. */
export function sweepLargeObjects(name: TenantIdentifier): Statement {
  return sql`DO ${unsafeRawSql(`$sentinel$ BEGIN
    IF EXISTS (SELECT FROM pg_largeobject_metadata WHERE lomowner = '${name}'::regrole) THEN
      GRANT ${name} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
      SET LOCAL ROLE ${name};
      PERFORM pg_catalog.lo_unlink(oid) FROM (
        SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE lomowner = '${name}'::regrole
        LIMIT ${sweptObjectsMax}) made;
      RESET ROLE;
      REVOKE ${name} FROM CURRENT_USER;
    END IF;
  END $sentinel$`)}`;
}
