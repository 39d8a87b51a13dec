/** One stack is started and stopped before the files are, and what it made is where theirs begin; some share theirs. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startStackPool } from "./stack-pool.ts";
import { freshStateDir, preparedStateVariable, removeStateDir, startStackProcess } from "./stack-process.ts";

export default async function setup({ vitest }: TestProject): Promise<() => Promise<void>> {
  // A file by itself would wait for two starts instead of one.
  if (process.platform === "win32" || vitest.state.getPaths().length < 2) return async () => undefined;
  const dir = freshStateDir();
  const stack = await startStackProcess(dir, ["--quiet", "--no-agent"], { first: true });
  await stack.stop();
  // Databases that lie elsewhere (data-folder.ts) would be one for all.
  const apart = ["local-1", "local-2"].some((name) => existsSync(join(dir, "postgres", name, "location")));
  if (!apart) process.env[preparedStateVariable] = dir;
  const endPool = await startStackPool();
  return async () => {
    delete process.env[preparedStateVariable];
    await endPool();
    removeStateDir(dir);
  };
}
