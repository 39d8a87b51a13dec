import { mkdirSync } from "node:fs";
import { bootstrapPlacements } from "../postgres/bootstrap.ts";
import { type AgentProcess, startAgent } from "./agent-process.ts";
import { buildDashboard } from "./dashboard.ts";
import { type Demo, makeDemo } from "./demo.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { startMailSink } from "./mail-sink.ts";
import { writeOperatorToken } from "./operator-token.ts";
import type { StackOptions } from "./options.ts";
import { endOrphans } from "./orphans.ts";
import { findPort, forwardIpv6Loopback } from "./ports.ts";
import { placementNames, startPlacementClusters } from "./postgres.ts";
import type { Supervision } from "./processes.ts";
import type { Progress } from "./progress.ts";
import { loadSecrets } from "./secrets.ts";
import { openStateFolder, type StateFolder, writeJsonAtomically } from "./state-folder.ts";
import { unitVariables } from "./variables.ts";
import { type RunningWorkers, startWorkers } from "./workers.ts";

/** What `DIR/stack.json` says (docs: INTERFACE, Commands). */
export interface StackDescription {
  readonly url: string;
  readonly org: { readonly id: string; readonly slug: string } | null;
  readonly owner: { readonly email: string; readonly password: string } | null;
  readonly databaseUrls: Readonly<Record<string, string>>;
  readonly mailDir: string;
  /** Holds the operator's token (mode 0600). */
  readonly operatorTokenFile: string;
  readonly pids: Readonly<Record<string, number>>;
}

export interface RunningStack {
  readonly description: StackDescription;
  /** Stops everything, the last started first. Calling it again waits for the same stop. */
  stop(): Promise<void>;
}

/** Stops what was started, the last first, each whatever happened to the one before. */
class Shutdown {
  readonly #steps: { name: string; stop: () => Promise<void> | void }[] = [];
  #running: Promise<void> | null = null;

  add(name: string, stop: () => Promise<void> | void): void {
    this.#steps.push({ name, stop });
  }

  run(progress: Progress): Promise<void> {
    this.#running ??= (async () => {
      for (const { name, stop } of this.#steps.reverse()) {
        try {
          await stop();
        } catch (error) {
          progress.note(`  ! stopping ${name}: ${(error as Error).message}`);
        }
      }
    })();
    return this.#running;
  }
}

/**
 * Starts the whole system; a failing step stops what was started before it.
 * @throws StackError
 */
export async function startStack(options: StackOptions, progress: Progress): Promise<RunningStack> {
  const shutdown = new Shutdown();
  try {
    const description = await start(options, progress, shutdown);
    return { description, stop: () => shutdown.run(progress) };
  } catch (error) {
    await shutdown.run(progress);
    throw error;
  }
}

/** Everything that Workers stand on. */
async function startFoundation(state: StateFolder, progress: Progress, shutdown: Shutdown, supervision: Supervision) {
  const secrets = loadSecrets(state.path("secrets.json"), placementNames);
  const clusters = await progress.step("PostgreSQL, two placements", () =>
    startPlacementClusters(state, secrets, supervision),
  );
  shutdown.add("PostgreSQL", clusters.stop);
  const placements = await progress.step("roles and migrations", () =>
    bootstrapPlacements({ clusters: clusters.running, secrets: secrets.databaseRoles }),
  );
  const ports = clusters.running.map((cluster) => cluster.port);
  const gateway = await progress.step("Neon-protocol gateway", () => startGatewayProcess(ports, supervision));
  shutdown.add("the gateway", gateway.stop);
  const mailDir = state.path("mail");
  const mail = await startMailSink(mailDir, secrets.mailToken);
  shutdown.add("the mail sink", mail.stop);
  const operatorTokenFile = writeOperatorToken(state.path("operator-token"), secrets);
  return {
    operatorTokenFile,
    secrets,
    clusters: clusters.running,
    placements,
    gateway,
    mailDir,
    mailEndpoint: mail.url,
  };
}

async function start(options: StackOptions, progress: Progress, shutdown: Shutdown): Promise<StackDescription> {
  const state = openStateFolder(options.stateDir);
  shutdown.add("the state folder", () => state.release());
  await endOrphans(state.path("stack.json"), state.dir, progress.note);
  const port = await findPort(options.port);
  const publicUrl = `http://localhost:${port}`;
  let describe: (() => StackDescription) | null = null;
  const supervision: Supervision = {
    note: progress.note,
    onRestart: () => {
      if (describe !== null) writeJsonAtomically(state.path("stack.json"), describe());
    },
  };
  const foundation = await startFoundation(state, progress, shutdown, supervision);
  await progress.step("agent and dashboard built", buildDashboard);
  const workers = await progress.step("seven Workers on workerd", () =>
    startWorkers({
      port,
      stateDir: state.path("workers"),
      variables: unitVariables({
        ...foundation,
        publicUrl,
        gateway: foundation.gateway.address,
        limitScale: options.limitScale,
        hubShards: options.hubShards,
        pace: options.pace,
      }),
      limitScale: options.limitScale,
      pace: options.pace,
      onError: (error) => progress.note(`  ! ${error.message}`),
      onRestart: supervision.onRestart,
    }),
  );
  shutdown.add("the Workers", workers.stop);
  shutdown.add("the ::1 listener", (await forwardIpv6Loopback(port)).stop);

  const url = new URL(publicUrl);
  const demo = options.demo
    ? await progress.step("demo organisation", () =>
        makeDemo(url, foundation.secrets.demoOwnerPassword, foundation.mailDir),
      )
    : null;
  if (demo?.breakGlassCode != null)
    progress.note(`  break-glass code of ${demo.org.slug}, shown this once: ${demo.breakGlassCode}`);
  const agent =
    options.agent && demo !== null
      ? await progress.step("this machine enrolled", () =>
          runAgent(state.path("agent"), workers.agentProgram, url, demo, supervision),
        )
      : null;
  if (agent !== null) shutdown.add("the agent", agent.stop);
  describe = () => ({
    url: publicUrl,
    org: demo?.org ?? null,
    owner: demo?.owner ?? null,
    databaseUrls: foundation.placements.ownerUrls,
    mailDir: foundation.mailDir,
    operatorTokenFile: foundation.operatorTokenFile,
    pids: pids(workers, foundation.clusters, foundation.gateway.pid, agent),
  });
  supervision.onRestart();
  return describe();
}

async function runAgent(
  stateDir: string,
  program: string,
  url: URL,
  demo: Demo,
  supervision: Supervision,
): Promise<AgentProcess> {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  return startAgent({
    program,
    stateDir,
    url,
    supervision,
    makeCode: async () => {
      const path = `/api/v1/orgs/${demo.org.slug}/enrollment-codes`;
      const { code } = await demo.api.send<{ code: string }>("POST", path, {
        name: "this machine",
        max_uses: 1,
        expires_in_seconds: 3600,
      });
      return code;
    },
  });
}

function pids(
  workers: RunningWorkers,
  clusters: readonly { pid: number }[],
  gateway: number,
  agent: AgentProcess | null,
): Record<string, number> {
  return {
    ...workers.pids,
    ...Object.fromEntries(clusters.map(({ pid }, index) => [index === 0 ? "postgres" : `postgres_${index + 1}`, pid])),
    gateway,
    ...(agent === null ? {} : { agent: agent.pid }),
  };
}
