import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeRecord } from "../../agent/queue/record.ts";
import { writeCredentials } from "../../agent/state/credentials.ts";
import type { DeviceCommand, TelemetrySample } from "../../core/telemetry.ts";
import { parseTelemetry } from "../../core/telemetry.ts";
import { device, org, Peer, prefix, token } from "./peer.ts";
import { type AgentProcess, killAgents, makeStateDirectory, startAgent, untilStatus } from "./process.ts";

let peer: Peer;
let state: ReturnType<typeof makeStateDirectory>;

beforeEach(async () => {
  peer = await new Peer().start();
  state = makeStateDirectory();
  const mqttUrl = `ws://localhost:${peer.port}/mqtt/${org}`;
  writeCredentials(join(state.path, "credentials.json"), {
    org,
    device,
    token,
    mqttUrl,
    topicPrefix: prefix,
    ca: null,
  });
});
afterEach(async () => {
  await killAgents();
  await peer.stop();
  state.remove();
});

const run = (): AgentProcess => startAgent(["run", "--state", state.path, "--interval", "0.1"]);
const stop = async (agent: AgentProcess): Promise<number | string> => {
  agent.child.kill("SIGTERM");
  return agent.exited;
};

function command(id: string, name: string, change: Partial<DeviceCommand> = {}): DeviceCommand {
  const now = Date.now();
  return {
    id,
    name,
    args: {},
    issued_at: new Date(now).toISOString(),
    expires_at: new Date(now + 60_000).toISOString(),
    ...change,
  };
}

/** Samples on disk, acknowledged or not, in the queue's order. */
function queuedSamples(): TelemetrySample[] {
  const directory = join(state.path, "queue");
  const segments = readdirSync(directory)
    .filter((name) => name.endsWith(".segment"))
    .sort();
  return segments.flatMap((name) => {
    const bytes = readFileSync(join(directory, name));
    const samples: TelemetrySample[] = [];
    for (let record = decodeRecord(bytes); record !== null; record = decodeRecord(bytes, record.end)) {
      samples.push(JSON.parse(new TextDecoder().decode(record.payload)) as TelemetrySample);
    }
    return samples;
  });
}

function expectOnceEachInOrder(ids: readonly string[]): void {
  // Sample ids sort by time, so order is visible in them. Within a millisecond it is chance: 100 ms lie between.
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(ids.length);
}

test("connects as its device with a persistent session and publishes readings of this machine", async () => {
  const agent = run();
  await peer.until(() => peer.samples().length >= 3);
  expect(peer.connects[0]).toMatchObject({
    protocolVersion: 5,
    clean: false,
    keepalive: 5400,
    properties: {
      sessionExpiryInterval: 30 * 24 * 3600,
      receiveMaximum: 16,
      userProperties: { "sentinel-link": "websocket-ping" },
    },
    username: device,
    clientId: `agent-${device.slice(-12)}`,
  });
  expect(peer.subscriptions).toEqual([`${prefix}/commands`]);
  const names = new Set(peer.samples().flatMap(({ metrics }) => Object.keys(metrics)));
  for (const name of [
    "cpu_percent",
    "memory_used_bytes",
    "memory_total_bytes",
    "memory_percent",
    "disk_used_bytes",
    "disk_total_bytes",
    "disk_percent",
    "uptime_seconds",
  ]) {
    expect(names).toContain(name);
  }
  for (const { payload } of peer.arrivals) expect(parseTelemetry(Buffer.from(payload))).not.toBeNull();
  expect(await stop(agent)).toBe(0);
});

test("delivers what it read during an outage once each and in order", async () => {
  const agent = run();
  await peer.until(() => peer.samples().length >= 2);
  await peer.stop();
  const offline = await untilStatus(
    state.path,
    ({ queue, connection }) => queue.depth >= 5 && connection.state !== "connected",
  );
  const before = peer.storedIds().length;
  await peer.start();
  await peer.until(() => peer.storedIds().length >= before + offline.queue.depth);
  expect(await stop(agent)).toBe(0);
  expectOnceEachInOrder(peer.storedIds());
  // Nothing fell out: whatever the disk still holds has arrived, or comes behind everything that has.
  const arrived = new Set(peer.storedIds());
  const onDisk = queuedSamples().map(({ id }) => arrived.has(id));
  expect(onDisk.slice(0, onDisk.lastIndexOf(true) + 1)).not.toContain(false);
});

test("sends again what was never acknowledged, across a cut connection, and the copies have the same ids", async () => {
  peer.script.withholdPubacks = true;
  const agent = run();
  await peer.until(() => peer.samples().length >= 3);
  const unacknowledged = peer.storedIds();
  peer.script.withholdPubacks = false;
  peer.cut();
  await peer.until(
    () => peer.connects.length === 2 && peer.arrivals.filter(({ connection }) => connection === 2).length >= 3,
  );
  expect(await stop(agent)).toBe(0);
  const second = peer.arrivals
    .filter(({ connection }) => connection === 2)
    .map(({ payload }) => (JSON.parse(payload) as TelemetrySample).id);
  expect(second.slice(0, unacknowledged.length)).toEqual(unacknowledged);
  expectOnceEachInOrder(peer.storedIds());
});

test("loses no reading to kill -9: all that was queued arrives after a restart, in order", async () => {
  peer.script.withholdPubacks = true;
  const first = run();
  await peer.until(() => peer.samples().length >= 3);
  await peer.stop();
  await untilStatus(state.path, ({ queue }) => queue.depth >= 6);
  first.child.kill("SIGKILL");
  expect(await first.exited).toBe("SIGKILL");
  const queued = queuedSamples().map(({ id }) => id);
  expect(queued.length).toBeGreaterThanOrEqual(6);

  peer.script.withholdPubacks = false;
  await peer.start();
  const second = run();
  await peer.until(() => peer.storedIds().length > queued.length);
  expect(await stop(second)).toBe(0);
  expect(peer.storedIds().slice(0, queued.length)).toEqual(queued);
  expectOnceEachInOrder(peer.storedIds());
});

test("answers ping and inventory, and refuses an unknown command by name", async () => {
  const agent = run();
  await peer.until(() => peer.subscriptions.length > 0);
  peer.sendCommand(command("cmd_ping", "ping"));
  expect(await peer.untilReply("cmd_ping")).toMatchObject({ ok: true, result: { pong: true, agent_version: "0.1.0" } });
  peer.sendCommand(command("cmd_reboot", "reboot"));
  expect(await peer.untilReply("cmd_reboot")).toMatchObject({ ok: false, error: { code: "unknown_command" } });
  peer.sendCommand(command("cmd_old", "ping", { expires_at: "2020-01-01T00:00:00Z" }));
  expect(await peer.untilReply("cmd_old")).toMatchObject({ ok: false, error: { code: "expired" } });
  peer.sendCommand({ id: "cmd_odd", name: 7 });
  expect(await peer.untilReply("cmd_odd")).toMatchObject({ ok: false, error: { code: "invalid_command" } });
  peer.sendCommand("{not json");
  peer.sendCommand(command("cmd_inventory", "inventory"));
  const inventory = await peer.untilReply("cmd_inventory");
  expect(inventory).toMatchObject({ ok: true, result: { os: { platform: process.platform }, agent_version: "0.1.0" } });
  expect(JSON.stringify(inventory)).not.toMatch(/([0-9a-f]{2}:){5}|serial|hostname|"ip4/i);
  await peer.until(() => peer.pubacks.length === 6);
  expect(await stop(agent)).toBe(0);
});

test("runs a repeated command once, also when the repeat reaches a restarted agent", async () => {
  const first = run();
  await peer.until(() => peer.subscriptions.length > 0);
  const repeated = command("cmd_once", "ping");
  peer.sendCommand(repeated);
  await peer.untilReply("cmd_once");
  peer.sendCommand(repeated);
  peer.sendCommand(command("cmd_after", "ping"));
  await peer.untilReply("cmd_after");
  expect(await stop(first)).toBe(0);

  const second = run();
  await peer.until(() => peer.subscriptions.length === 2);
  peer.sendCommand(repeated);
  peer.sendCommand(command("cmd_last", "ping"));
  await peer.untilReply("cmd_last");
  expect(await stop(second)).toBe(0);
  expect(peer.replies().filter(({ id }) => id === "cmd_once")).toHaveLength(1);
  expect(peer.pubacks).toHaveLength(5);
});

test("delivers a reply that was lost with the connection", async () => {
  const agent = run();
  await peer.until(() => peer.subscriptions.length > 0);
  peer.script.withholdPubacks = true;
  peer.sendCommand(command("cmd_lost", "ping"));
  await peer.untilReply("cmd_lost");
  peer.script.withholdPubacks = false;
  peer.cut();
  await peer.until(() => peer.replies().filter(({ id }) => id === "cmd_lost").length === 2);
  expect(await stop(agent)).toBe(0);
});

test("refuses a second runner on the same state and leaves the first alone", async () => {
  const first = run();
  await peer.until(() => peer.samples().length > 0);
  const second = run();
  expect(await second.exited).toBe(7);
  expect(second.stderr()).toContain("state_in_use");
  expect(peer.connects).toHaveLength(1);
  const status = startAgent(["status", "--state", state.path]);
  expect(await status.exited).toBe(0);
  expect(await stop(first)).toBe(0);
});

test("takes over the lock of a runner that was killed", async () => {
  const first = run();
  await peer.until(() => peer.samples().length > 0);
  first.child.kill("SIGKILL");
  await first.exited;
  const status = startAgent(["status", "--state", state.path]);
  expect(await status.exited).toBe(10);
  const second = run();
  await peer.until(() => peer.connects.length === 2);
  expect(await stop(second)).toBe(0);
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "sends DISCONNECT on %s, even while the server withholds every PUBACK",
  async (signal) => {
    peer.script.withholdPubacks = true;
    const agent = run();
    await peer.until(() => peer.samples().length >= 2);
    agent.child.kill(signal);
    expect(await agent.exited).toBe(0);
    expect(peer.disconnects).toBe(1);
    const status = startAgent(["status", "--json", "--state", state.path]);
    expect(await status.exited).toBe(10);
    expect(JSON.parse(status.stdout())).toMatchObject({ running: false, device_id: device, org_id: org });
  },
);

test("stops while it can't connect", async () => {
  await peer.stop();
  const agent = run();
  await untilStatus(state.path, ({ connection }) => connection.state === "waiting");
  expect(await stop(agent)).toBe(0);
});

test("stops while the server leaves its handshake without an answer", async () => {
  peer.script.refuseUpgrade = "hang";
  const agent = run();
  await peer.until(() => peer.upgrades.length === 1);
  expect(await stop(agent)).toBe(0);
});

test("waits long and says why when the server refuses the device", async () => {
  peer.script.connack = 0x87;
  const agent = run();
  const status = await untilStatus(state.path, ({ connection }) => connection.state === "waiting");
  expect(status.last_error).toMatchObject({ code: "credentials_refused" });
  const waitMs = Date.parse(status.connection.next_attempt_at ?? "") - Date.parse(status.connection.since);
  expect(waitMs).toBeGreaterThanOrEqual(150_000);
  expect(await startAgent(["status", "--state", state.path]).exited).toBe(11);
  expect(await stop(agent)).toBe(0);
});

test("waits long when the upgrade itself is refused for this country", async () => {
  peer.script.refuseUpgrade = 403;
  const agent = run();
  const status = await untilStatus(state.path, ({ connection }) => connection.state === "waiting");
  expect(status.last_error).toMatchObject({ code: "upgrade_refused" });
  expect(await stop(agent)).toBe(0);
});

test("speaks 3.1.1 with a server that knows no other, and 5.0 as soon as it does", async () => {
  peer.script.speaks5 = false;
  const agent = run();
  await peer.until(() => peer.samples().length >= 2);
  expect(peer.connects.map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4]);
  await agent.said("MQTT 3.1.1, keep-alive 60 s");
  peer.script.speaks5 = true;
  peer.cut();
  await peer.until(() => peer.arrivals.some(({ connection }) => connection === 3));
  expect(peer.connects[2]?.protocolVersion).toBe(5);
  expect(await stop(agent)).toBe(0);
  expectOnceEachInOrder(peer.storedIds());
});

test("follows the server to another address of its own, and no further than its own", async () => {
  peer.script.redirects.set(`/mqtt/${org}`, "/mqtt/shard-2");
  const agent = run();
  await peer.until(() => peer.samples().length > 0);
  expect(peer.upgrades).toEqual([`/mqtt/${org}`, "/mqtt/shard-2"]);
  expect(await stop(agent)).toBe(0);

  const stranger = await new Peer().start();
  try {
    peer.script.redirects.set(`/mqtt/${org}`, `ws://localhost:${stranger.port}/mqtt/${org}`);
    const second = run();
    await second.said("redirect_refused");
    const status = await untilStatus(state.path, ({ connection }) => connection.state === "waiting");
    expect(status.last_error?.detail).toContain(`localhost:${stranger.port}`);
    expect(await stop(second)).toBe(0);
    expect(stranger.upgrades).toEqual([]);
  } finally {
    await stranger.stop();
  }
});

test("stays away for as long as a busy server asks for, and names the limit", async () => {
  peer.script.connack = 0x97;
  peer.script.connackProperties = { reasonString: "too many devices connect; retry after 120 s" };
  const agent = run();
  const { connection, last_error } = await untilStatus(state.path, ({ connection }) => connection.state === "waiting");
  expect(last_error).toMatchObject({ code: "server_busy" });
  expect(last_error?.detail).toContain("too many devices connect");
  expect(Date.parse(connection.next_attempt_at ?? "") - Date.parse(connection.since)).toBeGreaterThanOrEqual(120_000);
  expect(await stop(agent)).toBe(0);
});

test("keeps the readings that the server has no room for, and delivers them when it has", async () => {
  let refusals = 0;
  peer.script.puback = () => ({ reasonCode: ++refusals <= 3 ? 0x97 : 0, reasonString: "the outbox is full" });
  const agent = run();
  await agent.said("samples_deferred");
  const refused = peer.storedIds()[0];
  await peer.until(() => peer.samples().filter(({ id }) => id === refused).length > 1 && peer.samples().length > 6);
  expect(await stop(agent)).toBe(0);
  expectOnceEachInOrder(peer.storedIds());
  expect(agent.stderr()).not.toContain("sample_refused");
});

test("sets aside a reading that the server never takes, and says so", async () => {
  peer.script.puback = () => ({ reasonCode: 0x99, reasonString: "not a sample" });
  const agent = run();
  const status = await untilStatus(state.path, ({ queue }) => queue.dropped >= 2);
  expect(status.last_error).toMatchObject({ code: "sample_refused" });
  expect(status.last_error?.detail).toContain("not a sample");
  expect(await stop(agent)).toBe(0);
  expect(peer.storedIds()).toHaveLength(peer.samples().length);
  expect(agent.stderr().match(/"sample_refused"/g)).toHaveLength(1);
});

test("shows the server's reason for ending the connection, and comes back", async () => {
  const agent = run();
  await peer.until(() => peer.subscriptions.length > 0);
  peer.sendDisconnect(0x8b, { reasonString: "a new release" });
  await agent.said("DISCONNECT 0x8b server shutting down: a new release");
  await peer.until(() => peer.connects.length === 2);
  expect(await stop(agent)).toBe(0);
});

test("notices a dead link by its own pings: at the ping that nobody answers", async () => {
  peer.script.withholdPongs = true;
  const agent = startAgent(["run", "--state", state.path, "--interval", "3600"]);
  await agent.said("no answer to a WebSocket ping");
  expect(peer.pings).toBe(1);
  // CONNECT, SUBSCRIBE and the one reading: no PINGREQ was needed.
  expect(peer.packets).toBe(3);
  expect(await stop(agent)).toBe(0);
});
