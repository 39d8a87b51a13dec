import { defineProject } from "vitest/config";
import { patience, wholeStacks } from "./support/machine.ts";

/** The whole system as a person starts it: a stack for each file while it runs, on a port and in a folder of its own. */
export default defineProject({
  test: {
    name: "e2e",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/e2e/**/*.test.ts"],
    globalSetup: ["test/e2e/support/prepared-state.ts"],
    maxWorkers: wholeStacks,
    ...patience,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
