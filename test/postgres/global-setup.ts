/** Two clusters, migrated, and the gateway in front of them: once for the whole project. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { bootstrapPlacements, makeBootstrapSecrets, type Placements } from "../../scripts/postgres/bootstrap.ts";
import { type Cluster, startCluster } from "../../scripts/postgres/embedded.ts";
import { startGateway } from "../../scripts/postgres/gateway.ts";

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
    postgres: PostgresSetup;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-postgres-"));
  const superuserPassword = randomBytes(24).toString("base64url");
  const clusters: (Cluster & { name: string; superuserPassword: string })[] = [];
  for (const name of names) {
    const cluster = await startCluster({
      dir: join(folder, name),
      stateDir: folder,
      port: 0,
      superuserPassword,
      log: () => undefined,
    });
    clusters.push({ ...cluster, name, superuserPassword });
  }
  const placements = await bootstrapPlacements({ clusters, secrets: makeBootstrapSecrets(names) });
  const gateway = await startGateway({ port: 0, clusters });
  project.provide("postgres", {
    ...placements,
    gateway: `127.0.0.1:${gateway.port}`,
    tenantDbRootSecret: randomBytes(32).toString("base64url"),
    superuserUrls: Object.fromEntries(
      clusters.map(({ name, port }) => [name, `postgres://postgres:${superuserPassword}@127.0.0.1:${port}/sentinel`]),
    ),
  });
  return async () => {
    await gateway.stop();
    await Promise.all(clusters.map((cluster) => cluster.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
}
