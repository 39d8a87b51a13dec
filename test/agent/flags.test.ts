import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { code, Peer } from "./peer.ts";
import { killAgents, makeStateDirectory, startAgent } from "./process.ts";

let peer: Peer;
let parent: ReturnType<typeof makeStateDirectory>;
beforeEach(async () => {
  peer = await new Peer().start();
  parent = makeStateDirectory();
});
afterEach(async () => {
  await killAgents();
  await peer.stop();
  parent.remove();
});

test.each([
  ["unknown_command", ["enrol"]],
  ["unknown_flag", ["enroll", "--url", "URL", "--code", code, "--state", "DIR", "--token", "x"]],
  ["https_required", ["enroll", "--url", "http://sentinel.example", "--code", code, "--state", "DIR"]],
  ["invalid_code", ["enroll", "--url", "URL", "--code", "../../x", "--state", "DIR"]],
  ["invalid_name", ["enroll", "--url", "URL", "--code", code, "--state", "DIR", "--name", "a\nb"]],
  ["invalid_ca", ["enroll", "--url", "URL", "--code", code, "--state", "DIR", "--ca", "/nonexistent/ca.pem"]],
  ["invalid_interval", ["run", "--state", "DIR", "--interval", "0"]],
  ["unexpected_argument", ["status", "--state", "DIR", "more"]],
])("refuses with %s and exit code 2, having asked no server and made no directory", async (named, args) => {
  const directory = join(parent.path, "state");
  const agent = startAgent(args.map((arg) => (arg === "DIR" ? directory : arg === "URL" ? peer.url : arg)));
  expect(await agent.exited).toBe(2);
  expect(agent.stderr()).toContain(`sentinel-agent: ${named}: `);
  expect(agent.stdout()).toBe("");
  expect(peer.enrollments).toEqual([]);
  expect(existsSync(directory)).toBe(false);
});

test("explains every flag in its help", async () => {
  const agent = startAgent(["help"]);
  expect(await agent.exited).toBe(0);
  for (const flag of ["--url", "--code", "--name", "--state", "--ca", "--force", "--interval", "--json"]) {
    expect(agent.stdout()).toContain(flag);
  }
});

test("refuses to run or report where nothing is enrolled, with a code of its own", async () => {
  for (const command of ["run", "status"]) {
    expect(await startAgent([command, "--state", join(parent.path, "state")]).exited).toBe(3);
  }
});
