import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { deviceSessionsMax } from "../../core/limits.ts";
import { queueConnectedMessagesMax } from "../../durable-objects/tenant-hub/broker/limits.ts";
import { eventually } from "../e2e/support/api.ts";
import type { StackProcess } from "../e2e/support/stack-process.ts";
import { openOrganisation } from "./database.ts";
import { hold, inLanes, type Progress, pause, type SoakOptions } from "./part.ts";
import { enrolDevices, signInAsOwner, withStack } from "./stacks.ts";

const socketsCount = 2000;
/** Messages of each socket. */
const roundsCount = 5;
/** Connections that are being made, and publishes that wait, at once. */
const lanes = 100;
/**
 * How far the QoS 1 subscriber may fall behind before the devices wait for it. The broker drops what a
 * session can't queue, and a session has 32 messages under way while these lanes have a hundred.
 */
const behindMax = queueConnectedMessagesMax / 2;
/** How long the last messages may be on their way to the subscriber, in milliseconds. */
const arriveMsMax = 120_000;

/** Two thousand devices' sockets publish QoS 1; the dashboard's subscription and a QoS 1 one must see every message. */
export function soakSockets(_options: SoakOptions, progress: Progress): Promise<string> {
  progress.say("starting the stack");
  return withStack(async (stack) => {
    const memory = memoryOf(stack);
    const before = memory();
    progress.say("enrolling");
    const devices = await enrolDevices(stack, Math.ceil(socketsCount / deviceSessionsMax));
    const dashboard = await subscribeAsUser(stack, 0);
    const subscriber = await subscribeAsUser(stack, 1);
    const clients: MqttClient[] = [];
    const wanted = Array.from({ length: socketsCount }, (_, index) => index);
    progress.say(() => `${clients.length} of ${socketsCount} sockets connected; workerd ${memory()}`);
    let lost = 0;
    let leaving = false;
    const startedAtMs = performance.now();
    await inLanes(wanted, lanes, async (index) => {
      const device = devices[index % devices.length] as (typeof devices)[number];
      const client = await connectAsync(device.mqtt_url, {
        protocolVersion: 4,
        username: device.device_id,
        password: device.token,
        clientId: `soak-${index}`,
        clean: false,
        reconnectPeriod: 0,
        keepalive: 600,
        connectTimeout: 60_000,
      });
      client.on("error", () => undefined);
      client.on("close", () => {
        if (!leaving) lost += 1;
      });
      clients[index] = client;
    });
    const connectSeconds = (performance.now() - startedAtMs) / 1000;
    const connected = memory();
    const total = socketsCount * roundsCount;
    let acknowledged = 0;
    const seen = (): string =>
      `${dashboard.seen.size} at the dashboard, ${subscriber.seen.size} at the QoS 1 subscriber`;
    progress.say(() => `${acknowledged} of ${total} acknowledged, ${seen()}; workerd ${memory()}`);
    const publishAtMs = performance.now();
    for (let round = 0; round < roundsCount; round += 1) {
      await inLanes(wanted, lanes, async (index) => {
        while (acknowledged - subscriber.seen.size > behindMax) await pause(20);
        const device = devices[index % devices.length] as (typeof devices)[number];
        const sample = { id: `s-${index}-${round}`, at: new Date().toISOString(), metrics: { index } };
        const publish = (clients[index] as MqttClient).publishAsync(
          `${device.topic_prefix}telemetry`,
          JSON.stringify(sample),
          { qos: 1 },
        );
        await Promise.race([publish, pause(60_000).then(() => Promise.reject(new Error("no PUBACK within a minute")))]);
        acknowledged += 1;
      });
    }
    const publishSeconds = (performance.now() - publishAtMs) / 1000;
    const arrived = async (): Promise<boolean> => Math.min(dashboard.seen.size, subscriber.seen.size) >= total;
    await eventually("all arrive", arrived, arriveMsMax).catch(() => undefined);
    hold(await arrived(), `of ${total} acknowledged messages ${seen()}`);
    hold(lost === 0, `${lost} sockets were closed by the other side`);
    progress.say(() => `waiting for Postgres; workerd ${memory()}`);
    const database = await openOrganisation(stack.description.databaseUrls, stack.description.org.id);
    await eventually("all stored", async () => (await database.sampleCount()) === total, arriveMsMax);
    const after = memory();
    leaving = true;
    await inLanes(clients, lanes, async (client) => void client.end(true));
    for (const { client } of [dashboard, subscriber]) client.end(true);
    return (
      `${socketsCount} sockets of ${devices.length} devices connected in ${connectSeconds.toFixed(1)} s, ${total} QoS 1 messages acknowledged in ${publishSeconds.toFixed(1)} s, ` +
      `each seen by the dashboard and by a QoS 1 subscriber (${subscriber.again} twice) and stored once; workerd ${before} before, ${connected} connected, ${after} at the end`
    );
  });
}

/** A user's token and the whole organisation, as the dashboard has them; it subscribes with QoS 0. */
async function subscribeAsUser(stack: StackProcess, qos: 0 | 1) {
  const { api, userId } = await signInAsOwner(stack);
  const org = stack.description.org.id;
  const client = await connectAsync(`${stack.description.url.replace("http", "ws")}/mqtt/${org}`, {
    protocolVersion: 4,
    username: userId,
    password: api.token ?? "",
    clientId: `soak-user-${qos}`,
    reconnectPeriod: 0,
    keepalive: 30,
  });
  const seen = new Set<string>();
  const subscriber = { client, seen, again: 0 };
  client.on("error", () => undefined);
  client.on("message", (_topic, payload) => {
    const { id } = JSON.parse(payload.toString()) as { id: string };
    if (seen.has(id)) subscriber.again += 1;
    seen.add(id);
  });
  await client.subscribeAsync(`sentinel/${org}/devices/+/telemetry`, { qos });
  return subscriber;
}

/** Resident memory of workerd, as the kernel says; "not known" where it does not. */
function memoryOf(stack: StackProcess): () => string {
  return () => {
    try {
      const { pids } = JSON.parse(readFileSync(join(stack.stateDir, "stack.json"), "utf8")) as typeof stack.description;
      const status = readFileSync(`/proc/${pids["workerd"]}/status`, "utf8");
      const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
      return `${(kib / 1024).toFixed(0)} MiB`;
    } catch {
      return "not known";
    }
  };
}
