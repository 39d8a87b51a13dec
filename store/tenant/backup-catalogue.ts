/** What a tenant's schema holds that a backup takes, as the catalogue says it, in an order in which it can be put back. */
import type { TenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { type Row, type Statement, sql } from "../connect.ts";
import { numberOf } from "../control/columns.ts";
import { identifier, isIdentifier } from "../identifier.ts";

export interface BackupTable {
  readonly name: string;
  /** Without those that are computed. */
  readonly columns: readonly string[];
}

export interface Partition {
  readonly parent: string;
  readonly name: string;
  /** RFC 3339-like text of Postgres, UTC. */
  readonly from: string;
  readonly to: string;
}

export interface TenantCatalogue {
  /** Number of the newest migration. */
  readonly schema: number;
  /** What is referenced comes first. */
  readonly tables: readonly BackupTable[];
  readonly partitions: readonly Partition[];
}

/**
 * A schema that can't be backed up whole, so it is not at all.
 * - `no_schema`: there is none of that name
 * - `unreadable_table`: its policies would leave rows out without a word (it lacks the policy `backup_read`)
 * - `being_migrated`: samples of before wait to be moved into their partitions; minutes later they have been
 * - `unknown_kind`: something that this program can't put back: a sequence, a view, a partition of another kind
 * - `cyclic_references`: tables reference each other in a circle
 */
export class CatalogueRefused extends Error {
  override readonly name = "CatalogueRefused";
  readonly code: "no_schema" | "unreadable_table" | "being_migrated" | "unknown_kind" | "cyclic_references";

  constructor(code: CatalogueRefused["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Of the schema itself: made anew with it, never restored. The key of row scopes is derived for each organisation. */
const notContent = ["schema_migrations", "scope_key"];

interface Relation {
  readonly name: string;
  readonly kind: string;
  readonly columns: string[];
  readonly parent: string | null;
  readonly bound: string | null;
  readonly readable: boolean;
  readonly references: string[];
}

/** Runs one statement in the transaction that the backup is read in; the operator's driver or a Worker's. */
export type Ask = (statement: Statement) => Promise<Row[]>;

/** The newest migration of a schema, as its own ledger says; for whoever may read that: the tenant's role may not. */
export async function readSchemaNumber(ask: Ask, name: TenantIdentifier): Promise<number> {
  const [row] = await ask(sql`SELECT coalesce(max(number), 0) AS number FROM ${identifier(name)}.schema_migrations`);
  if (row === undefined) throw new Error("a query of one row gave none");
  return numberOf(row, "number");
}

/**
 * @param readNumber gives the newest migration of the very schema that `ask` sees; asked once the schema is known to be there
 * @throws CatalogueRefused
 */
export async function readCatalogue(
  ask: Ask,
  name: TenantIdentifier,
  readNumber: () => Promise<number> = () => readSchemaNumber(ask, name),
): Promise<TenantCatalogue> {
  const relations = (await ask(relationsOf(name))) as unknown as Relation[];
  if (relations.length === 0) throw new CatalogueRefused("no_schema", "there is no such schema");
  const content = relations.filter((relation) => !notContent.includes(relation.name));
  for (const relation of content) refuseUnknown(relation);
  const tables = content.filter(({ parent }) => parent === null);
  return {
    schema: await readNumber(),
    tables: inOrder(tables).map((table) => ({ name: table.name, columns: table.columns })),
    partitions: content.filter(({ parent }) => parent !== null).map(partitionOf),
  };
}

// The policy's very words, as the catalogue has them, for the role that asks; a second one, or a restrictive one,
// may only widen what it lets through or else is not there.
const relationsOf = (name: TenantIdentifier): Statement => sql`
  SELECT c.relname::text AS name, c.relkind::text AS kind, p.relname::text AS parent,
    pg_get_expr(c.relpartbound, c.oid) AS bound,
    coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''), '{}') AS columns,
    c.relispartition OR NOT c.relrowsecurity OR (
      EXISTS (SELECT FROM pg_policies y WHERE y.schemaname = n.nspname AND y.tablename = c.relname
        AND y.policyname = 'backup_read' AND y.permissive = 'PERMISSIVE' AND y.cmd = 'SELECT' AND current_user = ANY (y.roles)
        AND y.qual = '(( SELECT ' || n.nspname || '.scope_role() AS scope_role) = ''system''::text)')
      AND NOT EXISTS (SELECT FROM pg_policies y WHERE y.schemaname = n.nspname AND y.tablename = c.relname
        AND y.permissive <> 'PERMISSIVE')) AS readable,
    coalesce((SELECT array_agg(DISTINCT r.relname::text) FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid
      WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid), '{}') AS references
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition LEFT JOIN pg_class p ON p.oid = i.inhparent
  WHERE n.nspname = ${name} AND c.relkind NOT IN ('i', 'I', 't', 'c')
  ORDER BY c.relname`;

function refuseUnknown({ name, kind, columns, readable }: Relation): void {
  if (name === "telemetry_unmoved")
    throw new CatalogueRefused("being_migrated", "samples of before still wait to be moved; try again later");
  if (!["r", "p"].includes(kind)) throw new CatalogueRefused("unknown_kind", `${name} is no table`);
  if (![name, ...columns].every(isIdentifier)) throw new CatalogueRefused("unknown_kind", "a name is not one of ours");
  if (!readable)
    throw new CatalogueRefused(
      "unreadable_table",
      `${name} lacks the policy backup_read: rows of it would be left out`,
    );
}

/** Partitions by time are the one kind there is; a bound of another shape is refused and not guessed at. */
function partitionOf({ name, parent, bound }: Relation): Partition {
  const [, from, to] = /^FOR VALUES FROM \('([^']+)'\) TO \('([^']+)'\)$/.exec(bound ?? "") ?? [];
  const partition = { parent: parent ?? "", name, from: from ?? "", to: to ?? "" };
  if (!isPartition(partition)) throw new CatalogueRefused("unknown_kind", `${name} is a partition of another kind`);
  return partition;
}

const isMoment = (text: string): boolean => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00$/.test(text);
export const isPartition = ({ parent, name, from, to }: Partition): boolean =>
  isIdentifier(parent) && isIdentifier(name) && isMoment(from) && isMoment(to);

function inOrder(tables: readonly Relation[]): Relation[] {
  const ordered: Relation[] = [];
  let left = [...tables];
  while (left.length > 0) {
    const free = left.filter(({ references }) => !references.some((other) => left.some(({ name }) => name === other)));
    if (free.length === 0)
      throw new CatalogueRefused(
        "cyclic_references",
        `${left.map(({ name }) => name).join(", ")} reference each other`,
      );
    ordered.push(...free);
    left = left.filter((table) => !free.includes(table));
  }
  return ordered;
}
