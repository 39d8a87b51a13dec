import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineProject } from "vitest/config";
import { everyCore, patience } from "./support/machine.ts";

/** The edge inside workerd, with KV and the flood binding as they are and recording Workers behind it. */
export default defineProject({
  plugins: [cloudflareTest({ wrangler: { configPath: "./test/workerd/edge/wrangler.toml" } })],
  test: {
    name: "workerd-edge",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/workerd/edge/**/*.test.ts"],
    maxWorkers: everyCore,
    ...patience,
  },
});
