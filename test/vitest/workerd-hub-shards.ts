import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineProject } from "vitest/config";
import { everyCore, patience } from "./support/machine.ts";

/** The hub's tests again, with every tenant split over four objects; and those of the split itself. */
export default defineProject({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./test/workerd/hub/wrangler.toml" },
      miniflare: { bindings: { HUB_SHARDS: "4" } },
    }),
  ],
  test: {
    name: "workerd-hub-shards",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/workerd/{hub,hub-shards}/**/*.test.ts"],
    maxWorkers: everyCore,
    ...patience,
  },
});
