/**
 * Two clusters, migrated, and the gateway in front of them, for each file that runs at a time: a file has them to
 * itself while it runs, for many look at every tenant there is.
 */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { bootstrapPlacements, makeBootstrapSecrets, type Placements } from "../../scripts/postgres/bootstrap.ts";
import { type Cluster, startCluster } from "../../scripts/postgres/embedded.ts";
import { startGateway } from "../../scripts/postgres/gateway.ts";
import { scratchFolder } from "../support/scratch.ts";

const names = ["first", "second"] as const;

/** What the tests are told. Passwords of throw-away clusters. */
export interface PostgresSetup extends Placements {
  /** `host:port`. */
  readonly gateway: string;
  /** base64url, 32 bytes. */
  readonly tenantDbRootSecret: string;
  readonly superuserUrls: Readonly<Record<string, string>>;
}

declare module "vitest" {
  interface ProvidedContext {
    /** By the worker's `VITEST_POOL_ID`, counted from 1. */
    postgres: readonly PostgresSetup[];
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const worlds = await Promise.all(Array.from({ length: filesAtATime(project) }, startWorld));
  project.provide(
    "postgres",
    worlds.map((world) => world.setup),
  );
  return async () => {
    await Promise.all(worlds.map((world) => world.stop()));
  };
}

/** As many as its workers, but no more than there are files in this run. */
function filesAtATime({ config, vitest }: TestProject): number {
  return Math.max(1, Math.min(config.maxWorkers, vitest.state.getPaths().length));
}

async function startWorld(): Promise<{ setup: PostgresSetup; stop: () => Promise<void> }> {
  const folder = scratchFolder("sentinel-postgres-");
  const superuserPassword = randomBytes(24).toString("base64url");
  const superuserUrl = (port: number, database: string): string =>
    `postgres://postgres:${superuserPassword}@127.0.0.1:${port}/${database}`;
  const clusters = await Promise.all(
    names.map(async (name): Promise<Cluster & { name: string; superuserPassword: string }> => {
      const cluster = await startCluster({
        dir: join(folder, name),
        stateDir: folder,
        port: 0,
        superuserPassword,
        log: () => undefined,
      });
      await forgetAtPowerCut(superuserUrl(cluster.port, "postgres"));
      return { ...cluster, name, superuserPassword };
    }),
  );
  const placements = await bootstrapPlacements({ clusters, secrets: makeBootstrapSecrets(names) });
  const gateway = await startGateway({ port: 0, clusters });
  return {
    setup: {
      ...placements,
      gateway: `127.0.0.1:${gateway.port}`,
      tenantDbRootSecret: randomBytes(32).toString("base64url"),
      superuserUrls: Object.fromEntries(clusters.map(({ name, port }) => [name, superuserUrl(port, "sentinel")])),
    },
    stop: async () => {
      await gateway.stop();
      await Promise.all(clusters.map((cluster) => cluster.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Nothing here outlives the run, so commits wait for no disk. What was committed still survives the end of any process;
 * that clusters are durable as they are started is tested on ones of its own (server/embedded.test.ts).
 */
async function forgetAtPowerCut(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("ALTER SYSTEM SET fsync = off");
    await client.query("ALTER SYSTEM SET full_page_writes = off");
    await client.query("SELECT pg_reload_conf()");
  } finally {
    await client.end();
  }
}
