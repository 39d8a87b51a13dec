import { defineProject } from "vitest/config";
import { patience, wholeStacks } from "./support/machine.ts";

/** The bundled agent as a process, against a scripted peer. Builds the bundle once. */
export default defineProject({
  test: {
    name: "agent",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/agent/**/*.test.ts"],
    globalSetup: [new URL("../agent/build-bundle.ts", import.meta.url).pathname],
    // Of one round with e2e and conformance, so as many at a time: it waits more than it works.
    maxWorkers: wholeStacks,
    ...patience,
  },
});
