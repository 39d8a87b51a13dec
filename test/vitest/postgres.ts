import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineProject } from "vitest/config";
import { everyCore, patience } from "./support/machine.ts";

/**
 * One more than there are cores: some wait for time-outs of the product's, which leaves a core to another. Each takes
 * half a gigabyte with its clusters, so that many cores are not all used.
 */
const filesAtATime = Math.min(everyCore + 1, 4);

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The product's modules and the scripts, of which each file of tests reads some hundred. */
const ours = new RegExp(
  `${root.replaceAll(/[^\\w/]/g, "\\$&")}(?:core|store|workers|durable-objects|scripts)/.*\\.ts$`,
);

/** Against real embedded clusters and the gateway; each worker has its own, started once. */
export default defineProject({
  test: {
    name: "postgres",
    root,
    include: ["test/postgres/**/*.test.ts", "test/attack/**/*.test.ts"],
    exclude: ["test/attack/jwt/**"],
    globalSetup: ["test/postgres/global-setup.ts"],
    maxWorkers: filesAtATime,
    // Node reads them by itself and keeps what it compiled, in half the time that Vite's runner takes.
    server: { deps: { external: [ours] } },
    env: { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? join(root, "node_modules", ".cache", "node") },
    ...patience,
  },
});
