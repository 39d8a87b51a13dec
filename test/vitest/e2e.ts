import { defineProject } from "vitest/config";
import { patience } from "./support/machine.ts";

/**
 * The whole system as a person starts it. A file has a stack of its own, on a port and in a folder of its own. Some wait
 * a minute and more for what the product does by itself, and leave the machine to others: three at a time, at 1.5 GB
 * each with their browsers.
 */
export default defineProject({
  test: {
    name: "e2e",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/e2e/**/*.test.ts"],
    globalSetup: ["test/e2e/support/prepared-state.ts"],
    maxWorkers: 3,
    ...patience,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
