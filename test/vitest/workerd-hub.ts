import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineProject } from "vitest/config";
import { everyCore, patience } from "./support/machine.ts";

/** TenantHub, its gateway and its control inside workerd, over real WebSockets; only Postgres's side is a fake. */
export default defineProject({
  plugins: [cloudflareTest({ wrangler: { configPath: "./test/workerd/hub/wrangler.toml" } })],
  test: {
    name: "workerd-hub",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/workerd/hub/**/*.test.ts"],
    maxWorkers: everyCore,
    ...patience,
  },
});
