/** Placements as databases of their own in running clusters, so that a run over "all tenants" meets nobody else's. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import type { PlacementUrl } from "../../scripts/migrate/database-urls.ts";
import { migrate } from "../../scripts/migrate/migrate.ts";
import { registerPlacements } from "../../scripts/migrate/register-placements.ts";
import type { PlacementAddress } from "../../scripts/postgres/bootstrap.ts";
import { type DataConfig, parseConfig } from "../../workers/data/config.ts";

/** A cluster with Sentinel's roles in it. */
export interface RunningCluster {
  readonly ownerUrl: string;
  readonly address: PlacementAddress;
}

export interface PlacementDatabases {
  /** The owner's connections; the first holds the control plane. */
  readonly urls: readonly [PlacementUrl, ...PlacementUrl[]];
  /** The data Worker's configuration for them. */
  readonly config: DataConfig;
}

/**
 * Makes one database a placement, cluster after cluster in turn, migrated and registered.
 * @param directoryUrl of the first cluster's `sentinel_directory`
 */
export async function makePlacementDatabases(
  names: readonly [string, ...string[]],
  clusters: readonly RunningCluster[],
  { directoryUrl, gateway }: { readonly directoryUrl: string; readonly gateway: string },
): Promise<PlacementDatabases> {
  const suffix = randomBytes(6).toString("hex");
  const urls: PlacementUrl[] = [];
  const placements: Record<string, PlacementAddress> = {};
  let directory = "";
  for (const [index, name] of names.entries()) {
    const cluster = clusters[index % clusters.length] as RunningCluster;
    const database = `${name.replaceAll("-", "_")}_${suffix}`;
    const inDatabase = (url: string): string => url.replace(/\/[^/]+$/, `/${database}`);
    await runOn(cluster.ownerUrl, `CREATE DATABASE ${database} TEMPLATE template0`);
    const url = inDatabase(cluster.ownerUrl);
    await migrate({ databaseUrl: url, sets: index === 0 ? ["placement", "control"] : ["placement"] });
    if (index === 0) directory = inDatabase(directoryUrl);
    urls.push({ name, url });
    placements[name] = {
      provisionerUrl: inDatabase(cluster.address.provisionerUrl),
      auditWriterUrl: inDatabase(cluster.address.auditWriterUrl),
      tenantHost: inDatabase(cluster.address.tenantHost),
    };
  }
  const [first, ...others] = urls as [PlacementUrl, ...PlacementUrl[]];
  await registerPlacements(first.url, names);
  const config = await parseConfig({
    NEON_GATEWAY: gateway,
    ISSUER: "https://sentinel.test",
    TENANT_DB_ROOT_SECRET: randomBytes(32).toString("base64url"),
    PLACEMENTS: JSON.stringify(placements),
    DIRECTORY_DATABASE_URL: directory,
  });
  return { urls: [first, ...others], config };
}

/** One statement on a connection of its own. */
export async function runOn<T extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
