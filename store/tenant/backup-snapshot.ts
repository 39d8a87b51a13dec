/** One tenant's rows as they were at one moment, read as the tenant's own role under the scope of a job. */
import type { Client } from "@neondatabase/serverless";
import { type TenantIdentifier, tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import {
  createInteractiveClient,
  type DatabaseError,
  databaseError,
  type Row,
  type Statement,
  sql,
} from "../connect.ts";
import { textOf, textOrNull } from "../control/columns.ts";
import { copyLine, textSettings } from "../copy-line.ts";
import { identifier } from "../identifier.ts";
import { type Ask, CatalogueRefused, readCatalogue, type TenantCatalogue } from "./backup-catalogue.ts";
import type { ConnectionSource } from "./tenant-database.ts";
import type { TenantScope } from "./tenant-scope.ts";

/**
 * Lines of one page are cut after so many bytes, by the server: whoever fills a table (devices do) does not say how
 * much of it a Worker holds at once. One row more than that may follow, some 2.4 MiB at most.
 */
export const pageBytes = 512 * 1024;

/** A scope is renewed when it has less than this left: longer than any one page takes. */
const renewBeforeMs = 60_000;

export interface BackupSnapshot {
  readonly catalogue: TenantCatalogue;
  /** RFC 3339 with microseconds. */
  readonly at: string;
  /** Bytes of the tables on disk, to tell progress by. */
  readonly bytesEstimated: number;
  /**
   * The lines of one table, as COPY writes them. @throws DatabaseError; ScopeLost
   */
  readTable(name: string): AsyncGenerator<Uint8Array<ArrayBuffer>>;
  /** Ends the connection, whatever state it is in. */
  close(): Promise<void>;
}

/** The rows could not be told to be all. */
export class ScopeLost extends Error {
  override readonly name = "ScopeLost";
}

export interface SnapshotOptions {
  readonly scope: TenantScope;
  readonly connect: ConnectionSource;
  /** As in `createDatabase`. */
  readonly gateway: string;
  /** The newest migration of the schema as it is now: its ledger is not the tenant's to read. */
  readonly readSchemaNumber: () => Promise<number>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** The server ends the transaction after so many milliseconds: as long as it lasts, vacuum keeps what it may read. */
  readonly timeoutMs: number;
}

/**
 * Opens a snapshot in a transaction that can change nothing.
 * @throws CatalogueRefused, DatabaseError, ScopeLost
 */
export async function openBackupSnapshot(options: SnapshotOptions): Promise<BackupSnapshot> {
  const { scope, connect, now } = options;
  const name = tenantIdentifier(scope.org);
  const schemaBefore = await options.readSchemaNumber();
  const client = await openSession(options);
  const ask: Ask = (statement) => asked(client, statement);
  /** Written by `renew` alone; 0: none is set in this transaction. */
  let scopeEndsAtMs = 0;
  async function renew(): Promise<void> {
    if (now() < scopeEndsAtMs - renewBeforeMs) return;
    const connection = await connect(scope, { fresh: scopeEndsAtMs !== 0 });
    if (connection.org !== scope.org) throw new Error("a connection of another tenant was handed out");
    await ask(sql`SELECT set_config('sentinel.scope', ${connection.rowScope}, true)`);
    scopeEndsAtMs = connection.expiresAtMs;
  }
  try {
    await several(
      client,
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL transaction_timeout = ${options.timeoutMs};
       SET LOCAL statement_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = '2min';
       SET LOCAL lock_timeout = '10s'; ${textSettings}`,
    );
    await renew();
    const catalogue = await readCatalogue(ask, name, async () => {
      // The snapshot was taken between the two: what is the same on both sides of it is so inside.
      if ((await options.readSchemaNumber()) !== schemaBefore)
        throw new CatalogueRefused("being_migrated", "the schema was migrated just now; try again later");
      return schemaBefore;
    });
    const [row] = await ask(sql`SELECT to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
      coalesce((SELECT sum(pg_table_size(c.oid)) FROM pg_class c
        WHERE c.relnamespace = ${name}::regnamespace AND c.relkind = 'r'), 0)::text AS bytes`);
    if (row === undefined) throw new Error("a query of one row gave none");
    const columnsOf = new Map(catalogue.tables.map((table) => [table.name, table.columns]));
    return {
      catalogue,
      at: textOf(row, "at"),
      bytesEstimated: Number(textOf(row, "bytes")),
      async *readTable(table) {
        const columns = columnsOf.get(table);
        if (columns === undefined) throw new Error("a table that the catalogue does not name");
        await ask(sql`DECLARE backup_rows NO SCROLL CURSOR FOR
          SELECT ${copyLine(columns)} FROM ${identifier(name)}.${identifier(table)}`);
        for (;;) {
          await renew();
          const lines = await readPage(client, name);
          if (lines === "") break;
          yield new TextEncoder().encode(lines) as Uint8Array<ArrayBuffer>;
        }
        await ask(sql`CLOSE backup_rows`);
      },
      close: () => client.end().catch(() => undefined),
    };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** One page of the open cursor, "" behind its end. */
async function readPage(client: Client, name: TenantIdentifier): Promise<string> {
  const [, row] = await several(client, pageText(name));
  // The scope held behind the last row, so it held at each: one that ended would show no row and no error.
  if (row === undefined || textOrNull(row, "role") !== "system")
    throw new ScopeLost("the schema does not take the scope that was handed out for it");
  return textOf(row, "page");
}

/**
 * Rows until the page is full. In a block of the server's, because FETCH counts rows, and their bytes are what has to
 * be bounded; a block can't answer, so it leaves what it has in a setting of this transaction.
 */
const pageText = (name: TenantIdentifier): string => `
  DO $page$
    DECLARE
      rows CONSTANT refcursor := 'backup_rows';
      line text;
      lines text[] := '{}';
      held bigint := 0;
    BEGIN
      WHILE held < ${pageBytes} LOOP
        FETCH rows INTO line;
        EXIT WHEN NOT FOUND;
        lines := lines || line;
        held := held + octet_length(line);
      END LOOP;
      PERFORM set_config('sentinel.backup_page', array_to_string(lines, ''), true);
    END
  $page$;
  SELECT current_setting('sentinel.backup_page') AS page, ${name}.scope_role() AS role`;

async function asked(client: Client, { text, values }: Statement): Promise<Row[]> {
  try {
    return (await client.query<Row>(text, values)).rows;
  } catch (cause) {
    throw databaseError(cause);
  }
}

/** Several statements without parameters. @returns the first row of each, where there is one */
async function several(client: Client, text: string): Promise<(Row | undefined)[]> {
  try {
    const results = (await client.query(text)) as unknown as { readonly rows: Row[] }[];
    return results.map(({ rows }) => rows[0]);
  } catch (cause) {
    throw databaseError(cause);
  }
}

/** A session as the tenant's role. A refused login is tried with the neighbouring epoch's password, and afresh. */
async function openSession({ scope, connect, gateway }: SnapshotOptions): Promise<Client> {
  let refusal: DatabaseError | null = null;
  for (const fresh of [false, true]) {
    const { databaseUrl, fallbackDatabaseUrl } = await connect(scope, { fresh });
    for (const url of [databaseUrl, fallbackDatabaseUrl]) {
      if (url === null) continue;
      const client = createInteractiveClient({ url, gateway });
      // Without a listener, an error of the socket would end the Worker; the query that runs hears of it, too.
      client.on("error", () => undefined);
      try {
        await client.connect();
        return client;
      } catch (cause) {
        // Not ended here: Postgres closes a session that it refused, and the client would wait for another close.
        const error = databaseError(cause);
        if (!error.loginRefused) throw error;
        refusal = error;
      }
    }
  }
  throw refusal;
}
