import type { Caller } from "../../core/mesh/caller.ts";
import type { SignedCall } from "../../core/mesh/claims.ts";
import type { CredentialsRpc, TenantConnection, TenantReader } from "../../core/rpc/data.ts";
import type { ConnectionSource } from "../../store/tenant/tenant-database.ts";
import { scopeKey, type TenantScope } from "../../store/tenant/tenant-scope.ts";

/** A connection is given up this long before it ends, in milliseconds: longer than any request takes. */
const renewBeforeMs = 60_000;

/** Connections one isolate keeps; each is below 2 KiB. The oldest goes first. */
const connectionsMax = 512;

export interface TenantConnectionsDependencies {
  readonly credentials: CredentialsRpc;
  readonly caller: Caller;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Asks for tenants' connections and keeps them for this isolate, each for exactly one actor in one
 * role of one tenant: the signed row scope inside says who asks, so sharing it would be impersonation.
 * Only finished answers are kept: a Worker may not wait for another request's I/O.
 *
 * @returns for one verified call, the source of its connection; `reader`: as whom the job of exports reads
 */
export function createTenantConnections(
  dependencies: TenantConnectionsDependencies,
): (call: SignedCall, reader?: TenantReader) => ConnectionSource {
  /** Written only here, in order of age. Invariant: the key is `scopeKey` of the scope and the reader it was fetched for. */
  const kept = new Map<string, TenantConnection>();

  return (call, reader) =>
    async (scope, { fresh }) => {
      // No part of one holds a space, so no scope's key is that of a reader.
      const key = reader === undefined ? scopeKey(scope) : `${scopeKey(scope)} as ${reader.user} ${reader.role}`;
      const known = kept.get(key);
      if (known !== undefined && !fresh && dependencies.now() < known.expiresAtMs - renewBeforeMs) return known;
      kept.delete(key);
      const connection = await fetchConnection(dependencies, call, scope, reader);
      kept.set(key, connection);
      for (const oldest of kept.keys()) {
        if (kept.size <= connectionsMax) break;
        kept.delete(oldest);
      }
      return connection;
    };
}

/** The user's own token speaks for the user here too; only a job goes without one. */
async function fetchConnection(
  { caller, credentials }: TenantConnectionsDependencies,
  call: SignedCall,
  scope: TenantScope,
  reader: TenantReader | undefined,
): Promise<TenantConnection> {
  const signed =
    scope.actor.kind === "job"
      ? await caller.asJob("data.credentials", scope.actor.job, scope.org, scope.requestId)
      : await caller.asUser("data.credentials", accessTokenOf(call), scope.requestId);
  const { org, databaseUrl, fallbackDatabaseUrl, rowScope, expiresAtMs } = await (reader === undefined
    ? credentials.forTenant(signed)
    : credentials.forTenant(signed, reader));
  return { org, databaseUrl, fallbackDatabaseUrl, rowScope, expiresAtMs };
}

/** A verified user call always has one. */
export function accessTokenOf(call: SignedCall): string {
  if (call.accessToken === null) throw new Error("a verified user call lost its access token");
  return call.accessToken;
}
