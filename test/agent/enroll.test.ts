import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeCertificate } from "./certificate.ts";
import { code, device, org, Peer, prefix, token } from "./peer.ts";
import { killAgents, makeStateDirectory, startAgent } from "./process.ts";

let peer: Peer;
let state: ReturnType<typeof makeStateDirectory>;

beforeEach(async () => {
  peer = await new Peer().start();
  state = makeStateDirectory();
});
afterEach(async () => {
  await killAgents();
  await peer.stop();
  state.remove();
});

const credentialsPath = (): string => join(state.path, "credentials.json");
const enroll = (...more: string[]) =>
  startAgent(["enroll", "--url", peer.url, "--code", code, "--state", state.path, ...more]);

test("enrols under the organisation's own path and keeps the credentials for the owner's eyes only", async () => {
  const agent = enroll("--name", "Lab 3, left");
  expect(await agent.exited).toBe(0);
  expect(peer.enrollments).toMatchObject([
    { path: "/api/v1/orgs/demo-school/enroll", body: { code, name: "Lab 3, left" } },
  ]);
  expect(statSync(credentialsPath()).mode & 0o777).toBe(0o600);
  const stored = JSON.parse(readFileSync(credentialsPath(), "utf8"));
  expect(stored).toMatchObject({ org_id: org, device_id: device, token, topic_prefix: prefix });
  expect(readdirSync(state.path)).toEqual(["credentials.json"]);
});

test("never prints the token, with MQTT.js's own debugging switched on either", async () => {
  const enrolled = enroll();
  expect(await enrolled.exited).toBe(0);
  const runner = startAgent(["run", "--state", state.path], { env: { DEBUG: "*" } });
  await peer.until(() => peer.samples().length > 0);
  runner.child.kill("SIGTERM");
  await runner.exited;
  const status = startAgent(["status", "--json", "--state", state.path]);
  await status.exited;
  const printed = [enrolled, runner, status].map((agent) => agent.stdout() + agent.stderr()).join("");
  expect(printed).not.toContain(token);
  expect(peer.connects[0]?.password?.toString()).toBe(token);
  for (const name of readdirSync(state.path, { recursive: true }) as string[]) {
    const path = join(state.path, name);
    if (statSync(path).isFile() && name !== "credentials.json")
      expect(readFileSync(path, "latin1")).not.toContain(token);
  }
});

test("reads the code from standard input", async () => {
  const agent = startAgent(["enroll", "--url", peer.url, "--code", "-", "--state", state.path], { input: `${code}\n` });
  expect(await agent.exited).toBe(0);
  expect(peer.enrollments[0]?.body).toMatchObject({ code });
});

test("refuses to overwrite an enrolment without --force, and asks no server", async () => {
  expect(await enroll().exited).toBe(0);
  const before = readFileSync(credentialsPath(), "utf8");
  const again = enroll();
  expect(await again.exited).toBe(4);
  expect(again.stderr()).toContain("already_enrolled");
  expect(peer.enrollments).toHaveLength(1);
  expect(readFileSync(credentialsPath(), "utf8")).toBe(before);
});

test("deletes unsent readings when --force replaces an enrolment: they belong to the earlier organisation", async () => {
  expect(await enroll().exited).toBe(0);
  mkdirSync(join(state.path, "queue"));
  writeFileSync(join(state.path, "queue", "0000000000000001.segment"), "readings of the earlier organisation");
  expect(await enroll("--force").exited).toBe(0);
  expect(existsSync(join(state.path, "queue"))).toBe(false);
});

test.each([
  [
    "invalid_enrollment_code",
    403,
    {},
    /invalid_enrollment_code: ask an administrator for a new code.*request req_test/,
  ],
  ["rate_limited", 429, { "Retry-After": "1700" }, /rate_limited: .*wait 1700 s/],
  ["geo_denied", 403, {}, /geo_denied: .*does not allow this country/],
  ["internal_error", 500, {}, /internal_error: /],
])("says what to do about %s and stores nothing", async (problem, status, headers, said) => {
  peer.script.enroll = [{ status, headers, body: { code: problem, status, detail: "x" } }];
  const agent = enroll();
  expect(await agent.exited).toBe(5);
  expect(agent.stderr()).toMatch(said);
  expect(existsSync(credentialsPath())).toBe(false);
});

test("tries again when the server says to, and gives up after a few times", async () => {
  const limited = { status: 429, headers: { "Retry-After": "0" }, body: { code: "rate_limited" } };
  peer.script.enroll = [limited];
  expect(await enroll().exited).toBe(5);
  expect(peer.enrollments).toHaveLength(6);

  const good = {
    org_id: org,
    device_id: device,
    token,
    mqtt_url: `ws://localhost:${peer.port}/mqtt/${org}`,
    topic_prefix: prefix,
  };
  peer.enrollments.length = 0;
  peer.script.enroll = [limited, limited, { status: 201, body: good }];
  expect(await enroll().exited).toBe(0);
  expect(peer.enrollments).toHaveLength(3);
});

test.each([
  ["a token missing", { org_id: org, device_id: device, mqtt_url: "ws://localhost:1/", topic_prefix: prefix }],
  [
    "another device's topics",
    { org_id: org, device_id: device, token, mqtt_url: "ws://localhost:1/", topic_prefix: `sentinel/${org}/devices/#` },
  ],
  [
    "cleartext to another machine",
    { org_id: org, device_id: device, token, mqtt_url: "ws://sentinel.example/mqtt", topic_prefix: prefix },
  ],
])("refuses an answer with %s", async (_what, body) => {
  peer.script.enroll = [{ status: 201, body }];
  const agent = enroll();
  expect(await agent.exited).toBe(5);
  expect(agent.stderr()).toContain("unexpected_answer");
  expect(existsSync(credentialsPath())).toBe(false);
});

test("says that the server can't be reached", async () => {
  await peer.stop();
  const agent = enroll();
  expect(await agent.exited).toBe(6);
  expect(agent.stderr()).toContain("unreachable");
});

test("refuses a certificate it does not trust even where the environment switches verification off", async () => {
  const { key, cert } = makeCertificate();
  const secure = await new Peer({ key, cert }).start();
  try {
    const args = ["enroll", "--url", secure.url, "--code", code, "--state", state.path];
    const blind = startAgent(args, { env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } });
    expect(await blind.exited).toBe(6);
    expect(secure.enrollments).toEqual([]);

    const caFile = join(state.path, "ca.pem");
    writeFileSync(caFile, cert);
    expect(await startAgent([...args, "--ca", caFile]).exited).toBe(0);
    // The authority is kept with the credentials: `run` trusts the broker too.
    const runner = startAgent(["run", "--state", state.path]);
    await secure.until(() => secure.samples().length > 0);
    runner.child.kill("SIGTERM");
    expect(await runner.exited).toBe(0);
  } finally {
    await secure.stop();
  }
});
