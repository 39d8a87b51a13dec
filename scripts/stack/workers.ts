import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { bundleWorker } from "../bundle.ts";
import { repositoryRoot, type UnitName, units } from "../units.ts";
import { agentFile, copyDashboard } from "./dashboard.ts";
import { findChild } from "./processes.ts";
import { StackError } from "./stack-error.ts";

export interface WorkersOptions {
  readonly port: number;
  /** Where objects and KV live. */
  readonly stateDir: string;
  /** Variables and secrets of each unit, over those of its wrangler.toml. */
  readonly variables: Readonly<Record<UnitName, Readonly<Record<string, string>>>>;
  /** Multiplies the flood binding's own limit too. */
  readonly limitScale: number;
  /** An exception that no Worker caught. */
  readonly onError: (error: Error) => void;
  /** workerd died and was started again on the same port. */
  readonly onRestart: () => void;
}

export interface RunningWorkers {
  readonly url: URL;
  readonly workerdPid: number;
  /** The agent as this stack serves it. */
  readonly agentProgram: string;
  stop(): Promise<void>;
}

/** How long workerd may take to stop, in milliseconds: with sockets open it may ignore SIGTERM. */
const stopMsMax = 5000;

/**
 * Starts the five Workers in one workerd, from the wrangler.toml files that deploy them.
 * @throws StackError `workers_failed`
 */
export async function startWorkers(options: WorkersOptions): Promise<RunningWorkers> {
  const workers = await Promise.all(units.map((unit) => workerOptions(unit, options)));
  // The first Worker answers requests: the edge.
  workers.reverse();
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const revival = { wanted: false };
  const revive = async (): Promise<void> => {
    while (revival.wanted) {
      await delay(reviveDelayMs);
      if (!revival.wanted) return;
      try {
        await miniflare.setOptions(miniflareOptions);
        options.onRestart();
        return;
      } catch (error) {
        options.onError(error as Error);
      }
    }
  };
  const miniflareOptions = convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: options.port,
    cf: { country: "IN", tlsVersion: "TLSv1.3" },
    resourcePersistencePath: options.stateDir,
    log: new GivingUpLog(() => void revive()),
    logRequests: false,
    handleUncaughtError: options.onError,
    unsafeHandleRuntimeRestart: options.onRestart,
    workers,
  } as unknown as V4MiniflareOptions);
  const miniflare = withoutSignalHandlers(() => new Miniflare(miniflareOptions));
  let url: URL;
  try {
    url = await miniflare.ready;
  } catch (error) {
    await miniflare.dispose().catch(() => undefined);
    throw new StackError(
      "workers_failed",
      `workerd did not start: ${(error as Error).message}`,
      "Read the message above; after an update run npm ci.",
    );
  }
  revival.wanted = true;
  return {
    url,
    agentProgram: join(assetsFolder(options), agentFile),
    get workerdPid() {
      return findChild(process.pid, "workerd");
    },
    stop: () => {
      revival.wanted = false;
      return stopWorkers(miniflare);
    },
  };
}

/** Between two tries to start a workerd that died while it started, in milliseconds. */
const reviveDelayMs = 500;

/** Miniflare starts a workerd that died again, but gives up on one that dies before it listens: this line is all it says. */
class GivingUpLog extends Log {
  readonly #onGivenUp: () => void;

  constructor(onGivenUp: () => void) {
    super(LogLevel.ERROR);
    this.#onGivenUp = onGivenUp;
  }

  override error(error: Error): void {
    super.error(error);
    if ("code" in error && error.code === "ERR_RUNTIME_FAILURE") this.#onGivenUp();
  }
}

/**
 * Miniflare ends the whole process at the first signal; here the stack decides in which order things
 * stop. Its hook on `exit`, which kills workerd, stays.
 */
function withoutSignalHandlers(make: () => Miniflare): Miniflare {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]));
  const miniflare = make();
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) {
      if (!before.get(signal)?.includes(listener)) process.off(signal, listener);
    }
  }
  return miniflare;
}

async function workerOptions(unit: (typeof units)[number], options: WorkersOptions): Promise<Record<string, unknown>> {
  const config = join(repositoryRoot, unit.config);
  // `main` is there for every unit of ours, but not in wrangler's declared type.
  const { workerOptions, main } = unstable_getMiniflareWorkerOptions(config) as unknown as {
    workerOptions: Record<string, unknown> & {
      bindings: Record<string, unknown>;
      ratelimits: Record<string, RateLimitOptions>;
    };
    main: string;
  };
  if (!existsSync(main))
    throw new StackError(
      "workers_failed",
      `${unit.config} names ${main}, which is not there`,
      "Restore the file from git.",
    );
  const { modulesRules: _rules, assets, ...rest } = workerOptions;
  return {
    ...rest,
    name: unit.name,
    modules: [{ type: "ESModule", path: "index.mjs", contents: await bundleWorker(main) }],
    bindings: { ...workerOptions.bindings, ...options.variables[unit.name] },
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

/** Asks workerd to stop, and kills it when it does not: its storage is durable at every acknowledged write. */
async function stopWorkers(miniflare: Miniflare): Promise<void> {
  const pid = findChild(process.pid, "workerd");
  const timer = setTimeout(() => {
    try {
      if (pid !== 0) process.kill(pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  }, stopMsMax);
  try {
    await miniflare.dispose();
  } finally {
    clearTimeout(timer);
  }
}
