import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildAgent } from "../../agent/build.ts";
import { bootstrapPlacements } from "../postgres/bootstrap.ts";
import { type AgentProcess, startAgent } from "./agent-process.ts";
import { buildDashboard } from "./dashboard.ts";
import { type Demo, makeDemo } from "./demo.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { startMailSink } from "./mail-sink.ts";
import type { StackOptions } from "./options.ts";
import { findPort, forwardIpv6Loopback } from "./ports.ts";
import { startPlacementClusters } from "./postgres.ts";
import type { Progress } from "./progress.ts";
import { loadSecrets, type StackSecrets } from "./secrets.ts";
import { openStateFolder, writeJsonAtomically } from "./state-folder.ts";
import { unitVariables } from "./variables.ts";
import { type RunningWorkers, startWorkers } from "./workers.ts";

/** What `DIR/stack.json` says (docs: INTERFACE, Commands). */
export interface StackDescription {
  readonly url: string;
  readonly org: { readonly id: string; readonly slug: string } | null;
  readonly owner: { readonly email: string; readonly password: string } | null;
  readonly databaseUrls: Readonly<Record<string, string>>;
  readonly mailDir: string;
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

async function start(options: StackOptions, progress: Progress, shutdown: Shutdown): Promise<StackDescription> {
  const state = openStateFolder(options.stateDir);
  shutdown.add("the state folder", () => state.release());
  const port = await findPort(options.port);
  const secrets = loadSecrets(state.path("secrets.json"));
  const mailDir = state.path("mail");

  const clusters = await progress.step("PostgreSQL, two placements", () =>
    startPlacementClusters(state, secrets, progress.note),
  );
  shutdown.add("PostgreSQL", clusters.stop);
  const placements = await progress.step("roles and migrations", () =>
    bootstrapPlacements({ clusters: clusters.running, secrets: roleSecrets(secrets) }),
  );
  const gateway = await progress.step("Neon-protocol gateway", () =>
    startGatewayProcess(
      clusters.running.map((cluster) => cluster.port),
      progress.note,
    ),
  );
  shutdown.add("the gateway", gateway.stop);
  const mail = await startMailSink(mailDir, secrets.mailToken);
  shutdown.add("the mail sink", mail.stop);
  const agentProgram = await progress.step("agent and dashboard built", async () => {
    await buildDashboard();
    return buildAgent();
  });
  const publicUrl = `http://localhost:${port}`;
  const variables = unitVariables({
    publicUrl,
    gateway: gateway.address,
    mailEndpoint: mail.url,
    limitScale: options.limitScale,
    secrets,
    placements,
  });
  const workers = await progress.step("five Workers on workerd", () =>
    startWorkers({
      port,
      stateDir: state.path("workers"),
      variables,
      limitScale: options.limitScale,
      onError: (error) => progress.note(`  ! ${error.message}`),
    }),
  );
  shutdown.add("the Workers", workers.stop);
  const ipv6 = await forwardIpv6Loopback(port);
  shutdown.add("the ::1 listener", ipv6.stop);

  const url = new URL(publicUrl);
  const demo = options.demo
    ? await progress.step("demo organisation", () => makeDemo(url, secrets.demoOwnerPassword, mailDir))
    : null;
  const agent =
    options.agent && demo !== null
      ? await progress.step("this machine enrolled", () =>
          runAgent(state.path("agent"), agentProgram, url, demo, progress),
        )
      : null;
  if (agent !== null) shutdown.add("the agent", agent.stop);
  const description: StackDescription = {
    url: publicUrl,
    org: demo?.org ?? null,
    owner: demo?.owner ?? null,
    databaseUrls: placements.ownerUrls,
    mailDir,
    pids: pids(workers, clusters.running, gateway.pid, agent),
  };
  writeJsonAtomically(join(options.stateDir, "stack.json"), description);
  return description;
}

async function runAgent(
  stateDir: string,
  program: string,
  url: URL,
  demo: Demo,
  progress: Progress,
): Promise<AgentProcess> {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  return startAgent({
    program,
    stateDir,
    url,
    note: progress.note,
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
    workerd: workers.workerdPid,
    ...Object.fromEntries(clusters.map(({ pid }, index) => [index === 0 ? "postgres" : `postgres_${index + 1}`, pid])),
    gateway,
    ...(agent === null ? {} : { agent: agent.pid }),
  };
}

function roleSecrets(secrets: StackSecrets) {
  return {
    owner: secrets.sentinelOwner,
    control: secrets.sentinelControl,
    directory: secrets.sentinelDirectory,
    provisioner: secrets.sentinelProvisioner,
    auditWriter: secrets.sentinelAuditWriter,
  };
}
