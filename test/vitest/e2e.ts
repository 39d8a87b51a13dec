import { defineProject } from "vitest/config";
import { patience } from "./support/machine.ts";

/**
 * The whole system as a person starts it. A file has a stack of its own, on a port and in a folder of its own, and waits
 * for it more than it works: two at a time, at 1.5 GB each with their browsers.
 */
export default defineProject({
  test: {
    name: "e2e",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/e2e/**/*.test.ts"],
    globalSetup: ["test/e2e/support/prepared-state.ts"],
    maxWorkers: 2,
    ...patience,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
