/**
 * What decides who may do what in a tenant's schema, as one hash: owners, rights, row-level security, policies,
 * functions and triggers. A tenant's role owns none of them and can't alter them, but may throw its own rights
 * away (`DROP OWNED BY`); and an operator's hand may slip.
 */
import type { TenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { type Database, type Statement, sql } from "../../../../store/connect.ts";

/** Tenants compared by one statement: some 3 ms each, well below what a statement may take. */
export const comparedAtOnce = 50;

/** `{role}` and `{schema}` stand for the tenant's name, so that all tenants of a version have one hash. */
const grantee = sql`CASE a.grantee WHEN 0 THEN 'PUBLIC' WHEN n.nspname::regrole THEN '{role}' ELSE a.grantee::regrole::text END`;
const privileges = (acl: Statement, owner: Statement): Statement => sql`coalesce((
  SELECT string_agg(entry, ',' ORDER BY entry COLLATE "C") FROM (
    SELECT ${grantee} || '=' || a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END AS entry
    FROM aclexplode(${acl}) a WHERE a.grantee <> ${owner}) granted), 'nobody')`;

/** One line for each thing of schema `n`. Texts of functions are compared as they were written, so no version of Postgres words them otherwise. */
const lines = (names: readonly TenantIdentifier[]): Statement => {
  const of = sql`n.nspname = ANY (${names}::text[])`;
  return sql`
  SELECT n.nspname AS name, 'schema ' || n.nspowner::regrole || ' ' || ${privileges(sql`coalesce(n.nspacl, acldefault('n', n.nspowner))`, sql`n.nspowner`)} AS line FROM pg_namespace n WHERE ${of}
  UNION ALL
  SELECT n.nspname, 'relation ' || c.relname || ' ' || c.relkind::text || ' ' || c.relowner::regrole || ' ' || c.relrowsecurity || c.relforcerowsecurity
    || ' ' || ${privileges(sql`coalesce(c.relacl, acldefault('r', c.relowner))`, sql`c.relowner`)}
    || coalesce((SELECT string_agg(' ' || t.attname || ':' || ${privileges(sql`t.attacl`, sql`c.relowner`)}, '' ORDER BY t.attname COLLATE "C")
        FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL AND NOT t.attisdropped), '')
  FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid WHERE ${of} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    -- What a job removes once it is empty, and partitions while they are what the functions make: nobody's but the owner's.
    AND (c.relname <> 'telemetry_unmoved' OR EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner))
    AND NOT (c.relispartition AND c.relrowsecurity AND c.relforcerowsecurity AND c.relowner = n.nspowner
      AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner)
      AND NOT EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL)
      AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
  UNION ALL
  SELECT n.nspname, 'policy ' || c.relname || ' ' || p.polname || ' ' || p.polpermissive || ' ' || p.polcmd::text || ' '
    || (SELECT string_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' WHEN n.nspname::regrole THEN '{role}' ELSE a.grantee::regrole::text END, ',' ORDER BY 1)
        FROM unnest(p.polroles) a (grantee))
    || ' ' || replace(concat_ws(' check ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), n.nspname, '{schema}')
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${of}
  UNION ALL
  SELECT n.nspname, 'function ' || f.proname || '(' || pg_get_function_identity_arguments(f.oid) || ') ' || f.proowner::regrole || ' ' || f.prosecdef
    || ' ' || coalesce(array_to_string(f.proconfig, ','), '') || ' ' || md5(replace(f.prosrc, n.nspname, '{schema}'))
    || ' ' || ${privileges(sql`coalesce(f.proacl, acldefault('f', f.proowner))`, sql`f.proowner`)}
  FROM pg_namespace n JOIN pg_proc f ON f.pronamespace = n.oid WHERE ${of}
  UNION ALL
  SELECT n.nspname, 'trigger ' || c.relname || ' ' || g.tgname || ' ' || g.tgenabled::text || ' ' || replace(g.tgfoid::regprocedure::text, n.nspname, '{schema}')
  FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${of} AND NOT g.tgisinternal AND NOT c.relispartition
  UNION ALL
  SELECT n.nspname, 'rule ' || c.relname || ' ' || w.rulename FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${of}`;
};

/** Names in definitions are then in full, whatever the session's own path. */
const plainPath = sql`SELECT set_config('search_path', 'pg_catalog', true)`;

/** Statements of one transaction; the last one's rows are (name, fingerprint), schemas that don't exist left out. */
export function fingerprintStatements(names: readonly TenantIdentifier[]): [Statement, Statement] {
  return [
    plainPath,
    sql`SELECT name, md5(string_agg(line, E'\\n' ORDER BY line COLLATE "C")) AS fingerprint FROM (${lines(names)}) told GROUP BY name`,
  ];
}

/**
 * @param provisioner a placement, as the role that owns tenants' schemas
 * @returns by name; who has no schema is absent
 * @throws DatabaseError
 */
export async function fingerprints(
  provisioner: Database,
  names: readonly TenantIdentifier[],
): Promise<Map<TenantIdentifier, string>> {
  const [, rows] = await provisioner.transaction(fingerprintStatements(names), { readOnly: true });
  return new Map((rows ?? []).map((row) => [row["name"] as TenantIdentifier, String(row["fingerprint"])]));
}

/**
 * Whether a schema lets anybody through who should not be: its rows, rights or functions are somebody else's or
 * everybody's, or a table that the tenant's role may touch is not under row-level security. Narrower than the hash:
 * what this finds and no repair mends is reason to connect nobody.
 * @throws DatabaseError
 */
export async function isExposed(provisioner: Database, name: TenantIdentifier): Promise<boolean> {
  const [, rows] = await provisioner.transaction(
    [
      plainPath,
      sql`SELECT 1 FROM pg_namespace n WHERE n.nspname = ${name} AND (
            EXISTS (SELECT FROM aclexplode(n.nspacl) a WHERE a.grantee NOT IN (n.nspowner, n.nspname::regrole))
            OR EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = n.oid
              AND (a.grantee NOT IN (c.relowner, n.nspname::regrole) OR c.relowner <> n.nspowner
                OR (a.grantee <> c.relowner AND NOT c.relrowsecurity)))
            OR EXISTS (SELECT FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
              WHERE c.relnamespace = n.oid AND (a.grantee NOT IN (c.relowner, n.nspname::regrole) OR NOT c.relrowsecurity))
            OR EXISTS (SELECT FROM pg_proc f WHERE f.pronamespace = n.oid AND (f.proowner <> n.nspowner OR f.proacl IS NULL
              OR EXISTS (SELECT FROM aclexplode(f.proacl) a WHERE a.grantee NOT IN (f.proowner, n.nspname::regrole))))
            OR EXISTS (SELECT FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = n.oid AND 0 = ANY (p.polroles)))`,
    ],
    { readOnly: true },
  );
  return (rows ?? []).length > 0;
}
