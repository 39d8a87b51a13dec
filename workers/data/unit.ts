/** What every entrypoint works with; lives as long as the isolate. */
import type { JWK } from "jose";
import { createMeshKeys, type MeshKeys } from "../../core/mesh/keys.ts";
import { createDatabase, type Database } from "../../store/connect.ts";
import type { OrgScope } from "../../store/control/org-scope.ts";
import { type DataConfig, type DataEnv, parseConfig } from "./config.ts";
import { createPlacementCache, type TenantPlacement } from "./directory.ts";

export interface DataUnit {
  readonly config: DataConfig;
  readonly keys: MeshKeys;
  readonly directory: Database;
  /** Where a finished tenant is. @throws TenantNotReady, DatabaseError */
  placementOf(scope: OrgScope, options?: { readonly fresh: boolean }): Promise<TenantPlacement>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Keys of the MESH_ROOTS namespace, written by KeyRing: JSON `{"keys": [JWK, …]}`. */
const keySetNames = { roots: "roots", access: "access" } as const;

/** @throws ConfigurationError */
export async function createUnit(env: DataEnv, now: () => number): Promise<DataUnit> {
  const config = await parseConfig(env);
  const directory = createDatabase({ url: config.directoryUrl, gateway: config.gateway });
  return {
    config,
    keys: createMeshKeys({
      issuer: config.issuer,
      fetchRoots: () => readKeySet(env.MESH_ROOTS, keySetNames.roots),
      fetchAccess: () => readKeySet(env.MESH_ROOTS, keySetNames.access),
      now,
    }),
    directory,
    placementOf: createPlacementCache(directory, now),
    now,
  };
}

/** @throws Error when the set is absent or is none: then nobody is let in */
async function readKeySet(namespace: DataEnv["MESH_ROOTS"], name: string): Promise<{ keys: JWK[] }> {
  const text = await namespace.get(name);
  if (text === null) throw new Error("KeyRing has not pushed its public keys yet");
  const { keys } = JSON.parse(text) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error("the key set is malformed");
  return { keys: keys as JWK[] };
}
