/** What every entrypoint works with; lives as long as the isolate. */
import type { JWK } from "jose";
import type { OrgId } from "../../core/ids.ts";
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
  /** Whether this isolate may repair a tenant now: once a minute, for a role that changes itself all the time. */
  mayRepair(org: OrgId): boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** A repair is a transaction that locks a tenant's tables for a moment. */
const repairEveryMs = 60_000;
/** Tenants whose last repair one isolate remembers; forgotten ones may be repaired once more. */
const repairsKeptMax = 1_000;

/** @returns true at most once a minute for each organisation */
export function createRepairPace(now: () => number): (org: OrgId) => boolean {
  /** Written only here, in order of age. */
  const repairedAtMs = new Map<OrgId, number>();
  return (org) => {
    if (now() - (repairedAtMs.get(org) ?? Number.NEGATIVE_INFINITY) < repairEveryMs) return false;
    repairedAtMs.delete(org);
    repairedAtMs.set(org, now());
    for (const oldest of repairedAtMs.keys()) {
      if (repairedAtMs.size <= repairsKeptMax) break;
      repairedAtMs.delete(oldest);
    }
    return true;
  };
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
    mayRepair: createRepairPace(now),
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
