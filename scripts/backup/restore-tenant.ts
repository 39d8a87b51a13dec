/** A backup → the schema of an organisation, all of it or nothing. */
import type pg from "pg";
import type { StreamDescription } from "../../core/backup/header.ts";
import type { BackupEvent, OpenedBackup } from "../../core/backup/read.ts";
import { partitionStream } from "../../core/backup/streams.ts";
import type { OrgId } from "../../core/ids.ts";
import { type TenantIdentifier, tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { textSettings } from "../../store/copy-line.ts";
import { isIdentifier } from "../../store/identifier.ts";
import { isPartition, type Partition, readCatalogue } from "../../store/tenant/backup-catalogue.ts";
import { movingCode, refuseMarked } from "../../workers/data/provisioner/moving/mark.ts";
import {
  migrationStatement,
  type TenantMigration,
  tenantSchemaStatements,
} from "../../workers/data/provisioner/tenant-schema.ts";
import { askedOf } from "./asked-of.ts";
import { copyIn } from "./copy.ts";
import { newSha256 } from "./running-hash.ts";

/**
 * - `no_target`: the organisation has no schema here; make it first
 * - `not_empty`: another organisation's backup, and this one has devices of its own
 * - `unknown_schema`: the backup is of a migration that this program does not know
 * - `other_tables`: the tables of that migration are not those of the backup
 * - `being_moved`: the organisation is on its way to another placement, or has left this one
 * - `rows_lost`: the server took fewer rows than the backup has
 */
export class RestoreRefused extends Error {
  override readonly name = "RestoreRefused";
  readonly code: "no_target" | "not_empty" | "unknown_schema" | "other_tables" | "being_moved" | "rows_lost";

  constructor(code: RestoreRefused["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** How long it waits for requests that use the schema, and how long it may take; requests of that organisation wait. */
const lockMs = 10_000;
const restoreMsMax = 6 * 3_600_000;

export interface RestoreOptions {
  readonly backup: OpenedBackup;
  readonly key: Uint8Array;
  /** Whose schema is replaced. */
  readonly into: OrgId;
  /** The owner's connection to its placement, fresh and for this alone. */
  readonly client: pg.ClientBase;
  /** All of migrations/tenant, in order. */
  readonly migrations: readonly TenantMigration[];
  readonly onProgress?: (bytes: number, stream: string) => void;
}

export interface Restored {
  readonly rows: number;
  readonly bytes: number;
}

/**
 * Replaces a schema by that of a backup, in one transaction: whoever asks meanwhile waits, and finds the one or the
 * other. It is made from nothing at the backup's migration, filled, and then migrated to the newest, so it does not
 * matter how old the backup is. What the organisation itself has (role, password, key of its scopes) stays its own.
 * @throws RestoreRefused, BackupRefused, the driver's error; then nothing was changed
 */
export async function restoreTenant(options: RestoreOptions): Promise<Restored> {
  const { backup, client, into, migrations } = options;
  const { header } = backup;
  const name = tenantIdentifier(into);
  if (header.schema > (migrations.at(-1)?.number ?? 0))
    throw new RestoreRefused("unknown_schema", `the backup is of migration ${header.schema}; use the program of then`);
  await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL transaction_timeout = ${restoreMsMax}; SET LOCAL statement_timeout = ${restoreMsMax};
    SET LOCAL lock_timeout = ${lockMs}; SET LOCAL ROLE sentinel_provisioner; ${textSettings}`);
  try {
    const scopeKey = await readScopeKey(client, name);
    if (header.org !== into) await requireEmpty(client, name);
    await client.query(`DROP SCHEMA ${name} CASCADE`);
    await refuseMoved(client, name);
    const then = migrations.filter(({ number }) => number <= header.schema);
    for (const { text } of tenantSchemaStatements(name, then)) await client.query(text);
    const restored = await fill(options, name);
    for (const migration of migrations.filter(({ number }) => number > header.schema)) {
      await client.query(migrationStatement(name, migration).text);
    }
    await client.query(`DELETE FROM ${name}.scope_key`);
    await client.query(
      `INSERT INTO ${name}.scope_key SELECT * FROM jsonb_populate_record(null::${name}.scope_key, $1::jsonb)`,
      [scopeKey],
    );
    // The commit point: the backup was read to its end and was whole.
    await client.query("COMMIT");
    return restored;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** With the schema's locks in hand: whoever froze it before had them first, and has said so. */
async function refuseMoved(client: pg.ClientBase, name: TenantIdentifier): Promise<void> {
  try {
    await client.query(refuseMarked(name).text);
  } catch (error) {
    if ((error as { code?: string }).code !== movingCode) throw error;
    throw new RestoreRefused("being_moved", "the organisation is being moved to another placement; restore it there");
  }
}

/** The row as text, whatever columns it has. @throws RestoreRefused `no_target` */
async function readScopeKey(client: pg.ClientBase, name: TenantIdentifier): Promise<string> {
  const { rows: found } = await client.query("SELECT to_regclass($1) IS NOT NULL AS there", [`${name}.scope_key`]);
  if (found[0]?.there === true) {
    const { rows } = await client.query<{ key: string }>(`SELECT to_jsonb(k)::text AS key FROM ${name}.scope_key k`);
    if (rows[0] !== undefined) return rows[0].key;
  }
  throw new RestoreRefused("no_target", "the organisation has no schema on its placement; create it first");
}

/** Another organisation's rows go where there are none, so that a slip of an id can't cost somebody theirs. */
async function requireEmpty(client: pg.ClientBase, name: TenantIdentifier): Promise<void> {
  await client.query(`ALTER TABLE ${name}.devices NO FORCE ROW LEVEL SECURITY`);
  const { rows } = await client.query(`SELECT EXISTS (SELECT FROM ${name}.devices) AS some`);
  if (rows[0]?.some !== false)
    throw new RestoreRefused("not_empty", "the backup is another organisation's, and this one has devices");
}

async function fill(options: RestoreOptions, name: TenantIdentifier): Promise<Restored> {
  const { backup, client, key, onProgress } = options;
  const { tables } = await readCatalogue(askedOf(client), name);
  const ours = backup.header.streams.filter((stream) => !stream.name.startsWith("$"));
  const shape = (streams: readonly StreamDescription[]): string =>
    JSON.stringify(streams.map((stream) => [stream.name, ...stream.columns]).sort());
  if (shape(tables) !== shape(ours))
    throw new RestoreRefused("other_tables", "the backup's tables are not those of its migration");
  const names = tables.map((table) => `${name}.${table.name}`);
  // Rows that a migration begins with are in the backup, too.
  await client.query(`TRUNCATE ${names.join(", ")}`);
  const { rows: forced } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c
     WHERE c.relnamespace = '${name}'::regnamespace AND c.relforcerowsecurity AND NOT c.relispartition`,
  );
  // COPY refuses a table whose policies hold for whoever copies; and no trigger shall act on rows that it has seen.
  for (const table of names)
    await client.query(`ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY, DISABLE TRIGGER USER`);
  const events = backup.events(key, newSha256)[Symbol.asyncIterator]();
  let [rows, bytes] = [0, 0];
  for (;;) {
    const { done, value: event } = await events.next();
    if (done === true) break;
    if (event.kind !== "begin") throw new Error("a stream is left before its end");
    const { stream } = event;
    const totals: StreamEnd = { rows: 0 };
    const lines = linesOf(events, totals, (count) => {
      bytes += count;
      onProgress?.(bytes, stream.name);
    });
    if (stream.name === partitionStream.name) await makePartitions(client, name, lines);
    else if (stream.name.startsWith("$")) await readToTheEnd(lines);
    else {
      const copied = await copyIn(
        client,
        `COPY ${name}.${stream.name} (${stream.columns.filter(isIdentifier).join(", ")}) FROM STDIN`,
        lines,
      );
      if (copied !== totals.rows) throw new RestoreRefused("rows_lost", `${stream.name}: ${copied} of ${totals.rows}`);
      rows += copied;
    }
  }
  for (const table of names) await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
  for (const table of forced) await client.query(`ALTER TABLE ${name}.${table.name} FORCE ROW LEVEL SECURITY`);
  return { rows, bytes };
}

/** What the end of a stream says; there once its lines were read. */
interface StreamEnd {
  rows: number;
}

/** The lines up to the stream's end, which is taken as well. */
async function* linesOf(
  events: AsyncIterator<BackupEvent>,
  end: StreamEnd,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (;;) {
    const { done, value: event } = await events.next();
    if (done === true || event.kind === "begin") throw new Error("a stream has no end");
    if (event.kind === "end") {
      end.rows = event.rows;
      return;
    }
    onBytes(event.lines.length);
    yield event.lines;
  }
}

async function readToTheEnd(lines: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of lines);
}

/** As telemetry_partition() makes them: forced, without a grant or policy of their own. */
async function makePartitions(
  client: pg.ClientBase,
  name: TenantIdentifier,
  lines: AsyncIterable<Uint8Array>,
): Promise<void> {
  const pieces: Uint8Array[] = [];
  for await (const piece of lines) pieces.push(piece);
  const rows = Buffer.concat(pieces).toString("utf8").split("\n").slice(0, -1);
  for (const row of rows) {
    const [parent = "", part = "", from = "", to = ""] = row.split("\t");
    const partition: Partition = { parent, name: part, from, to };
    if (!isPartition(partition)) throw new RestoreRefused("other_tables", "the backup names a partition that is none");
    await client.query(`CREATE TABLE ${name}.${part} (LIKE ${name}.${parent} INCLUDING CONSTRAINTS);
      ALTER TABLE ${name}.${part} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      ALTER TABLE ${name}.${parent} ATTACH PARTITION ${name}.${part} FOR VALUES FROM ('${from}') TO ('${to}')`);
  }
}
