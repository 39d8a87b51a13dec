import { defineProject } from "vitest/config";

/** Against real embedded clusters and the gateway, started once for the whole project. */
export default defineProject({
  test: {
    name: "postgres",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/postgres/**/*.test.ts", "test/attack/**/*.test.ts"],
    exclude: ["test/attack/jwt/**"],
    globalSetup: ["test/postgres/global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
