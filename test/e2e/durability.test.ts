import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildAgent } from "../../agent/build.ts";
import { type OrgId, parseId } from "../../core/ids.ts";
import { tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { findPort } from "../../scripts/stack/ports.ts";
import { knockAtNoDoor } from "../soak/doors.ts";
import { MessageLoad } from "../soak/kills/message-load.ts";
import { Victims } from "../soak/kills/victims.ts";
import { between, pause, seededRandom } from "../soak/part.ts";
import { type Api, type EnrolledDevice, enrolDevice, eventually, makeEnrollmentCode, signIn } from "./support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

const stateDir = freshStateDir();
let port: number;
let stack: StackProcess;
let running: ChildProcess | null = null;

const start = (): Promise<StackProcess> =>
  startStackProcess(stateDir, ["--port", String(port), "--quiet", "--no-agent", "--limit-scale", "1000"]);

beforeAll(async () => {
  port = await findPort(0);
  stack = await start();
});
afterEach(() => {
  running?.kill("SIGKILL");
  running = null;
});
afterAll(async () => {
  await stack?.discard();
  removeStateDir(stateDir);
});

interface Stored {
  readonly sample_id: string;
  readonly received_at: Date;
}

/** What Postgres holds of a device, in the order in which it arrived. */
async function stored(device: string): Promise<Stored[]> {
  const org = parseId("org", stack.description.org.id) as OrgId;
  const schema = tenantIdentifier(org);
  for (const url of Object.values(stack.description.databaseUrls)) {
    const client = new Client(url);
    await client.connect();
    try {
      // The owner made the provisioner's role and may take its rights; tenants' schemas are its.
      await client.query("GRANT sentinel_provisioner TO CURRENT_USER WITH INHERIT TRUE");
      const { rowCount } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
      if (rowCount === 0) continue;
      const { rows } = await client.query<Stored>(
        `SELECT sample_id, received_at FROM ${schema}.telemetry WHERE device_id = $1 ORDER BY received_at, at, sample_id`,
        [device],
      );
      return rows;
    } finally {
      await client.end();
    }
  }
  throw new Error("no placement holds the demo organisation");
}

async function ownersApi(): Promise<Api> {
  const { owner, url } = stack.description;
  return (await signIn(url, owner.email, owner.password)).api;
}

/** A device of the demo organisation, connected. */
async function connectedDevice(): Promise<{ device: EnrolledDevice; client: MqttClient }> {
  const device = await enrolDevice(await ownersApi(), "test");
  const client = await connectAsync(device.mqtt_url, {
    protocolVersion: 4,
    username: device.device_id,
    password: device.token,
    reconnectPeriod: 0,
  });
  return { device, client };
}

async function publishSamples(client: MqttClient, prefix: string, names: readonly string[]): Promise<void> {
  for (const [index, name] of names.entries()) {
    const sample = { id: name, at: new Date(Date.now() + index).toISOString(), metrics: { cpu_percent: index } };
    // Resolves at the PUBACK.
    await client.publishAsync(`${prefix}telemetry`, JSON.stringify(sample), { qos: 1 });
  }
}

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(3, "0")}`);

describe("an acknowledged message", () => {
  it("reaches Postgres although Postgres could not be reached when it was acknowledged", async () => {
    const { device, client } = await connectedDevice();
    process.kill(stack.description.pids["gateway"] ?? 0, "SIGSTOP");
    const sent = names("away", 30);
    await publishSamples(client, device.topic_prefix, sent);
    process.kill(stack.description.pids["gateway"] ?? 0, "SIGCONT");
    await client.endAsync();
    const rows = await eventually(
      "30 samples stored",
      async () => {
        const found = await stored(device.device_id);
        return found.length >= sent.length && found;
      },
      60_000,
    );
    expect(rows.map((row) => row.sample_id)).toEqual(sent);
  });

  it("survives workerd, the gateway and Postgres being killed at once", async () => {
    const { device, client } = await connectedDevice();
    client.on("error", () => undefined);
    process.kill(stack.description.pids["gateway"] ?? 0, "SIGSTOP");
    const sent = names("killed", 30);
    await publishSamples(client, device.topic_prefix, sent);
    for (const pid of Object.values(stack.description.pids)) process.kill(pid, "SIGKILL");
    client.end(true);
    await stack.stop("SIGKILL");
    stack = await start();
    const rows = await eventually(
      "30 samples stored",
      async () => {
        const found = await stored(device.device_id);
        return found.length >= sent.length && found;
      },
      60_000,
    );
    expect(rows.map((row) => row.sample_id)).toEqual(sent);
  });
});

describe("under load, four times", () => {
  it("a killed workerd loses no QoS 1 message, delivers QoS 2 once and reverts no retained one", async () => {
    const { owner, url, org } = stack.description;
    const { api, userId } = await signIn(url, owner.email, owner.password);
    const devices = [await enrolDevice(api, "load 1"), await enrolDevice(api, "load 2")] as const;
    const load = await MessageLoad.start(devices, { org: org.id, username: userId, password: api.token ?? "" });
    const victims = new Victims(stateDir, url);
    const random = seededRandom(20_261_122);
    try {
      for (let round = 0; round < 4; round += 1) {
        await load.flows();
        await pause(between(random, 0, 500));
        const pid = victims.kill("workerd");
        expect(pid).not.toBeNull();
        await victims.back(new Map([["workerd", pid ?? 0]]));
        await load.checkRetained(round % 2 === 0 ? 4 : 5);
      }
      await load.finish();
      // Else the kills hit nothing.
      expect(load.reconnects).toBeGreaterThanOrEqual(4 * 8);
    } finally {
      load.close();
    }
  });
});

describe("an organisation that nobody has", () => {
  it("is answered by 404 at its socket's path, and no hub is made for it", async () => {
    await knockAtNoDoor(stack, 20);
  });
});

describe("the agent", () => {
  it("delivers what it read while the stack was stopped: later, once each, in order", async () => {
    const program = await buildAgent();
    const agentDir = mkdtempSync(join(tmpdir(), "sentinel-agent-"));
    mkdirSync(agentDir, { recursive: true });
    const { url } = stack.description;
    const api = await ownersApi();
    const code = await makeEnrollmentCode(api);
    const enroll = spawn(
      process.execPath,
      [program, "enroll", "--url", url, "--code", "-", "--name", "offline", "--state", agentDir],
      { stdio: ["pipe", "ignore", "inherit"] },
    );
    enroll.stdin.end(`${code}\n`);
    expect(await new Promise((resolve) => enroll.once("exit", resolve))).toBe(0);
    running = spawn(process.execPath, [program, "run", "--state", agentDir, "--interval", "1"], { stdio: "ignore" });
    const device = await eventually("the agent's device", async () => {
      const { body } = await api.send<{ items: { id: string; name: string; online: boolean }[] }>(
        "GET",
        "/api/v1/orgs/demo/devices",
      );
      return body.items.find((item) => item.name === "offline" && item.online);
    });
    await eventually("first samples", async () => (await stored(device.id)).length >= 2);
    const depth = async (): Promise<number> => {
      const status = spawn(process.execPath, [program, "status", "--state", agentDir, "--json"], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      let text = "";
      status.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      await new Promise((resolve) => status.once("close", resolve));
      return (JSON.parse(text) as { queue_depth: number }).queue_depth;
    };

    expect(await stack.stop()).toBe(0);
    const queued = await eventually(
      "five readings queued on disk",
      async () => {
        const found = await depth();
        return found >= 5 && found;
      },
      60_000,
    );
    stack = await start();
    // The newest reading may still be on its way.
    const before = await eventually("the queue drains", async () => (await depth()) <= 2 && stored(device.id), 120_000);

    expect(before.length).toBeGreaterThanOrEqual(queued);
    expect(new Set(before.map((row) => row.sample_id)).size).toBe(before.length);
    // Sample ids are sortable by the moment they were read.
    const arrived = before.map((row) => row.sample_id);
    expect(arrived).toEqual([...arrived].sort());
    rmSync(agentDir, { recursive: true, force: true });
  }, 240_000);
});
