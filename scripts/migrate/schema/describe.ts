/**
 * What a schema is, as sorted lines of text: the catalogue's own words for everything that decides what is
 * stored and who may do what. Two databases with the same lines behave the same. (The embedded server ships no
 * pg_dump, and a dump would name the tenant in every line.)
 */
import type pg from "pg";

/** Relations of the schemas, with the partitions told apart: they come and go with time and are compared as one. */
const relations = `
  SELECT c.*, n.nspname, CASE WHEN c.relispartition THEN i.inhparent END AS parent,
    CASE WHEN c.relispartition THEN 'a partition of ' || i.inhparent::regclass ELSE c.oid::regclass::text END AS title
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
  WHERE c.oid = ANY ($1::oid[])`;

/** Who may do what, sorted; the grantor is always the owner, or it is named. */
const privileges = (acl: string, kind: string, owner: string): string => `
  coalesce((SELECT string_agg(line, ', ' ORDER BY line COLLATE "C") FROM (
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END || '='
      || string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END, '+' ORDER BY a.privilege_type COLLATE "C")
      || CASE WHEN a.grantor = ${owner} THEN '' ELSE ' by ' || a.grantor::regrole::text END AS line
    FROM aclexplode(coalesce(${acl}, acldefault('${kind}', ${owner}))) a GROUP BY a.grantee, a.grantor) granted), 'nobody')`;

/** Of relations, whose ids are $1: the catalogue has an index on those and none on their schema. */
const relationQueries: readonly string[] = [
  `SELECT 'relation ' || r.title || ' kind ' || r.relkind::text || ' persistence ' || r.relpersistence::text
     || ' owner ' || r.relowner::regrole || ' options ' || coalesce(array_to_string(r.reloptions, ','), 'none')
     || ' rls ' || r.relrowsecurity || '/' || r.relforcerowsecurity
     || coalesce(' partitioned by ' || pg_get_partkeydef(r.oid), '')
     || ' to ' || CASE WHEN r.relkind = 'S' THEN ${privileges("r.relacl", "s", "r.relowner")} ELSE ${privileges("r.relacl", "r", "r.relowner")} END AS line, r.nspname AS schema
   FROM (${relations}) r WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`,
  `SELECT 'column ' || r.title || '.' || CASE WHEN r.parent IS NULL THEN lpad(a.position::text, 2, '0') || ' ' ELSE '' END || a.attname
     || ' ' || format_type(a.atttypid, a.atttypmod)
     || CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::regcollation ELSE '' END
     || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
     || CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END
     || CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text ELSE '' END
     || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
     || CASE WHEN a.attacl IS NULL THEN '' ELSE ' to ' || ${privileges("a.attacl", "c", "r.relowner")} END AS line, r.nspname AS schema
   FROM (${relations}) r
   JOIN (SELECT *, row_number() OVER (PARTITION BY attrelid ORDER BY attnum) AS position
         FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped) a ON a.attrelid = r.oid
   JOIN pg_type t ON t.oid = a.atttypid
   LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f')`,
  // Not-null constraints (kind n, new in 18) say the same as the columns.
  `SELECT 'constraint ' || r.title || ' ' || CASE WHEN r.parent IS NULL THEN k.conname ELSE '' END || ' ' || pg_get_constraintdef(k.oid)
     || CASE WHEN k.convalidated THEN '' ELSE ' not validated' END AS line, r.nspname AS schema
   FROM (${relations}) r JOIN pg_constraint k ON k.conrelid = r.oid WHERE k.contype <> 'n'`,
  `SELECT 'index ' || pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ' invalid' END AS line, r.nspname AS schema
   FROM (${relations}) r JOIN pg_index x ON x.indrelid = r.oid WHERE r.parent IS NULL`,
  // A partition's name stands in its index's definition, so of those only the columns are told.
  `SELECT 'index on ' || r.title || ' (' || (SELECT string_agg(pg_get_indexdef(x.indexrelid, k, true), ', ' ORDER BY k)
       FROM generate_series(1, x.indnatts) k) || ')' || CASE WHEN x.indisunique THEN ' unique' ELSE '' END
     || CASE WHEN x.indisvalid THEN '' ELSE ' invalid' END AS line, r.nspname AS schema
   FROM (${relations}) r JOIN pg_index x ON x.indrelid = r.oid WHERE r.parent IS NOT NULL`,
  `SELECT 'trigger ' || CASE WHEN r.parent IS NULL THEN pg_get_triggerdef(g.oid) ELSE g.tgname || ' on ' || r.title || ' runs ' || g.tgfoid::regprocedure || ' type ' || g.tgtype END
     || ' enabled ' || g.tgenabled::text AS line, r.nspname AS schema
   FROM (${relations}) r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE NOT g.tgisinternal`,
  `SELECT 'policy ' || p.polname || ' on ' || r.title || CASE WHEN p.polpermissive THEN '' ELSE ' restrictive' END || ' for ' || p.polcmd::text
     || ' to ' || (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE o::regrole::text END, ', ' ORDER BY o::regrole::text COLLATE "C") FROM unnest(p.polroles) o)
     || coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), '') || coalesce(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '') AS line, r.nspname AS schema
   FROM (${relations}) r JOIN pg_policy p ON p.polrelid = r.oid`,
  `SELECT 'view ' || r.title || ' ' || pg_get_viewdef(r.oid) AS line, r.nspname AS schema FROM (${relations}) r WHERE r.relkind IN ('v', 'm')`,
  `SELECT 'rule ' || pg_get_ruledef(w.oid) AS line, r.nspname AS schema FROM (${relations}) r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'`,
];

/** Of the rest of the schemas, whose names are $1. */
const schemaQueries: readonly string[] = [
  `SELECT 'schema ' || n.nspname || ' owner ' || n.nspowner::regrole || ' to ' || ${privileges("n.nspacl", "n", "n.nspowner")} AS line, n.nspname AS schema
   FROM pg_namespace n WHERE n.nspname = ANY ($1::text[])`,
  `SELECT 'function ' || pg_get_functiondef(f.oid) || ' owner ' || f.proowner::regrole || ' to ' || ${privileges("f.proacl", "f", "f.proowner")} AS line, n.nspname AS schema
   FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE n.nspname = ANY ($1::text[]) AND f.prokind IN ('f', 'p')`,
  `SELECT 'type ' || t.oid::regtype || ' kind ' || t.typtype::text || ' owner ' || t.typowner::regrole
     || coalesce(' values ' || (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), '')
     || CASE WHEN t.typtype = 'd' THEN ' of ' || format_type(t.typbasetype, t.typtypmod) || coalesce((SELECT string_agg(' ' || pg_get_constraintdef(k.oid), '' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid), '') ELSE '' END AS line, n.nspname AS schema
   FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE n.nspname = ANY ($1::text[]) AND t.typtype IN ('e', 'd', 'r')`,
  `SELECT 'statistics ' || pg_get_statisticsobjdef(s.oid) AS line, n.nspname AS schema
   FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE n.nspname = ANY ($1::text[])`,
  `SELECT 'default privileges in ' || coalesce(n.nspname, 'any schema') || ' of ' || d.defaclrole::regrole || ' for ' || d.defaclobjtype::text
     || ' to ' || coalesce((SELECT string_agg(item::text, ', ' ORDER BY item::text COLLATE "C") FROM unnest(d.defaclacl) item), 'nobody') AS line, n.nspname AS schema
   FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
   WHERE n.nspname = ANY ($1::text[])`,
];

/**
 * Reads the catalogue; no table of the schemas is touched and no lock is taken on one.
 * @param client in a transaction, whose search_path this sets: definitions then name everything in full
 * @param names what to call a name that is each database's own, such as a tenant's: `[name, placeholder]`
 * @returns lines in order, each once
 */
export async function describeSchemas(
  client: pg.ClientBase,
  schemas: readonly string[],
  names: readonly (readonly [string, string])[] = [],
): Promise<string[]> {
  await client.query("SET LOCAL search_path = pg_catalog");
  const ids = await relationIds(client, schemas);
  const lines = new Set<string>();
  const tell = async (query: string, subject: readonly unknown[]): Promise<void> => {
    const { rows } = await client.query<{ line: string }>(query, [subject]);
    for (const { line } of rows)
      lines.add(names.reduce((text, [name, placeholder]) => text.replaceAll(name, placeholder), line));
  };
  for (const query of relationQueries) await tell(query, ids);
  for (const query of schemaQueries) await tell(query, schemas);
  return [...lines].sort();
}

/** One statement over many schemas: rows (schema, line), each once, with the schema's own name taken out of its lines. */
const everything = `SELECT DISTINCT schema, replace(line, schema, $3) AS line FROM (
  ${[...relationQueries, ...schemaQueries.map((query) => query.replaceAll("$1::text[]", "$2::text[]"))].join("\n UNION ALL ")}) told`;

/**
 * The same as one hash for each schema, many schemas in one statement: planning a catalogue's query takes longer than
 * reading one schema with it.
 * @param client in a transaction, whose search_path this sets
 * @param placeholder what to call a schema's own name in its lines
 * @param without SQL over `line` that says which lines don't count
 * @returns by schema: MD5 over its lines in the order of their bytes, parted by line feeds
 */
export async function hashSchemas(
  client: pg.ClientBase,
  schemas: readonly string[],
  { placeholder, without }: { readonly placeholder: string; readonly without: string },
): Promise<Map<string, string>> {
  await client.query("SET LOCAL search_path = pg_catalog");
  const ids = await relationIds(client, schemas);
  const { rows } = await client.query<{ schema: string; hash: string }>(
    `SELECT schema, md5(string_agg(line, E'\\n' ORDER BY line COLLATE "C")) AS hash
     FROM (${everything}) lines WHERE NOT (${without}) GROUP BY schema`,
    [ids, schemas, placeholder],
  );
  return new Map(rows.map(({ schema, hash }) => [schema, hash]));
}

async function relationIds(client: pg.ClientBase, schemas: readonly string[]): Promise<number[]> {
  const { rows } = await client.query<{ oid: number }>(
    `SELECT c.oid FROM pg_class c WHERE c.relkind <> 'i'
     AND c.relnamespace = ANY (ARRAY(SELECT oid FROM pg_namespace WHERE nspname = ANY ($1::text[])))`,
    [schemas],
  );
  return rows.map(({ oid }) => oid);
}
