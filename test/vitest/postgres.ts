import { defineProject } from "vitest/config";
import { everyCore, patience } from "./support/machine.ts";

/** Each takes half a gigabyte with its clusters, so that many cores are not all used. */
const filesAtATime = Math.min(everyCore, 4);

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
    ...patience,
  },
});
