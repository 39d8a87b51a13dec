import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, startCluster } from "../postgres/embedded.ts";
import type { Supervision } from "./processes.ts";
import type { StackSecrets } from "./secrets.ts";
import { StackError } from "./stack-error.ts";
import type { StateFolder } from "./state-folder.ts";

/** The placements of a local stack: two clusters, because roles are cluster-wide. The first holds the control plane. */
export const placementNames = ["local-1", "local-2"] as const;

export interface PlacementCluster {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly superuserPassword: string;
}

export interface PlacementClusters {
  readonly running: readonly PlacementCluster[];
  stop(): Promise<void>;
}

/** Between a server's death and its next start, in milliseconds. */
const restartDelayMs = 500;

/**
 * Starts both clusters and starts one again, on its port, when it dies.
 * @throws StackError `postgres_failed`
 */
export async function startPlacementClusters(
  state: StateFolder,
  secrets: StackSecrets,
  supervision: Supervision,
): Promise<PlacementClusters> {
  const supervised: Supervised[] = [];
  try {
    for (const name of placementNames) {
      supervised.push(await supervise(name, state, secrets.postgresSuperuser, supervision));
    }
  } catch (error) {
    await Promise.all(supervised.map((cluster) => cluster.stop()));
    throw new StackError("postgres_failed", (error as Error).message, `Its log is in ${state.path("postgres")}.`);
  }
  return {
    running: supervised,
    stop: async () => {
      await Promise.all(supervised.map((cluster) => cluster.stop()));
    },
  };
}

interface Supervised extends PlacementCluster {
  stop(): Promise<void>;
}

async function supervise(
  name: string,
  state: StateFolder,
  superuserPassword: string,
  supervision: Supervision,
): Promise<Supervised> {
  const options = {
    dir: state.path("postgres", name),
    stateDir: state.dir,
    superuserPassword,
    // The folder's lock is ours: a server that still holds the files belongs to a stack that was killed.
    replaceOrphan: true,
    log: (line: string) => supervision.note(`    ${name}: ${line}`),
  };
  let cluster: Cluster = await startCluster({ ...options, port: 0 });
  let stopping = false;
  const { port } = cluster;
  const watch = async (): Promise<void> => {
    await cluster.exited;
    while (!stopping) {
      supervision.note(`  ! PostgreSQL ${name} ended; starting it again`);
      await delay(restartDelayMs);
      try {
        cluster = await startCluster({ ...options, port });
        supervision.onRestart();
        return watch();
      } catch (error) {
        supervision.note(`  ! ${(error as Error).message}`);
      }
    }
  };
  void watch();
  return {
    name,
    port,
    superuserPassword,
    get pid() {
      return cluster.pid;
    },
    stop: async () => {
      stopping = true;
      await cluster.stop();
    },
  };
}
