/** The HTTP protocol of the Neon driver: what comes in, what goes out, and how errors look. */
import type { IncomingHttpHeaders } from "node:http";
import type pg from "pg";

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** An answer other than 200. */
export class GatewayRefusal extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super("refused");
    this.status = status;
    this.body = body;
  }
}

const malformed = (message: string): GatewayRefusal => new GatewayRefusal(400, { message, code: null });

/**
 * Reads the header that names role, password, host and database.
 * @param allowed the `host:port` it may name
 */
export function parseConnectionString(header: string | string[] | undefined, allowed: ReadonlySet<string>): Target {
  if (typeof header !== "string") throw malformed("missing connection string");
  let url: URL;
  try {
    url = new URL(header);
  } catch {
    throw malformed("malformed connection string");
  }
  const database = decodeURIComponent(url.pathname.slice(1));
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  if (!/^postgres(?:ql)?:$/.test(url.protocol) || user === "" || password === "" || database === "") {
    throw malformed("the connection string needs a role, a password and a database");
  }
  const port = url.port === "" ? 5432 : Number(url.port);
  if (!allowed.has(`${url.hostname}:${port}`)) throw malformed("unknown host");
  return { host: url.hostname, port, user, password, database };
}

export interface BatchOptions {
  readonly begin: string;
  readonly arrayMode: boolean;
}

const isolationLevels: Readonly<Record<string, string>> = {
  ReadUncommitted: "READ UNCOMMITTED",
  ReadCommitted: "READ COMMITTED",
  RepeatableRead: "REPEATABLE READ",
  Serializable: "SERIALIZABLE",
};

/** Reads the headers that say how a batch runs; a word it doesn't know is refused, not ignored. */
export function parseBatchOptions(headers: IncomingHttpHeaders): BatchOptions {
  if (headers["neon-raw-text-output"] !== "true") throw malformed("only raw text output is spoken here");
  let begin = "BEGIN";
  const level = headers["neon-batch-isolation-level"];
  if (level !== undefined) {
    const words = isolationLevels[String(level)];
    if (words === undefined) throw malformed("unknown isolation level");
    begin += ` ISOLATION LEVEL ${words}`;
  }
  if (flag(headers["neon-batch-read-only"])) begin += " READ ONLY";
  if (flag(headers["neon-batch-deferrable"])) begin += " DEFERRABLE";
  return { begin, arrayMode: flag(headers["neon-array-mode"]) };
}

function flag(value: string | string[] | undefined): boolean {
  if (value === undefined || value === "false") return false;
  if (value === "true") return true;
  throw malformed("a flag is true or false");
}

interface Query {
  readonly query: string;
  readonly params: unknown[];
}
export type SqlRequest =
  | { readonly kind: "one"; readonly query: Query }
  | { readonly kind: "batch"; readonly queries: Query[] };

/** Reads the body: one query, or a batch that is one transaction. */
export function parseSqlRequest(body: string): SqlRequest {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw malformed("the body is not JSON");
  }
  const { queries } = (json ?? {}) as { queries?: unknown };
  if (Array.isArray(queries)) return { kind: "batch", queries: queries.map(parseQuery) };
  return { kind: "one", query: parseQuery(json) };
}

function parseQuery(json: unknown): Query {
  const { query, params } = (json ?? {}) as { query?: unknown; params?: unknown };
  if (typeof query !== "string" || (params !== undefined && !Array.isArray(params))) throw malformed("not a query");
  return { query, params: params ?? [] };
}

/** Runs a request on a connection and builds the driver's answer; a Postgres error becomes a refusal. */
export async function runSql(client: pg.ClientBase, work: SqlRequest, options: BatchOptions): Promise<unknown> {
  try {
    if (work.kind === "one") return await runQuery(client, work.query, options);
    await client.query(options.begin);
    const results: unknown[] = [];
    for (const query of work.queries) results.push(await runQuery(client, query, options));
    await client.query("COMMIT");
    return { results };
  } catch (error) {
    throw refusalOf(error);
  }
}

async function runQuery(client: pg.ClientBase, { query, params }: Query, options: BatchOptions): Promise<unknown> {
  // Always the extended protocol, as Neon does: it takes exactly one statement, so SQL that breaks
  // out of a string can't append a COMMIT and a further command.
  const config = { text: query, values: params, rowMode: "array", queryMode: "extended" } as const;
  const result = await client.query<unknown[]>(config as pg.QueryArrayConfig);
  const fields = result.fields.map(
    ({ name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format }) => ({
      name,
      tableID,
      columnID,
      dataTypeID,
      dataTypeSize,
      dataTypeModifier,
      format,
    }),
  );
  const rows = options.arrayMode
    ? result.rows
    : result.rows.map((row) => Object.fromEntries(row.map((value, index) => [fields[index]?.name ?? "", value])));
  return { command: result.command, rowCount: result.rowCount, rows, fields, rowAsArray: options.arrayMode };
}

const errorFields = [
  "severity",
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "where",
  "schema",
  "table",
  "column",
  "dataType",
  "constraint",
  "file",
  "line",
  "routine",
] as const;

/**
 * The driver's shape of an error: 400 with Postgres's fields. A server that can't be reached is a
 * 502; anything that is no answer of Postgres stays what it was.
 */
export function refusalOf(error: unknown): GatewayRefusal {
  if (error instanceof GatewayRefusal) return error;
  const fields = error as Error & Record<string, unknown>;
  if (typeof fields["severity"] === "string") {
    return new GatewayRefusal(400, {
      message: fields.message,
      ...Object.fromEntries(errorFields.map((name) => [name, fields[name] ?? null])),
    });
  }
  return new GatewayRefusal(502, { message: "the database can't be reached" });
}
