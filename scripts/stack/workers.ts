import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { bundleWorker } from "../bundle.ts";
import { repositoryRoot, type UnitName, units } from "../units.ts";
import { readLocalBackends } from "./backends.ts";
import { agentFile, copyDashboard } from "./dashboard.ts";
import { findPort } from "./ports.ts";
import { StackError } from "./stack-error.ts";
import { startWorkerd } from "./workerd.ts";

export interface WorkersOptions {
  readonly port: number;
  /** Where objects and KV live. */
  readonly stateDir: string;
  /** Variables and secrets of each unit, over those of its wrangler.toml. */
  readonly variables: Readonly<Record<UnitName, Readonly<Record<string, string>>>>;
  /** Multiplies the flood binding's own limit too. */
  readonly limitScale: number;
  /** How many times as often cron triggers fire. */
  readonly pace: number;
  /** An exception that no Worker caught. */
  readonly onError: (error: Error) => void;
  /** A workerd died and was started again on the same port. */
  readonly onRestart: () => void;
}

export interface RunningWorkers {
  readonly url: URL;
  /** Process ids by the name that stack.json gives them. */
  readonly pids: Readonly<Record<"workerd" | "workerd_passwords", number>>;
  /** The agent as this stack serves it. */
  readonly agentProgram: string;
  stop(): Promise<void>;
}

/**
 * Deployed, each Worker has isolates of its own. One workerd runs all of its isolates on one thread, so
 * locally this unit, which holds its isolate up for 0.2 s at a time, has a workerd of its own.
 */
const apart: UnitName = "sentinel-passwords";

/**
 * Starts the Workers, from the wrangler.toml files that deploy them, in two workerd processes.
 * @throws StackError `workers_failed`
 */
export async function startWorkers(options: WorkersOptions): Promise<RunningWorkers> {
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const { onError, onRestart, pace } = options;
  const own = units.filter(({ name }) => name === apart);
  const passwords = await startWorkerd({
    port: await findPort(0),
    workers: await Promise.all(own.map((unit) => workerOptions(unit, options))),
    pace,
    onError,
    onRestart,
  });
  try {
    const rest = units.filter(({ name }) => name !== apart);
    const workers = await Promise.all(rest.map((unit) => workerOptions(unit, options, passwords.url)));
    const main = await startWorkerd({
      port: options.port,
      stateDir: options.stateDir,
      // The first Worker answers requests: the edge, which is deployed last.
      workers: workers.reverse(),
      pace,
      onError,
      onRestart,
    });
    return {
      url: main.url,
      agentProgram: join(assetsFolder(options), agentFile),
      get pids() {
        return { workerd: main.pid, workerd_passwords: passwords.pid };
      },
      stop: async () => {
        await main.stop();
        await passwords.stop();
      },
    };
  } catch (error) {
    await passwords.stop();
    throw error;
  }
}

/** @param passwords where the unit that runs apart listens; a binding to it goes there */
async function workerOptions(
  unit: (typeof units)[number],
  options: WorkersOptions,
  passwords?: URL,
): Promise<Record<string, unknown>> {
  const config = join(repositoryRoot, unit.config);
  // `main` is there for every unit of ours, but not in wrangler's declared type.
  const { workerOptions, main } = unstable_getMiniflareWorkerOptions(config) as unknown as {
    workerOptions: Record<string, unknown> & {
      bindings: Record<string, unknown>;
      ratelimits: Record<string, RateLimitOptions>;
      serviceBindings: Record<string, { readonly name: string }> | undefined;
    };
    main: string;
  };
  if (!existsSync(main))
    throw new StackError(
      "workers_failed",
      `${unit.config} names ${main}, which is not there`,
      "Restore the file from git.",
    );
  const { modulesRules: _rules, assets, serviceBindings, ...rest } = workerOptions;
  return {
    ...rest,
    name: unit.name,
    modules: [{ type: "ESModule", path: "index.mjs", contents: await bundleWorker(main) }],
    bindings: { ...workerOptions.bindings, ...options.variables[unit.name] },
    serviceBindings: {
      ...Object.fromEntries(
        Object.entries(serviceBindings ?? {}).map(([name, service]) => [
          name,
          service.name === apart && passwords !== undefined
            ? { external: { address: passwords.host, http: {} } }
            : service,
        ]),
      ),
      ...(unit.name === "sentinel-studio" ? readLocalBackends(process.env["BACKENDS_FILE"]).bindings : {}),
    },
    ratelimits: scaleRateLimits(workerOptions.ratelimits, options.limitScale),
    // The local runtime's own header is the only source of the address here, as Cloudflare is when deployed.
    stripCfConnectingIp: false,
    ...(assets === undefined ? {} : { assets: await ownAssets(assets, assetsFolder(options)) }),
  };
}

const assetsFolder = (options: WorkersOptions): string => join(options.stateDir, "assets");

/** Files are read as they are asked for: served from the tree, they would change under a running stack. */
async function ownAssets(assets: unknown, directory: string): Promise<unknown> {
  await copyDashboard(directory);
  return { ...(assets as object), directory };
}

interface RateLimitOptions {
  readonly namespace_id: string;
  readonly simple: { readonly limit: number; readonly period: 10 | 60 };
}

function scaleRateLimits(limits: Record<string, RateLimitOptions>, scale: number): Record<string, RateLimitOptions> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, { namespace_id, simple }]) => [
      name,
      { namespace_id, simple: { limit: simple.limit * scale, period: simple.period } },
    ]),
  );
}
