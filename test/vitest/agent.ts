import { defineProject } from "vitest/config";
import { patience } from "./support/machine.ts";

/** The bundled agent as a process, against a scripted peer. Builds the bundle once. */
export default defineProject({
  test: {
    name: "agent",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/agent/**/*.test.ts"],
    globalSetup: [new URL("../agent/build-bundle.ts", import.meta.url).pathname],
    // Of one round with conformance, so as many at a time: both wait more than they work.
    maxWorkers: 3,
    ...patience,
  },
});
