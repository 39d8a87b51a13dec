/** The rights of the newest version of a tenant's schema, read from one that was made by the migrations alone. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import type { TenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { fingerprintStatements } from "../../../workers/data/provisioner/rights/compare.ts";

export interface TenantRights {
  readonly number: number;
  readonly fingerprint: string;
  readonly statements: readonly string[];
}

const target = fileURLToPath(new URL("../../../workers/data/provisioner/rights/tenant-rights.ts", import.meta.url));
const placeholder = "{{tenant}}";

/** Each query's `$1` is the schema; its rows are statements, in order. */
const queries: readonly string[] = [
  `SELECT 'GRANT ' || string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) || ' ON SCHEMA ' || n.nspname || ' TO ' || a.grantee::regrole
   FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = $1 AND a.grantee <> n.nspowner GROUP BY n.nspname, a.grantee`,
  `SELECT format('ALTER TABLE %s %s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY', c.oid::regclass,
     CASE WHEN c.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END, CASE WHEN c.relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END)
   FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'telemetry_unmoved' ORDER BY 1`,
  `SELECT format('GRANT %s ON TABLE %s TO %s', string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type), c.oid::regclass, a.grantee::regrole)
   FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = $1::regnamespace AND NOT c.relispartition AND a.grantee <> c.relowner
   GROUP BY c.oid, a.grantee ORDER BY 1`,
  `SELECT format('GRANT %s (%I) ON TABLE %s TO %s', a.privilege_type, t.attname, c.oid::regclass, a.grantee::regrole)
   FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
   WHERE c.relnamespace = $1::regnamespace AND NOT c.relispartition AND a.grantee <> c.relowner ORDER BY 1`,
  `SELECT pg_get_functiondef(f.oid) FROM pg_proc f WHERE f.pronamespace = $1::regnamespace ORDER BY f.oid`,
  `SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', f.oid::regprocedure, a.grantee::regrole)
   FROM pg_proc f, aclexplode(f.proacl) a WHERE f.pronamespace = $1::regnamespace AND a.grantee <> f.proowner ORDER BY 1`,
  `SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, c.oid::regclass, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
       (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END, ', ' ORDER BY r::regrole::text) FROM unnest(p.polroles) r))
     || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '') || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
   FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = $1::regnamespace ORDER BY 1`,
  `SELECT format('ALTER TABLE %s ENABLE TRIGGER %I', c.oid::regclass, g.tgname) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
   WHERE c.relnamespace = $1::regnamespace AND NOT g.tgisinternal AND NOT c.relispartition ORDER BY 1`,
];

/** @param client in a transaction, with the rights of the schema's owner */
export async function readRights(client: pg.ClientBase, name: string, number: number): Promise<TenantRights> {
  const [path, compare] = fingerprintStatements([name as TenantIdentifier]);
  await client.query(path.text, path.values);
  const statements: string[] = [];
  for (const query of queries) {
    const { rows } = await client.query<string[]>({ text: query, values: [name], rowMode: "array" });
    statements.push(...rows.flat().map((statement) => statement.replaceAll(name, placeholder)));
  }
  const { rows } = await client.query<{ fingerprint: string }>(compare.text, compare.values);
  const [row] = rows;
  if (row === undefined) throw new Error("there is no schema to read rights from");
  return { number, fingerprint: row.fingerprint, statements };
}

/** The module's text. */
export function rightsModule({ number, fingerprint, statements }: TenantRights): string {
  return `/** Generated from migrations/tenant by scripts/migrate/schema/dump.ts; change the files there. */
export const tenantRights: { readonly number: number; readonly fingerprint: string; readonly statements: readonly string[] } = ${JSON.stringify({ number, fingerprint, statements }, null, 2)};
`;
}

export function writeRights(rights: TenantRights): void {
  writeFileSync(target, rightsModule(rights));
}
