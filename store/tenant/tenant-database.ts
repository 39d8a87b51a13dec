import type { TenantConnection } from "../../core/rpc/data.ts";
import { createDatabase, DatabaseError, type Row, type Statement, sql, type TransactionOptions } from "../connect.ts";
import type { TenantScope } from "./tenant-scope.ts";

/** Hands out the connection of a scope. `fresh` goes past any cache. */
export type ConnectionSource = (scope: TenantScope, options: { readonly fresh: boolean }) => Promise<TenantConnection>;

declare const opened: unique symbol;
/**
 * One tenant's database as one actor sees it. Every function of store/tenant takes one of these;
 * holding it is the proof, and row-level security draws the line inside the tenant.
 */
export interface TenantDatabase {
  readonly [opened]: true;
  readonly scope: TenantScope;
  /** A READ ONLY transaction in one round trip. @throws DatabaseError */
  read(...statements: readonly Statement[]): Promise<Row[][]>;
  /**
   * One change, its receipt and what is to be read after it, in one transaction and one round trip.
   *
   * @param work what follows `WITH`; its last query is named `work`, returns a row for each thing
   *   changed and none if there was nothing to change. The receipt is written only if there was: it
   *   is how the audit log's reconciler learns whether a request whose answer was lost did its work.
   * @param after read in the same transaction, so they see the change
   * @returns the rows of `work`, then those of each of `after`
   * @throws DatabaseError; then nothing was changed and no receipt was written
   */
  write(work: Statement, ...after: readonly Statement[]): Promise<Row[][]>;
  /** {@link write} behind a statement that locks what `work` is to count. @returns without the lock's own rows */
  writeBehind(lock: Statement, work: Statement, ...after: readonly Statement[]): Promise<Row[][]>;
}

/**
 * Opens a tenant's database for one scope. No connection is made before the first query.
 * @param gateway as in `createDatabase`
 */
export function openTenantDatabase(scope: TenantScope, connect: ConnectionSource, gateway: string): TenantDatabase {
  async function transaction(statements: readonly Statement[], options: TransactionOptions): Promise<Row[][]> {
    let refusal: unknown;
    for (const fresh of [false, true]) {
      const connection = await connect(scope, { fresh });
      // The credential's own word for whose it is: a mix-up of tenants stops here.
      if (connection.org !== scope.org) throw new Error("a connection of another tenant was handed out");
      const rowScope = sql`SELECT set_config('sentinel.scope', ${connection.rowScope}, true)`;
      for (const url of [connection.databaseUrl, connection.fallbackDatabaseUrl]) {
        if (url === null) continue;
        try {
          const [, ...results] = await createDatabase({ url, gateway }).transaction([rowScope, ...statements], options);
          return results;
        } catch (error) {
          // A refused login comes before any statement, so trying the other password repeats nothing.
          if (!(error instanceof DatabaseError) || !error.loginRefused) throw error;
          refusal = error;
        }
      }
    }
    throw refusal;
  }

  const database: Omit<TenantDatabase, typeof opened> = {
    scope,
    read: (...statements) => transaction(statements, { readOnly: true }),
    write: (work, ...after) => transaction([withReceipt(work, scope), ...after], {}),
    writeBehind: async (lock, work, ...after) =>
      (await transaction([lock, withReceipt(work, scope), ...after], {})).slice(1),
  };
  return database as TenantDatabase;
}

function withReceipt(work: Statement, scope: TenantScope): Statement {
  return sql`
    WITH ${work},
    receipt AS (
      INSERT INTO operation_receipts (request_id)
      SELECT ${scope.requestId} WHERE EXISTS (SELECT FROM work)
      ON CONFLICT DO NOTHING
    )
    SELECT * FROM work`;
}
