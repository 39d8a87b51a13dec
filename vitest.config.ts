import { defineConfig } from "vitest/config";

/**
 * unit: pure code on Node · workerd: objects and Workers inside workerd · postgres: the real
 * embedded server · e2e: the whole stack, the agent and Chromium.
 * Run one: `npx vitest run --project unit -t "words"`.
 */
export default defineConfig({
  test: {
    projects: ["test/vitest/unit.ts", "test/vitest/workerd-*.ts", "test/vitest/postgres.ts", "test/vitest/e2e.ts"],
  },
});
