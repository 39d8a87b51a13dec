/** A small bounded pool for each (host, database, role, password): what a pooler such as Neon's keeps. */
import { createHash } from "node:crypto";
import pg from "pg";
import { GatewayRefusal, refusalOf, type Target } from "./gateway-sql.ts";

/** Connections a role may hold here; below its CONNECTION LIMIT, so that WebSocket sessions fit beside it. */
const poolSizeMax = 8;
/** Pools remembered, most of them empty: one for each role that asked lately. */
const poolsMax = 512;
/** Open connections to all clusters together. A server takes 200; the rest is for WebSocket sessions and migrations. */
const connectionsMax = 140;
const idleMsMax = 10_000;
/** A session begins with its role's settings of that time; changed ones count everywhere after this long. */
const lifeSecondsMax = 300;
/** How long a request waits for a free connection before it is told to come back. */
const waitMsMax = 10_000;

/** Rows are passed through as the text Postgres sent: the driver parses them. */
const asText: pg.CustomTypesConfig = { getTypeParser: () => (value: string | Buffer) => value };

export class ConnectionPools {
  /** Written by `#pool` and `end`. Order of keys is order of last use. */
  readonly #pools = new Map<string, pg.Pool>();
  readonly #usesMax: number;

  /** @param usesMax how often a connection is lent before it is closed */
  constructor(usesMax: number) {
    this.#usesMax = usesMax;
  }

  /**
   * Lends a connection that nobody's session state is left on.
   * @param gone aborted when the asker no longer waits; its running statement is then cut off
   */
  async use<T>(target: Target, gone: AbortSignal, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect(target);
    let lent = true;
    const cut = (): void => {
      lent = false;
      client.release(true);
    };
    if (gone.aborted) cut();
    gone.addEventListener("abort", cut, { once: true });
    try {
      return await work(client);
    } finally {
      gone.removeEventListener("abort", cut);
      // Not awaited: the answer need not wait for it, and the pool lends nothing before it is clean.
      if (lent) void clean(client);
    }
  }

  async #connect(target: Target): Promise<pg.PoolClient> {
    try {
      const pool = this.#pool(target);
      if (pool.idleCount === 0) this.#makeRoom(pool);
      return await pool.connect();
    } catch (error) {
      throw refusalOf(error);
    }
  }

  #pool(target: Target): pg.Pool {
    // Hashed, so that a heap dump of the map's keys holds no passwords.
    const key = createHash("sha256").update(JSON.stringify(target)).digest("base64");
    const known = this.#pools.get(key);
    if (known !== undefined) {
      this.#pools.delete(key);
      this.#pools.set(key, known);
      return known;
    }
    this.#evict();
    const pool = new pg.Pool({
      host: target.host,
      port: target.port,
      user: target.user,
      password: target.password,
      database: target.database,
      max: poolSizeMax,
      idleTimeoutMillis: idleMsMax,
      connectionTimeoutMillis: waitMsMax,
      maxLifetimeSeconds: lifeSecondsMax,
      maxUses: this.#usesMax,
      types: asText,
      application_name: "sentinel-gateway",
    });
    // An idle connection that the server ended; the pool drops it by itself.
    pool.on("error", () => undefined);
    // One that is lent and has no statement running, as between two of a transaction: the next one fails.
    pool.on("connect", (client) => client.on("error", () => undefined));
    this.#pools.set(key, pool);
    return pool;
  }

  /** Ends pools that lend nothing, longest unused first, until one more connection fits. */
  #makeRoom(wanted: pg.Pool): void {
    let open = 0;
    for (const pool of this.#pools.values()) open += pool.totalCount;
    for (const [key, pool] of this.#pools) {
      if (open < connectionsMax) return;
      if (pool === wanted || pool.totalCount > pool.idleCount || pool.waitingCount > 0) continue;
      open -= pool.totalCount;
      this.#forget(key, pool);
    }
  }

  /** Keeps the number of pools within its bound. */
  #evict(): void {
    for (const [key, pool] of this.#pools) {
      if (this.#pools.size < poolsMax) return;
      if (pool.totalCount > pool.idleCount || pool.waitingCount > 0) continue;
      this.#forget(key, pool);
    }
    if (this.#pools.size >= poolsMax) {
      throw new GatewayRefusal(400, { message: "too many roles at once", code: "53300" });
    }
  }

  #forget(key: string, pool: pg.Pool): void {
    this.#pools.delete(key);
    void pool.end();
  }

  async end(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.end()));
  }
}

/**
 * Nothing may pass from one use of a connection to the next: settings, search_path, temporary
 * tables, advisory locks, prepared statements, listeners. `ROLLBACK` first: `DISCARD ALL` is refused
 * inside a transaction that the work left open.
 */
async function clean(client: pg.PoolClient): Promise<void> {
  try {
    await client.query("ROLLBACK");
    await client.query("DISCARD ALL");
    client.release();
  } catch {
    client.release(true);
  }
}
