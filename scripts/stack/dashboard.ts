import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { buildAgent } from "../../agent/build.ts";
import { repositoryRoot } from "../units.ts";
import { copyWholeFolder, swapFolder } from "./folder-swap.ts";

/** Where the agent lies in what was built; its URL path as well. */
export const agentFile = "download/sentinel-agent.mjs";

const folder = join(repositoryRoot, "workers/dashboard");
const dist = join(folder, "dist");

/**
 * Builds what the edge serves, unless what was built came from the same sources and packages: the
 * dashboard, and the agent under `download/`. The folder is whole at every moment: a build that fails
 * or runs beside another leaves the one before, or the other one.
 */
export async function buildDashboard(): Promise<void> {
  const hash = sourceHash();
  if (builtFrom(dist) === hash) return;
  // Beside `dist`, so that a rename is all it takes to put it in its place.
  const fresh = mkdtempSync(`${dist}.`);
  try {
    await buildPages(fresh);
    await buildAgent(join(fresh, agentFile));
    writeFileSync(join(fresh, ".source-hash"), hash);
    // Like any folder of the tree: what mkdtemp makes is its maker's alone.
    chmodSync(fresh, 0o755);
    swapFolder(fresh, dist);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** What is served is React for production, also when a test runner, which sets another NODE_ENV, starts the build. */
async function buildPages(outDir: string): Promise<void> {
  // Loaded when there is something to build: most starts find it built.
  const { build } = await import("vite");
  const before = process.env["NODE_ENV"];
  process.env["NODE_ENV"] = "production";
  try {
    await build({ configFile: join(folder, "vite.config.ts"), logLevel: "error", build: { outDir } });
  } finally {
    if (before === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = before;
  }
}

/** Gives a stack its own copy of what was built, so that a later build changes nothing under it. */
export async function copyDashboard(to: string): Promise<void> {
  await copyWholeFolder(dist, to);
}

function builtFrom(built: string): string | null {
  const stamp = join(built, ".source-hash");
  return existsSync(stamp) ? readFileSync(stamp, "utf8") : null;
}

function sourceHash(): string {
  const hash = createHash("sha256");
  for (const root of [folder, join(repositoryRoot, "core"), join(repositoryRoot, "agent")]) {
    const files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/^dist[./]/.test(relative(root, path)))
      .sort();
    for (const path of files) hash.update(path.slice(repositoryRoot.length)).update("\0").update(readFileSync(path));
  }
  return hash.update(readFileSync(join(repositoryRoot, "package-lock.json"))).digest("hex");
}
