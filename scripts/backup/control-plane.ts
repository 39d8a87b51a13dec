/**
 * The control plane's own backup: every table of the schema `control`, of one moment, in the same format. Its key is
 * derived from the operator's key file and the backup's id, for a wrapped one would lie in the very database that is
 * lost: who has the file `backup.key` and a copy opens it, and nobody else.
 */
import { hkdfSync, randomBytes } from "node:crypto";
import type pg from "pg";
import type { StreamTotals } from "../../core/backup/frames.ts";
import type { BackupHeader, StreamDescription } from "../../core/backup/header.ts";
import { openBackup } from "../../core/backup/read.ts";
import { BackupRefused } from "../../core/backup/refused.ts";
import { writeBackup } from "../../core/backup/write.ts";
import { type BackupId, makeId } from "../../core/ids.ts";
import type { TenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { textSettings } from "../../store/copy-line.ts";
import { isIdentifier } from "../../store/identifier.ts";
import { readCatalogue } from "../../store/tenant/backup-catalogue.ts";
import { readMigrations } from "../migrate/files.ts";
import { askedOf } from "./asked-of.ts";
import { copyIn, copyOut } from "./copy.ts";
import { fileEnding, readFileBytes, writeFileWhole } from "./files.ts";
import { RestoreRefused } from "./restore-tenant.ts";
import { newSha256 } from "./running-hash.ts";

const schema = "control" as TenantIdentifier;
const snapshotMsMax = 3_600_000;

/** @param text of the key file: 32 bytes, base64url @throws Error when it is anything else */
function keyOf(text: string, backup: BackupId): Uint8Array<ArrayBuffer> {
  const root = Buffer.from(text.trim(), "base64url");
  if (root.length !== 32 || !/^[A-Za-z0-9_-]{43}$/.test(text.trim())) throw new Error("not 32 bytes in base64url");
  return new Uint8Array(hkdfSync("sha256", root, backup, "sentinel-control-backup", 32));
}

export interface ControlBackup {
  readonly header: BackupHeader;
  readonly streams: readonly (StreamTotals & { readonly stream: StreamDescription })[];
  readonly rows: number;
}

/** Backs the control plane up into a file, and reads it again. @param client the owner's, fresh @returns the file's path too */
export async function backUpControl(
  client: pg.ClientBase,
  keyText: string,
  folder: string,
): Promise<ControlBackup & { readonly path: string }> {
  const backup = makeId("backup", Date.now(), randomBytes(10));
  const key = keyOf(keyText, backup);
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL transaction_timeout = ${snapshotMsMax}; SET LOCAL statement_timeout = ${snapshotMsMax}; ${textSettings}`);
  const { schema: number, tables } = await readCatalogue(askedOf(client), schema, () => readNumber(client));
  const { rows } = await client.query<{ at: string }>(`SELECT to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`);
  const header: BackupHeader = {
    kind: "control",
    backup,
    org: null,
    schema: number,
    snapshot_at: rows[0]?.at ?? "",
    streams: tables,
    salt: randomBytes(32).toString("hex"),
  };
  const columnsOf = new Map(tables.map(({ name, columns }) => [name, columns.join(", ")]));
  const bytes = writeBackup({
    header,
    key,
    read: (table) => copyOut(client, `COPY (SELECT ${columnsOf.get(table)} FROM control.${table}) TO STDOUT`),
    newHash: newSha256,
  });
  let found: ControlBackup | null = null;
  const path = await writeFileWhole(folder, `control.${backup}${fileEnding}`, bytes, async (_, partial) => {
    found = await verifyControl(partial, keyText);
  });
  if (found === null) throw new Error("a file was written that nobody has read");
  return { ...(found as ControlBackup), path };
}

/** Reads a file to its end. @throws BackupRefused */
export async function verifyControl(path: string, keyText: string): Promise<ControlBackup> {
  const opened = await openBackup(readFileBytes(path));
  const { header } = opened;
  if (header.kind !== "control")
    throw new BackupRefused("not_a_backup", "this is an organisation's and not the control plane's");
  const streams: (StreamTotals & { stream: StreamDescription })[] = [];
  for await (const event of opened.events(keyOf(keyText, header.backup), newSha256))
    if (event.kind === "end") streams.push(event);
  return { header, streams, rows: streams.reduce((total, { rows }) => total + rows, 0) };
}

/**
 * Restores a file into a control plane that holds nobody yet: the schema is made anew at the backup's migration,
 * filled, and migrated to the newest, in one transaction. The file is read whole before the first statement.
 * @param client the owner's, fresh
 * @returns rows
 * @throws BackupRefused; RestoreRefused `not_empty`, `unknown_schema`, `other_tables`, `rows_lost`
 */
export async function restoreControl(client: pg.ClientBase, path: string, keyText: string): Promise<number> {
  const { header } = await verifyControl(path, keyText);
  const migrations = readMigrations("control");
  if (!migrations.some(({ number }) => number === header.schema))
    throw new RestoreRefused("unknown_schema", `this program does not know control migration ${header.schema}`);
  await client.query("BEGIN");
  try {
    await requireEmpty(client);
    await client.query("DROP SCHEMA IF EXISTS control CASCADE");
    await client.query("DELETE FROM migrations.applied WHERE set = 'control'");
    await apply(
      client,
      migrations.filter(({ number }) => number <= header.schema),
    );
    await client.query(textSettings);
    const rows = await fill(client, path, keyText);
    await client.query("SET LOCAL search_path = public, pg_temp");
    await apply(
      client,
      migrations.filter(({ number }) => number > header.schema),
    );
    // The commit point: the file was read to its end and was whole.
    await client.query("COMMIT");
    return rows;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** Nobody's account and no organisation is ever replaced by a slip of an address. */
async function requireEmpty(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query("SELECT to_regclass('control.users') IS NOT NULL AS there");
  if (rows[0]?.there !== true) return;
  await client.query("LOCK TABLE control.users, control.organisations IN ACCESS EXCLUSIVE MODE");
  const { rows: held } = await client.query(
    "SELECT EXISTS (SELECT FROM control.users) OR EXISTS (SELECT FROM control.organisations) AS some",
  );
  if (held[0]?.some !== false) throw new RestoreRefused("not_empty", "this control plane has people or organisations");
}

async function apply(client: pg.ClientBase, migrations: ReturnType<typeof readMigrations>): Promise<void> {
  for (const { number, name, checksum, sql } of migrations) {
    await client.query(sql);
    await client.query("INSERT INTO migrations.applied (set, number, name, checksum) VALUES ('control', $1, $2, $3)", [
      number,
      name,
      checksum,
    ]);
  }
}

async function fill(client: pg.ClientBase, path: string, keyText: string): Promise<number> {
  const { tables } = await readCatalogue(askedOf(client), schema, () => readNumber(client));
  const opened = await openBackup(readFileBytes(path));
  const shape = (streams: readonly StreamDescription[]): string =>
    JSON.stringify(streams.map(({ name, columns }) => [name, ...columns]).sort());
  if (shape(tables) !== shape(opened.header.streams))
    throw new RestoreRefused("other_tables", "the backup's tables are not those of its migration");
  const names = tables.map(({ name }) => `control.${name}`);
  // Rows that a migration begins with are in the backup, too; and no trigger shall act on rows that it has seen.
  await client.query(`TRUNCATE ${names.join(", ")}`);
  for (const table of names) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  const events = opened.events(keyOf(keyText, opened.header.backup), newSha256)[Symbol.asyncIterator]();
  let rows = 0;
  for (;;) {
    const { done, value: event } = await events.next();
    if (done === true) break;
    if (event.kind !== "begin") throw new Error("a stream is left before its end");
    const { name, columns } = event.stream;
    let said = 0;
    const lines = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        const next = await events.next();
        if (next.done === true || next.value.kind === "begin") throw new Error("a stream has no end");
        if (next.value.kind === "end") {
          said = next.value.rows;
          return;
        }
        yield next.value.lines;
      }
    };
    const copied = await copyIn(
      client,
      `COPY control.${name} (${columns.filter(isIdentifier).join(", ")}) FROM STDIN`,
      lines(),
    );
    if (copied !== said) throw new RestoreRefused("rows_lost", `${name}: ${copied} of ${said}`);
    rows += copied;
  }
  for (const table of names) await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
  return rows;
}

async function readNumber(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ number: number }>(
    "SELECT coalesce(max(number), 0) AS number FROM migrations.applied WHERE set = 'control'",
  );
  return rows[0]?.number ?? 0;
}
