/**
 * The only importer of the Postgres driver. Neon's HTTP protocol carries everything: one round
 * trip a transaction, no connection kept in an isolate.
 */
import { Client, neon, neonConfig } from "@neondatabase/serverless";
import { databaseError } from "./failure.ts";
import type { Statement } from "./statement.ts";

/** One row; names as in the query. */
export type Row = Record<string, unknown>;

export interface DatabaseConfig {
  /** `postgres://role:password@host/database`. */
  readonly url: string;
  /** "" for Neon's own endpoints (TLS, verified); "127.0.0.1:port" for a gateway on this machine that speaks its protocol. */
  readonly gateway: string;
}

export interface TransactionOptions {
  /** READ ONLY: a query that should not write can't. */
  readonly readOnly?: boolean;
  /** Gives up after so many milliseconds, default {@link statementMsMax}. */
  readonly timeoutMs?: number;
}

export interface Database {
  /**
   * Runs the statements in one READ COMMITTED transaction and one HTTP round trip; all or nothing.
   * @returns the rows of each statement
   * @throws DatabaseError
   */
  transaction(statements: readonly Statement[], options?: TransactionOptions): Promise<Row[][]>;
  /** One statement in a transaction of its own. @throws DatabaseError */
  query(statement: Statement, options?: TransactionOptions): Promise<Row[]>;
}

/** Longer than the roles' `statement_timeout` (10 s), so that Postgres ends a slow query first and says so. */
export const statementMsMax = 15_000;

/** A session that is not open by then is given up. */
export const connectMsMax = 10_000;

/** What travels to {@link fetchEndpoint} beside the request: which gateway it is for. */
interface EndpointInit extends RequestInit {
  sentinelGateway: string;
}

// The driver's configuration is global. This is its one setting and it holds no state: each call
// carries its own gateway, so two databases in one process never share one.
neonConfig.fetchFunction = fetchEndpoint;

function fetchEndpoint(neonEndpoint: string, init: EndpointInit): Promise<Response> {
  const { sentinelGateway, ...request } = init;
  return fetch(sentinelGateway === "" ? neonEndpoint : `http://${sentinelGateway}/sql`, request);
}

/** A gateway is spoken to without TLS, so it is on this machine: configured otherwise, passwords would travel in the clear. */
const loopbackGateway = /^(?:127\.0\.0\.1|localhost):\d{1,5}$/;

/** @throws Error when the gateway is neither absent nor on this machine */
function requireLoopback(gateway: string): void {
  if (gateway !== "" && !loopbackGateway.test(gateway)) throw new Error("a database gateway is on this machine");
}

/**
 * Opens no connection; each call authenticates as the URL's role. Without a gateway that is HTTPS, and nothing in
 * the URL (`sslmode`) has a say in it.
 */
export function createDatabase(config: DatabaseConfig): Database {
  requireLoopback(config.gateway);
  const client = neon(config.url, { disableWarningInBrowsers: true });
  async function transaction(statements: readonly Statement[], options: TransactionOptions = {}): Promise<Row[][]> {
    const fetchOptions = {
      sentinelGateway: config.gateway,
      signal: AbortSignal.timeout(options.timeoutMs ?? statementMsMax),
    };
    try {
      const results = await client.transaction(
        statements.map((statement) => client.query(statement.text, statement.values)),
        { isolationLevel: "ReadCommitted", readOnly: options.readOnly === true, fetchOptions },
      );
      return results as Row[][];
    } catch (cause) {
      throw databaseError(cause);
    }
  }
  return {
    transaction,
    async query(statement, options) {
      const [rows] = await transaction([statement], options);
      return rows ?? [];
    },
  };
}

/**
 * An interactive session over WebSocket, for the few transactions that must look before they
 * write. The caller connects and ends it. Nothing may rest on session state: Neon's pooler is in
 * transaction mode.
 */
export function createInteractiveClient(config: DatabaseConfig): Client {
  requireLoopback(config.gateway);
  const client = new Client({ connectionString: config.url, connectionTimeoutMillis: connectMsMax });
  if (config.gateway !== "") {
    const settings = client.neonConfig;
    settings.wsProxy = (host, port) => `${config.gateway}/v1?address=${host}:${port}`;
    settings.useSecureWebSocket = false;
    settings.pipelineTLS = false;
    // `password` pipelining assumes clear-text password authentication; SCRAM refuses it with 08P01.
    settings.pipelineConnect = false;
  }
  return client;
}

export { DatabaseError, databaseError, sqlState } from "./failure.ts";
export { Statement, sql, unsafeRawSql } from "./statement.ts";
