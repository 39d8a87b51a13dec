import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { bundleWorker } from "../../../scripts/bundle.ts";
import { bootstrapPlacements } from "../../../scripts/postgres/bootstrap.ts";
import { type Demo, makeDemo } from "../../../scripts/stack/demo.ts";
import { startGatewayProcess } from "../../../scripts/stack/gateway-process.ts";
import { startMailSink } from "../../../scripts/stack/mail-sink.ts";
import { findPort } from "../../../scripts/stack/ports.ts";
import { placementNames, startPlacementClusters } from "../../../scripts/stack/postgres.ts";
import { loadSecrets } from "../../../scripts/stack/secrets.ts";
import { openStateFolder } from "../../../scripts/stack/state-folder.ts";
import { unitVariables } from "../../../scripts/stack/variables.ts";
import { repositoryRoot, type UnitName, units } from "../../../scripts/units.ts";

/** The whole system on this machine as `npm start` has it, with a switch between studio and the audit log. */
export interface AuditWorld {
  readonly demo: Demo;
  readonly url: URL;
  /** Of each placement, as its owner. */
  readonly databaseUrls: readonly string[];
  /** Whether the log is asked, or everything answers as if it had been. */
  turn(to: "real" | "quiet"): Promise<void>;
  /** Appends so many entries to an organisation's log. */
  fill(log: string, entries: number): Promise<void>;
}

const nothingToSay = { note: () => undefined, onRestart: () => undefined };

/** Gone when `work` ends. */
export async function withAuditWorld<T>(work: (world: AuditWorld) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-audit-world-"));
  const ends: (() => Promise<unknown> | unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    const state = openStateFolder(join(folder, "state"));
    ends.push(() => state.release());
    const secrets = loadSecrets(state.path("secrets.json"), placementNames);
    const clusters = await startPlacementClusters(state, secrets, nothingToSay);
    ends.push(clusters.stop);
    const placements = await bootstrapPlacements({ clusters: clusters.running, secrets: secrets.databaseRoles });
    const ports = clusters.running.map(({ port }) => port);
    const gateway = await startGatewayProcess(ports, nothingToSay);
    ends.push(gateway.stop);
    const mailDir = state.path("mail");
    const mail = await startMailSink(mailDir, secrets.mailToken);
    ends.push(mail.stop);
    const port = await findPort(0);
    const url = new URL(`http://localhost:${port}`);
    const variables = unitVariables({
      ...{ publicUrl: url.origin, gateway: gateway.address, mailEndpoint: mail.url, secrets, placements },
      ...{ limitScale: 100_000, hubShards: 1, pace: 1 },
    });
    const assets = join(folder, "assets");
    mkdirSync(assets);
    const workers = await Promise.all(units.map((unit) => workerOf(unit, variables, assets)));
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        host: "127.0.0.1",
        port,
        cf: { country: "IN", tlsVersion: "TLSv1.3" },
        resourcePersistencePath: state.path("workers"),
        logRequests: false,
        // The first Worker answers requests: the edge, which is deployed last.
        workers: [...workers.toReversed(), await switchWorker()],
      } as unknown as V4MiniflareOptions),
    );
    ends.push(() => miniflare.dispose());
    await miniflare.ready;
    const ask = async (path: string): Promise<void> => {
      const worker = await miniflare.getWorker("audit-switch");
      const { status } = await worker.fetch(`http://switch${path}`);
      if (status !== 204) throw new Error(`the switch answered ${status}`);
    };
    const demo = await makeDemo(url, secrets.demoOwnerPassword, mailDir);
    return await work({
      ...{ demo, url, databaseUrls: Object.values(placements.ownerUrls) },
      turn: (to) => ask(`/${to}`),
      fill: (log, entries) => ask(`/fill?log=${log}&entries=${entries}`),
    });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function workerOf(
  { name, config }: (typeof units)[number],
  variables: Readonly<Record<UnitName, Readonly<Record<string, string>>>>,
  directory: string,
): Promise<Record<string, unknown>> {
  const { workerOptions, main } = unstable_getMiniflareWorkerOptions(join(repositoryRoot, config)) as unknown as {
    workerOptions: Record<string, unknown> & { bindings: object; serviceBindings: object; ratelimits: object };
    main: string;
  };
  const { modulesRules: _rules, assets, ratelimits, ...rest } = workerOptions;
  const isStudio = name === "sentinel-studio";
  return {
    ...rest,
    name,
    modules: [{ type: "ESModule", path: "index.mjs", contents: await bundleWorker(main) }],
    bindings: { ...workerOptions.bindings, ...variables[name] },
    serviceBindings: {
      ...workerOptions.serviceBindings,
      ...(isStudio ? { AUDIT: { name: "audit-switch", entrypoint: "Switch" } } : {}),
    },
    ratelimits: Object.fromEntries(
      Object.entries(ratelimits ?? {}).map(([binding, limit]) => [
        binding,
        { ...limit, simple: { ...limit.simple, limit: limit.simple.limit * 100_000 } },
      ]),
    ),
    stripCfConnectingIp: false,
    ...(assets === undefined ? {} : { assets: { ...(assets as object), directory } }),
  };
}

async function switchWorker(): Promise<Record<string, unknown>> {
  const main = fileURLToPath(new URL("../../workerd/objects/audit-switch-worker.ts", import.meta.url));
  return {
    name: "audit-switch",
    modules: [{ type: "ESModule", path: "index.mjs", contents: await bundleWorker(main) }],
    compatibilityDate: "2026-10-20",
    compatibilityFlags: ["nodejs_compat"],
    serviceBindings: { REAL: { name: "sentinel-durable-objects", entrypoint: "AuditIntake" } },
    durableObjects: {
      AUDIT_LOG: { className: "AuditLog", scriptName: "sentinel-durable-objects", useSQLite: true },
    },
  };
}
