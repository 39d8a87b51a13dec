import { readdirSync } from "node:fs";
import type { TestProjectInlineConfiguration } from "vitest/config";
import { defineConfig } from "vitest/config";
import LongFirst from "./test/vitest/support/long-first.ts";

/**
 * One project a file in test/vitest/: `unit` is pure code on Node, `workerd-*` objects and Workers
 * inside workerd, `postgres` the real embedded server, `agent` the bundled agent, `e2e` everything.
 * Run one: `npx vitest run --project unit -t "words"`.
 */
const folder = new URL("test/vitest/", import.meta.url);
const projects = await Promise.all(
  readdirSync(folder)
    .filter((name) => /^[a-z0-9-]+\.ts$/.test(name))
    .sort()
    .map(
      async (name) =>
        ((await import(new URL(name, folder).href)) as { default: TestProjectInlineConfiguration }).default,
    ),
);

export default defineConfig({ test: { projects, sequence: { sequencer: LongFirst } } });
