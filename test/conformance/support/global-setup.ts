/** The target of every suite, started once. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { makeEnrollmentCode, signIn } from "../../e2e/support/api.ts";
import {
  freshStateDir,
  removeStateDir,
  type StackProcess,
  startStackProcess,
} from "../../e2e/support/stack-process.ts";
import { startMosquitto } from "./mosquitto.ts";

/** More than the suites enrol. */
const devicesMax = 1000;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (process.env["CONFORMANCE_TARGET"] === "mosquitto") {
    const { url, stop } = await startMosquitto();
    project.provide("conformanceTarget", { kind: "mosquitto", url });
    return stop;
  }
  const { description, stop } = await stackOf(process.env["CONFORMANCE_STATE"]);
  const { url, owner } = description;
  const { api } = await signIn(url, owner.email, owner.password);
  const code = await makeEnrollmentCode(api, devicesMax);
  project.provide("conformanceTarget", { kind: "sentinel", base: url, code, owner });
  return stop;
}

/** @param state folder of a stack that runs already, or nothing to start one */
async function stackOf(
  state: string | undefined,
): Promise<{ description: StackProcess["description"]; stop: () => Promise<void> }> {
  if (state !== undefined) {
    const description = JSON.parse(readFileSync(join(state, "stack.json"), "utf8")) as StackProcess["description"];
    return { description, stop: async () => undefined };
  }
  const dir = freshStateDir();
  // The suites reconnect far more often than devices do; the limits have tests of their own.
  const stack = await startStackProcess(dir, ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"]);
  return {
    description: stack.description,
    stop: async () => {
      await stack.stop();
      removeStateDir(dir);
    },
  };
}
