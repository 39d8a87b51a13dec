import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { findPort } from "../../scripts/stack/ports.ts";
import { repositoryRoot } from "../../scripts/units.ts";

it("scheduled handlers that log more than a pipe holds don't stop the stack", async () => {
  const program = join(repositoryRoot, "test/support/talkative-clock.ts");
  const { stderr } = await promisify(execFile)(process.execPath, [program, String(await findPort(0))], {
    timeout: 120_000,
    killSignal: "SIGKILL",
    maxBuffer: 64 * 2 ** 20,
  });
  expect(stderr).toContain("the clock went on");
});
