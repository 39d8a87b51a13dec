import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineProject } from "vitest/config";
import { everyCore, patience } from "./support/machine.ts";

/** AuditLog, RateLimiter and KeyRing inside workerd, with the real mesh; only Postgres's side is a fake. */
export default defineProject({
  plugins: [cloudflareTest({ wrangler: { configPath: "./test/workerd/objects/wrangler.toml" } })],
  test: {
    name: "workerd-objects",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/workerd/objects/**/*.test.ts"],
    maxWorkers: everyCore,
    ...patience,
  },
});
