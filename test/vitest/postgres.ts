import { availableParallelism } from "node:os";
import { defineProject } from "vitest/config";

/** Each takes half a gigabyte with its clusters, so that many cores are not all used. */
const filesAtATime = Math.min(Math.max(availableParallelism(), 2), 4);

/** Against real embedded clusters and the gateway; each worker has its own, started once. */
export default defineProject({
  test: {
    name: "postgres",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/postgres/**/*.test.ts", "test/attack/**/*.test.ts"],
    exclude: ["test/attack/jwt/**"],
    globalSetup: ["test/postgres/global-setup.ts"],
    // A file mostly waits for its clusters, which are other processes: on two cores two of them fill the machine.
    maxWorkers: filesAtATime,
    // No claim about speed: a hung test ends, and one on a busy machine does not.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
