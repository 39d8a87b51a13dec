import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrapPlacements, makeBootstrapSecrets } from "../../scripts/postgres/bootstrap.ts";
import { type Cluster, startCluster } from "../../scripts/postgres/embedded.ts";
import { startGateway } from "../../scripts/postgres/gateway.ts";
import type { RunningCluster } from "../support/placement-databases.ts";

const names = ["first", "second"] as const;

export interface TwoClusters {
  readonly clusters: readonly RunningCluster[];
  readonly directoryUrl: string;
  /** `host:port`. */
  readonly gateway: string;
}

/** Two embedded servers and the gateway in front of them, without the Workers; gone when `work` ends. */
export async function withClusters<T>(work: (clusters: TwoClusters) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-clusters-"));
  const superuserPassword = randomBytes(24).toString("base64url");
  const running: Cluster[] = [];
  let stopGateway = async (): Promise<void> => undefined;
  // Whoever ends this process by a signal ends the servers, too: they are groups of their own.
  const leaveNothing = (): void => {
    for (const { pid } of running) process.kill(pid, "SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", leaveNothing);
  try {
    for (const name of names)
      running.push(
        await startCluster({
          dir: join(folder, name),
          stateDir: folder,
          port: 0,
          superuserPassword,
          log: () => undefined,
        }),
      );
    const placements = await bootstrapPlacements({
      clusters: running.map(({ port }, index) => ({ name: names[index] ?? "", port, superuserPassword })),
      secrets: makeBootstrapSecrets(names),
    });
    const gateway = await startGateway({ port: 0, clusters: running });
    stopGateway = gateway.stop;
    const clusters = names.flatMap((name) => {
      const [ownerUrl, address] = [placements.ownerUrls[name], placements.placements[name]];
      return ownerUrl === undefined || address === undefined ? [] : [{ ownerUrl, address }];
    });
    return await work({ clusters, directoryUrl: placements.directoryUrl, gateway: `127.0.0.1:${gateway.port}` });
  } finally {
    process.off("exit", leaveNothing);
    await stopGateway();
    await Promise.all(running.map((cluster) => cluster.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}
