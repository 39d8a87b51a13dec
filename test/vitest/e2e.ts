import { defineProject } from "vitest/config";

/** The whole system as a person starts it; one file at a time, for each wants the machine to itself. */
export default defineProject({
  test: {
    name: "e2e",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/e2e/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});
