import { totalmem } from "node:os";
import { defineProject } from "vitest/config";
import { everyCore, patience } from "./support/machine.ts";

/**
 * Some wait a minute and more for what the product does by itself, and leave the machine to others: two for each core,
 * at 1.5 GB each with their browsers.
 */
const filesAtATime = Math.max(3, Math.min(2 * everyCore, Math.floor(totalmem() / (2 * 1024 ** 3)), 8));

/** The whole system as a person starts it: a stack for each file while it runs, on a port and in a folder of its own. */
export default defineProject({
  test: {
    name: "e2e",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/e2e/**/*.test.ts"],
    globalSetup: ["test/e2e/support/prepared-state.ts"],
    maxWorkers: filesAtATime,
    ...patience,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
