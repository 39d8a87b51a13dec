/** A tenant's schema on one placement → the same on another, in one transaction there and one snapshot here. */
import type pg from "pg";
import type { OrgId } from "../../../../core/ids.ts";
import { type TenantIdentifier, tenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { textSettings } from "../../../../store/copy-line.ts";
import { type BackupTable, type Partition, readCatalogue } from "../../../../store/tenant/backup-catalogue.ts";
import { fingerprintStatements } from "../../../../workers/data/provisioner/rights/compare.ts";
import { tenantRights } from "../../../../workers/data/provisioner/rights/tenant-rights.ts";
import { type TenantMigration, tenantSchemaStatements } from "../../../../workers/data/provisioner/tenant-schema.ts";
import { askedOf } from "../../../backup/asked-of.ts";
import { copyIn, copyOut } from "../../../backup/copy.ts";
import { openSnapshot } from "../../../backup/snapshot.ts";
import { MoveRefused } from "./move-refused.ts";
import { RowsDigest } from "./rows-digest.ts";

/** As long as a backup may take: nobody writes meanwhile, so an operator will have planned it. */
const copyMsMax = 6 * 3_600_000;

export interface SchemaCopy {
  readonly org: OrgId;
  /** Owner's connections, fresh and for this alone. Nothing writes to the source. */
  readonly source: pg.ClientBase;
  readonly target: pg.ClientBase;
  /** All of migrations/tenant, in order. */
  readonly migrations: readonly TenantMigration[];
  readonly onProgress?: (bytes: number, estimated: number) => void;
  /** Runs before what was copied is kept: throws when it is not to be. */
  readonly beforeCommit: () => Promise<void>;
}

/**
 * Makes the schema anew at the migration that it is at, fills it by COPY, reads it back and compares each table by
 * count and hash. Whatever was in its place there is dropped: the directory says that nobody uses it.
 * @returns how many rows there are
 * @throws MoveRefused, CatalogueRefused, the driver's error; then the target is as it was
 */
export async function copySchema(copy: SchemaCopy): Promise<number> {
  const { org, source, target } = copy;
  const name = tenantIdentifier(org);
  const snapshot = await openSnapshot(source, org, Date.now());
  const { catalogue } = snapshot;
  const migrations = copy.migrations.filter(({ number }) => number <= catalogue.schema);
  if (migrations.length !== catalogue.schema)
    throw new MoveRefused("unknown_schema", `its schema is of migration ${catalogue.schema}; use the program of then`);
  await target.query(`BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL transaction_timeout = ${copyMsMax}; SET LOCAL statement_timeout = ${copyMsMax};
    SET LOCAL lock_timeout = '10s'; SET LOCAL ROLE sentinel_provisioner; ${textSettings}`);
  try {
    const forced = await makeSchema(target, name, migrations, catalogue.tables);
    await copyScopeKey(source, target, name);
    for (const partition of catalogue.partitions) await makePartition(target, name, partition);
    const tables = catalogue.tables.map((table) => ({ ...table, digest: new RowsDigest() }));
    let bytes = 0;
    for (const { name: table, columns, digest } of tables) {
      const lines = passing(snapshot.readTable(table), (piece) => {
        digest.add(piece);
        bytes += piece.length;
        copy.onProgress?.(bytes, snapshot.bytesEstimated);
      });
      await copyIn(target, `COPY ${name}.${table} (${columns.join(", ")}) FROM STDIN`, lines);
    }
    await source.query("COMMIT");
    for (const { name: table, columns, digest } of tables) {
      const copied = new RowsDigest();
      const text = `COPY (SELECT ${columns.join(", ")} FROM ${name}.${table}) TO STDOUT`;
      for await (const piece of copyOut(target, text)) copied.add(piece);
      if (`${copied}` !== `${digest}`)
        throw new MoveRefused("rows_differ", `${table}: ${copied.rows} rows of ${digest.rows}, or other ones`);
    }
    await closeTables(target, name, catalogue.tables, forced);
    await requireRights(target, name, catalogue.schema);
    await copy.beforeCommit();
    await target.query("COMMIT");
    return tables.reduce((rows, { digest }) => rows + digest.rows, 0);
  } catch (error) {
    await target.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/**
 * Empty, with its own rows gone too, and open to COPY, which policies and triggers would be in the way of.
 * @returns the tables whose policies hold for their owner as well
 */
async function makeSchema(
  target: pg.ClientBase,
  name: TenantIdentifier,
  migrations: readonly TenantMigration[],
  expected: readonly BackupTable[],
): Promise<string[]> {
  await target.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
  for (const { text } of tenantSchemaStatements(name, migrations)) await target.query(text);
  const made = await readCatalogue(askedOf(target), name);
  const shape = (tables: readonly BackupTable[]): string =>
    JSON.stringify(tables.map((table) => [table.name, ...table.columns]).sort());
  if (shape(made.tables) !== shape(expected))
    throw new MoveRefused("other_tables", "its schema has other tables than its migration makes");
  const { rows: forced } = await target.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = '${name}'::regnamespace AND relforcerowsecurity AND NOT relispartition`,
  );
  await target.query(`TRUNCATE ${made.tables.map((table) => `${name}.${table.name}`).join(", ")}`);
  for (const table of made.tables)
    await target.query(`ALTER TABLE ${name}.${table.name} NO FORCE ROW LEVEL SECURITY, DISABLE TRIGGER USER`);
  return forced.map((table) => table.name);
}

/** As its migration has them again; what planners know of the rows is known at once. */
async function closeTables(
  target: pg.ClientBase,
  name: TenantIdentifier,
  tables: readonly BackupTable[],
  forced: readonly string[],
): Promise<void> {
  for (const table of tables) {
    await target.query(`ALTER TABLE ${name}.${table.name} ENABLE TRIGGER USER`);
    await target.query(`ANALYZE ${name}.${table.name}`);
  }
  for (const table of forced) await target.query(`ALTER TABLE ${name}.${table} FORCE ROW LEVEL SECURITY`);
}

/** Both halves of both keys: scopes that were signed before the move hold after it. */
async function copyScopeKey(source: pg.ClientBase, target: pg.ClientBase, name: TenantIdentifier): Promise<void> {
  const { rows } = await source.query<{ key: string }>(`SELECT to_jsonb(k)::text AS key FROM ${name}.scope_key k`);
  await target.query(`DELETE FROM ${name}.scope_key`);
  for (const { key } of rows)
    await target.query(
      `INSERT INTO ${name}.scope_key SELECT * FROM jsonb_populate_record(null::${name}.scope_key, $1::jsonb)`,
      [key],
    );
}

/** As telemetry_partition() makes them: forced, without a grant or policy of their own. */
async function makePartition(
  target: pg.ClientBase,
  name: TenantIdentifier,
  { parent, name: part, from, to }: Partition,
): Promise<void> {
  await target.query(`CREATE TABLE ${name}.${part} (LIKE ${name}.${parent} INCLUDING CONSTRAINTS);
    ALTER TABLE ${name}.${part} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    ALTER TABLE ${name}.${parent} ATTACH PARTITION ${name}.${part} FOR VALUES FROM ('${from}') TO ('${to}')`);
}

/** Known for the newest migration alone; a tenant that is behind is compared after its wave, as ever. */
async function requireRights(target: pg.ClientBase, name: TenantIdentifier, schema: number): Promise<void> {
  if (schema !== tenantRights.number) return;
  const [path, compare] = fingerprintStatements([name]);
  await target.query(path.text, path.values);
  const { rows } = await target.query<{ fingerprint: string }>(compare.text, compare.values);
  if (rows[0]?.fingerprint !== tenantRights.fingerprint)
    throw new MoveRefused("other_rights", "who may do what in the copy is not what its migration gives");
}

async function* passing(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  see: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const piece of pieces) {
    see(piece);
    yield piece;
  }
}
