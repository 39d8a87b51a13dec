/** Puts a schema's rights back to what its version has. */
import type { TenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { type Statement, sql, unsafeRawSql } from "../../../../store/connect.ts";
import { tenantRights } from "./tenant-rights.ts";

/** A request of that tenant may hold a table for this long before the repair gives up and comes again. */
const lockMsMax = 2_000;

/**
 * Statements of one transaction, for a schema that is at the newest migration: every right and policy goes and
 * what should be there is made again, so that what should not be there is gone too. Requests wait meanwhile and
 * never see a state between.
 */
export function restoreRightsStatements(name: TenantIdentifier): Statement[] {
  const text = (statement: string): Statement => sql`${unsafeRawSql(statement.replaceAll("{{tenant}}", name))}`;
  return [
    sql`SELECT set_config('lock_timeout', ${`${lockMsMax}ms`}, true)`,
    text(clearing),
    ...tenantRights.statements.map(text),
  ];
}

/** Takes every right from everybody but the owner, drops every policy, and shuts every partition. */
const clearing = `DO $sentinel$
DECLARE
  found record;
BEGIN
  FOR found IN SELECT p.polname, c.oid::regclass AS on_table FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = '{{tenant}}'::regnamespace LOOP
    EXECUTE format('DROP POLICY %I ON %s', found.polname, found.on_table);
  END LOOP;
  FOR found IN SELECT DISTINCT c.oid::regclass AS on_table, a.grantee FROM pg_class c,
      LATERAL (SELECT grantee FROM aclexplode(c.relacl) UNION SELECT x.grantee FROM pg_attribute t, aclexplode(t.attacl) x WHERE t.attrelid = c.oid) a
    WHERE c.relnamespace = '{{tenant}}'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.grantee <> c.relowner LOOP
    EXECUTE format('REVOKE ALL ON TABLE %s FROM %s CASCADE', found.on_table, CASE found.grantee WHEN 0 THEN 'PUBLIC' ELSE found.grantee::regrole::text END);
  END LOOP;
  FOR found IN SELECT DISTINCT f.oid::regprocedure AS what, a.grantee FROM pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
    WHERE f.pronamespace = '{{tenant}}'::regnamespace AND a.grantee <> f.proowner LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s CASCADE', found.what, CASE found.grantee WHEN 0 THEN 'PUBLIC' ELSE found.grantee::regrole::text END);
  END LOOP;
  FOR found IN SELECT DISTINCT a.grantee FROM pg_namespace n, aclexplode(n.nspacl) a
    WHERE n.oid = '{{tenant}}'::regnamespace AND a.grantee <> n.nspowner LOOP
    EXECUTE format('REVOKE ALL ON SCHEMA {{tenant}} FROM %s CASCADE', CASE found.grantee WHEN 0 THEN 'PUBLIC' ELSE found.grantee::regrole::text END);
  END LOOP;
  FOR found IN SELECT c.oid::regclass AS what FROM pg_class c
    WHERE c.relnamespace = '{{tenant}}'::regnamespace AND c.relispartition AND c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity) LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', found.what);
  END LOOP;
END $sentinel$`;
