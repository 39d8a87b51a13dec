import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { bundleModules } from "../bundle.ts";
import { type UnitName, units } from "../units.ts";
import { readLocalBackends } from "./backends.ts";
import { agentFile, copyDashboard } from "./dashboard.ts";
import { localAi } from "./local-ai.ts";
import { type EdgeOptions, localEdge, type RateLimitOptions } from "./local-edge.ts";
import { findPort } from "./ports.ts";
import { StackError } from "./stack-error.ts";
import { readUnitConfig } from "./unit-config.ts";
import { startWorkerd, type Workerd } from "./workerd.ts";

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
  readonly pids: Readonly<Record<"workerd" | "workerd_passwords" | "workerd_pdf_text", number>>;
  /** The agent as this stack serves it. */
  readonly agentProgram: string;
  stop(): Promise<void>;
}

/**
 * Deployed, each Worker has isolates of its own. One workerd runs all of its isolates on one thread, so locally these
 * units, which hold their isolate up (for 0.2 s at a time, or for as long as a PDF takes), have a workerd each.
 */
const apart = ["sentinel-passwords", "sentinel-pdf-text"] as const satisfies readonly UnitName[];
type Apart = (typeof apart)[number];
const isApart = (name: string): name is Apart => apart.some((one) => one === name);

/**
 * What `limits.cpu_ms` is to the deployed pdf-text, which workerd doesn't know: after three times as much, for a slow
 * machine, and later than its caller waits, the process is ended.
 */
const pdfTextHeldMsMax = 30_000;

/**
 * Starts the Workers, from the wrangler.toml files that deploy them, in three workerd processes.
 * @throws StackError `workers_failed`
 */
export async function startWorkers(options: WorkersOptions): Promise<RunningWorkers> {
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const { onError, onRestart, pace } = options;
  const beside: Partial<Record<Apart, Workerd>> = {};
  const stopBeside = () => Promise.all(Object.values(beside).map((workerd) => workerd.stop()));
  try {
    for (const name of apart) {
      const unit = units.find((one) => one.name === name);
      if (unit === undefined) throw new Error(`there is no unit ${name}`);
      const worker = await workerOptions(unit, options);
      const readsPdfs = name === "sentinel-pdf-text";
      const workers = readsPdfs ? behindItsEntrypoint(worker) : [worker];
      const held = readsPdfs ? { heldMsMax: pdfTextHeldMsMax } : {};
      beside[name] = await startWorkerd({ port: await findPort(0), workers, pace, onError, onRestart, ...held });
    }
    const rest = units.filter(({ name }) => !isApart(name));
    const workers = (await Promise.all(rest.map((unit) => workersOf(unit, options, beside)))).reverse().flat();
    const main = await startWorkerd({
      port: options.port,
      stateDir: options.stateDir,
      // The first Worker answers requests: the edge, which is deployed last.
      workers,
      pace,
      onError,
      onRestart,
    });
    return {
      url: main.url,
      agentProgram: join(assetsFolder(options), agentFile),
      get pids() {
        return {
          workerd: main.pid,
          workerd_passwords: beside["sentinel-passwords"]?.pid ?? 0,
          workerd_pdf_text: beside["sentinel-pdf-text"]?.pid ?? 0,
        };
      },
      stop: async () => {
        await main.stop();
        await stopBeside();
      },
    };
  } catch (error) {
    await stopBeside();
    throw error;
  }
}

/** A port leads to a Worker's default export; this one's is empty, so a Worker in front asks its entrypoint. */
function behindItsEntrypoint(worker: Record<string, unknown>): Record<string, unknown>[] {
  const front = {
    name: "sentinel-pdf-text-port",
    modules: true,
    script: "export default { fetch: (request, { PDF_TEXT }) => PDF_TEXT.fetch(request) }",
    compatibilityDate: worker["compatibilityDate"],
    serviceBindings: { PDF_TEXT: { name: "sentinel-pdf-text", entrypoint: "PdfText" } },
  };
  // What it took from itself (take-away.ts) it does not get here either.
  return [front, { ...worker, outboundService: () => new Response(null, { status: 403 }) }];
}

/** A unit, and whatever stands beside it on one machine. */
async function workersOf(
  unit: (typeof units)[number],
  options: WorkersOptions,
  beside: Partial<Record<Apart, Workerd>>,
): Promise<Record<string, unknown>[]> {
  const { assets, ...worker } = await workerOptions(unit, options, beside);
  if (assets === undefined) return [worker];
  return localEdge(worker, await ownAssets(assets, assetsFolder(options)));
}

/** @param beside where the units that run apart listen; a binding to one goes there */
async function workerOptions(
  unit: (typeof units)[number],
  options: WorkersOptions,
  beside: Partial<Record<Apart, Workerd>> = {},
): Promise<UnitOptions> {
  const { options: configured, main } = await readUnitConfig(unit.config);
  if (!existsSync(main))
    throw new StackError(
      "workers_failed",
      `${unit.config} names ${main}, which is not there`,
      "Restore the file from git.",
    );
  const { modulesRules: _rules, ai: _deployed, serviceBindings, ...rest } = configured;
  return {
    ...rest,
    name: unit.name,
    modules: await bundleModules(main),
    bindings: { ...configured.bindings, ...options.variables[unit.name] },
    serviceBindings: {
      ...Object.fromEntries(
        Object.entries(serviceBindings ?? {}).map(([name, service]) => [
          name,
          isApart(service.name) && beside[service.name] !== undefined
            ? { external: { address: beside[service.name]?.url.host ?? "", http: {} } }
            : service,
        ]),
      ),
      ...(unit.name === "sentinel-studio" ? readLocalBackends(process.env["BACKENDS_FILE"]).bindings : {}),
    },
    ...(unit.name === "sentinel-capabilities" ? localAi(process.env["LOOPBACK_WORKERS_AI"]) : {}),
    ratelimits: scaleRateLimits(configured.ratelimits, options.limitScale),
    // The local runtime's own header is the only source of the address here, as Cloudflare is when deployed.
    stripCfConnectingIp: false,
  };
}

const assetsFolder = (options: WorkersOptions): string => join(options.stateDir, "assets");

/** Files are read as they are asked for: served from the tree, they would change under a running stack. */
async function ownAssets(assets: unknown, directory: string): Promise<unknown> {
  await copyDashboard(directory);
  return { ...(assets as object), directory };
}

interface UnitOptions extends EdgeOptions {
  /** Files that the unit serves; absent for most. */
  readonly assets?: unknown;
}

function scaleRateLimits(
  limits: Readonly<Record<string, RateLimitOptions>>,
  scale: number,
): Record<string, RateLimitOptions> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, { namespace_id, simple }]) => [
      name,
      { namespace_id, simple: { limit: simple.limit * scale, period: simple.period } },
    ]),
  );
}
