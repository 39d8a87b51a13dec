import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { repositoryRoot } from "../units.ts";

const folder = join(repositoryRoot, "workers/dashboard");

/** Builds the dashboard unless what was built came from the same sources and packages. */
export async function buildDashboard(): Promise<void> {
  const stamp = join(folder, "dist", ".source-hash");
  const hash = sourceHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  await build({ configFile: join(folder, "vite.config.ts"), logLevel: "error" });
  writeFileSync(stamp, hash);
}

function sourceHash(): string {
  const hash = createHash("sha256");
  for (const root of [folder, join(repositoryRoot, "core")]) {
    const files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.startsWith(join(folder, "dist")))
      .sort();
    for (const path of files) hash.update(path.slice(repositoryRoot.length)).update("\0").update(readFileSync(path));
  }
  return hash.update(readFileSync(join(repositoryRoot, "package-lock.json"))).digest("hex");
}
