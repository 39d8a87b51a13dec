import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { build } from "vite";
import { buildAgent } from "../../agent/build.ts";
import { repositoryRoot } from "../units.ts";

const folder = join(repositoryRoot, "workers/dashboard");
const dist = join(folder, "dist");
/** Builds under way lie beside `dist`, so that a rename is all it takes to put one in its place. */
const besidePrefix = join(folder, ".dist-");
/** Two builds that end together take turns; each try that fails means that another one succeeded. */
const swapTriesMax = 10;

/**
 * Builds what the edge serves, unless what was built came from the same sources and packages: the
 * dashboard, and the agent under `download/`. The folder is whole at every moment: a build that fails
 * or runs beside another leaves the one before, or the other one.
 */
export async function buildDashboard(): Promise<void> {
  const hash = sourceHash();
  if (builtFrom(dist) === hash) return;
  const fresh = mkdtempSync(besidePrefix);
  try {
    await build({ configFile: join(folder, "vite.config.ts"), logLevel: "error", build: { outDir: fresh } });
    mkdirSync(join(fresh, "download"));
    await buildAgent(join(fresh, "download/sentinel-agent.mjs"));
    writeFileSync(join(fresh, ".source-hash"), hash);
    // Like any folder of the tree: what mkdtemp makes is its maker's alone.
    chmodSync(fresh, 0o755);
    swapIn(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Gives a stack its own copy of what was built, so that a later build changes nothing under it. */
export function copyDashboard(to: string): void {
  for (let tries = 1; ; tries += 1) {
    rmSync(to, { recursive: true, force: true });
    try {
      cpSync(dist, to, { recursive: true });
      return;
    } catch (error) {
      // Another build was being put in its place just then.
      if (tries === swapTriesMax) throw error;
    }
  }
}

function builtFrom(built: string): string | null {
  const stamp = join(built, ".source-hash");
  return existsSync(stamp) ? readFileSync(stamp, "utf8") : null;
}

/** A folder can't be renamed over a full one, so the old one steps aside first. */
function swapIn(fresh: string): void {
  const aside = mkdtempSync(besidePrefix);
  try {
    for (let tries = 1; ; tries += 1) {
      try {
        if (existsSync(dist)) renameSync(dist, join(aside, String(tries)));
        renameSync(fresh, dist);
        return;
      } catch (error) {
        if (tries === swapTriesMax) throw error;
      }
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function sourceHash(): string {
  const hash = createHash("sha256");
  for (const root of [folder, join(repositoryRoot, "core"), join(repositoryRoot, "agent")]) {
    const files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/^\.?dist/.test(relative(root, path)))
      .sort();
    for (const path of files) hash.update(path.slice(repositoryRoot.length)).update("\0").update(readFileSync(path));
  }
  return hash.update(readFileSync(join(repositoryRoot, "package-lock.json"))).digest("hex");
}
