import type { TestProject } from "vitest/node";
import { buildAgent } from "../../agent/build.ts";

/** Tests run what ships: the one-file bundle. */
export async function setup(_project: TestProject): Promise<void> {
  await buildAgent();
}
