import { defineProject } from "vitest/config";
import { everyCore, patience } from "./support/machine.ts";

/** Pure code on Node. */
export default defineProject({
  test: {
    name: "unit",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/unit/**/*.test.ts", "test/attack/jwt/**/*.test.ts"],
    maxWorkers: everyCore,
    ...patience,
  },
});
