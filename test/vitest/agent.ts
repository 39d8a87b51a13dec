import { defineProject } from "vitest/config";

/** The bundled agent as a process, against a scripted peer. Builds the bundle once. */
export default defineProject({
  test: {
    name: "agent",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/agent/**/*.test.ts"],
    globalSetup: [new URL("../agent/build-bundle.ts", import.meta.url).pathname],
    // A reconnection may wait several seconds of full jitter; a hung test must still end.
    testTimeout: 90_000,
    hookTimeout: 30_000,
  },
});
