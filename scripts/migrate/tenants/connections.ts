/** Connections of the owner to every placement, a few kept for each while a run lasts. */
import pg from "pg";
import type { PlacementUrl } from "../database-urls.ts";
import { verifiedConnection } from "../verified-connection.ts";

/** How long a server may take to answer a connection, in milliseconds. */
const connectMsMax = 10_000;

/** What a transaction on tenants' schemas may take; PostgreSQL's spelling of times. */
export interface TenantLimits {
  /** How long a statement waits for a lock: for as long, every new request of that table waits behind it. */
  readonly lockMs: number;
  /** How long the whole transaction may last, and with it the locks that it holds. */
  readonly transactionMs: number;
}

export class PlacementConnections {
  readonly #pools: ReadonlyMap<string, pg.Pool>;
  /** The first placement: it holds the control plane. */
  readonly control: string;

  constructor(placements: readonly [PlacementUrl, ...PlacementUrl[]], atOnce: number) {
    this.control = placements[0].name;
    this.#pools = new Map(
      placements.map(({ name, url }) => {
        const pool = new pg.Pool({
          ...verifiedConnection(`the connection to ${name}`, url),
          max: atOnce,
          connectionTimeoutMillis: connectMsMax,
          application_name: "sentinel-migrate-tenants",
        });
        // A connection that the server ended while nobody used it; the pool makes another.
        pool.on("error", () => undefined);
        return [name, pool];
      }),
    );
  }

  has(placement: string): boolean {
    return this.#pools.has(placement);
  }

  get names(): readonly string[] {
    return [...this.#pools.keys()];
  }

  /** Lends a connection. One that ended in an error is not lent again: whatever state it had goes with it. */
  async use<T>(placement: string, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const pool = this.#pools.get(placement);
    if (pool === undefined) throw new Error(`no connection to placement ${placement} was given`);
    const client = await pool.connect();
    // The server may end the session between two statements (25P04); the next statement then fails.
    const ignore = (): undefined => undefined;
    client.on("error", ignore);
    let failed = true;
    try {
      const result = await work(client);
      failed = false;
      return result;
    } finally {
      client.off("error", ignore);
      client.release(failed);
    }
  }

  async end(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.end()));
  }
}

/**
 * Begins a transaction with the rights of the role that owns tenants' schemas, and nothing wider:
 * SECURITY DEFINER functions and policies must belong to it, whoever runs the migration.
 */
export function beginAsProvisioner({ lockMs, transactionMs }: TenantLimits, mode: "" | "READ ONLY" = ""): string {
  // transaction_timeout (PostgreSQL 17): a client that died, or a network that did, can't keep locks either.
  return `BEGIN ISOLATION LEVEL READ COMMITTED ${mode};
    SET LOCAL transaction_timeout = ${Math.trunc(transactionMs)};
    SET LOCAL lock_timeout = ${Math.trunc(lockMs)};
    SET LOCAL ROLE sentinel_provisioner;
    SET LOCAL search_path = pg_catalog, pg_temp`;
}

/** A schema's catalogue and ledger are read in some 20 ms, and locked by a migration of that tenant alone; a loaded server gets room. */
const readLimits: TenantLimits = { lockMs: 5_000, transactionMs: 60_000 };

/** Reads tenants' schemas in a transaction with those rights that can change nothing. */
export async function readAsProvisioner<T>(client: pg.ClientBase, read: () => Promise<T>): Promise<T> {
  await client.query(beginAsProvisioner(readLimits, "READ ONLY"));
  const found = await read();
  await client.query("COMMIT");
  return found;
}
