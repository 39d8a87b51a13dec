import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundleWorker } from "../../../scripts/bundle.ts";
import { bundleOnce } from "../../../scripts/bundle-once.ts";
import { repositoryRoot } from "../../../scripts/units.ts";

let folder: string;
beforeAll(() => {
  const results = join(repositoryRoot, "test-results");
  mkdirSync(results, { recursive: true });
  folder = mkdtempSync(join(results, "bundle-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  const kept = join(repositoryRoot, "node_modules", ".cache", "sentinel");
  for (const name of readdirSync(kept)) if (name.includes(basename(folder))) rmSync(join(kept, name));
});

/** What is written in the same moment as a bundle is begun is not kept: it may or may not be in it. */
async function write(name: string, text: string): Promise<void> {
  writeFileSync(join(folder, name), text);
  await delay(200);
}

it("a Worker that did not change is not bundled again, and one that did is, whichever file of it changed", async () => {
  const main = join(folder, "main.ts");
  await write("word.ts", "export const word: string = 'before';");
  await write("main.ts", "import { word } from './word.ts'; export default { fetch: () => new Response(word) };");
  expect(await bundleWorker(main)).toContain("before");
  const never = () => Promise.reject(new Error("it was bundled again"));
  expect((await bundleOnce(main, never)).text).toContain("before");
  await write("word.ts", "export const word: string = 'after';");
  await expect(bundleOnce(main, never)).rejects.toThrow("it was bundled again");
  expect(await bundleWorker(main)).toContain("after");
  expect((await bundleOnce(main, never)).text).toContain("after");
});

it("a file that is written while it is bundled makes the next start bundle anew", async () => {
  const main = join(folder, "busy.ts");
  await write("busy.ts", "export default 1;");
  const bundle = async () => {
    writeFileSync(main, "export default 2;");
    return { text: "export default 1;", inputs: [relative(process.cwd(), main)], wasm: [] };
  };
  expect((await bundleOnce(main, bundle)).text).toContain("1");
  expect(await bundleWorker(main)).toContain("2");
});
