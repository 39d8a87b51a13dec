/**
 * How often a device with nothing to say wakes its tenant's object. Every data frame does; a
 * protocol-level WebSocket ping doesn't, because the runtime answers it.
 */
import { connectAsync } from "mqtt";
import { homeRoute } from "../../agent/connection/route.ts";
import { type Granted, openMqttSession, type Session } from "../../agent/connection/session.ts";
import { parseEnrollment } from "../../agent/state/credentials.ts";
import { type EnrolledDevice, enrolDevice, signIn } from "../e2e/support/api.ts";
import { freshStateDir, removeStateDir, startStackProcess } from "../e2e/support/stack-process.ts";
import { type CountingRelay, type FrameCounts, startCountingRelay } from "./counting-relay.ts";
import type { Row } from "./report.ts";

/** Two keep-alives of the plain client, four or five pings of ours. */
const windowSeconds = 120;
/** CONNECT, SUBSCRIBE and whatever follows them are over; they are no part of being idle. */
const settleSeconds = 5;
const plainKeepAliveSeconds = 60;

/** One idle connection through a relay that counts. */
interface Idle {
  readonly relay: CountingRelay;
  readonly keepAliveSeconds: number;
  /** Rejects when the connection ends before its time. */
  readonly ended: Promise<never>;
  close(): Promise<void>;
}

interface Measured {
  readonly fromClient: FrameCounts;
  readonly pongs: number;
  readonly seconds: number;
}

/**
 * Two minutes of two idle devices on the whole stack: the agent's own session, without readings, and
 * a plain MQTT.js client with its default keep-alive of 60 s. Frames are counted, not timed, so one
 * round says it all, whatever `_rounds` asks for.
 */
export async function benchIdle(_rounds: number): Promise<Row[]> {
  const dir = freshStateDir();
  const stack = await startStackProcess(dir, ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"]);
  const open: Idle[] = [];
  try {
    const { url, owner } = stack.description;
    const { api } = await signIn(url, owner.email, owner.password);
    const agent = await openAgent(await enrolDevice(api, "idle agent"));
    open.push(agent);
    const plain = await openPlain(await enrolDevice(api, "idle client"));
    open.push(plain);
    await Promise.race([agent.ended, plain.ended, sleep(settleSeconds)]);
    const [ours, theirs] = await Promise.race([
      Promise.all([measure(agent), measure(plain)]),
      agent.ended,
      plain.ended,
    ]);
    return report(agent, ours, plain, theirs);
  } finally {
    for (const { close, relay } of open) {
      await close();
      await relay.stop();
    }
    await stack.stop();
    removeStateDir(dir);
  }
}

function report(agent: Idle, ours: Measured, plain: Idle, theirs: Measured): Row[] {
  const over = (measured: Measured): string => `in ${measured.seconds.toFixed(0)} s`;
  const client = `MQTT.js, keep-alive ${plain.keepAliveSeconds} s`;
  return [
    {
      what: "idle device: data frames it sent (each wakes the hub)",
      value: `${ours.fromClient.data} ${over(ours)}`,
      beside: `${client}: ${theirs.fromClient.data} ${over(theirs)}`,
    },
    {
      what: "idle device: WebSocket pings it sent, answered (none wakes the hub)",
      value: `${ours.fromClient.pings}, ${ours.pongs} ${over(ours)}`,
      beside: `${client}: ${theirs.fromClient.pings}, ${theirs.pongs}`,
    },
    {
      what: "keep-alive granted by the broker",
      value: `${agent.keepAliveSeconds} s`,
      beside: `${client}: ${plain.keepAliveSeconds} s`,
    },
    {
      what: "wake-ups per idle device-hour: PINGREQs + alarms, by the keep-alive and what was measured",
      value: wakeUps(agent, ours),
      beside: `${client}: ${wakeUps(plain, theirs)}`,
    },
  ];
}

/**
 * The window is shorter than the agent's keep-alive, so an hour is what the window showed besides
 * PINGREQs (nothing is expected) plus the PINGREQs that the keep-alive demands, one each.
 *
 * Alarms: the broker watches a keep-alive K with one alarm at 1.5 K after the last packet. It finds
 * that a PINGREQ came at K and sets itself to 2.5 K, and so on: in the long run one each K, not one
 * each 1.5 K, for an alarm that a packet doesn't move.
 */
function wakeUps({ keepAliveSeconds }: Idle, { fromClient, seconds }: Measured): string {
  const expectedInWindow = Math.floor((settleSeconds + seconds) / keepAliveSeconds);
  const unexpectedAnHour = (Math.max(0, fromClient.data - expectedInWindow) * 3600) / seconds;
  const pingreqsAnHour = 3600 / keepAliveSeconds;
  const alarmsAnHour = 3600 / keepAliveSeconds;
  const total = unexpectedAnHour + pingreqsAnHour + alarmsAnHour;
  const parts = [`${pingreqsAnHour.toFixed(1)} PINGREQs`, `${alarmsAnHour.toFixed(1)} alarms`];
  if (unexpectedAnHour > 0) parts.push(`${unexpectedAnHour.toFixed(1)} other frames`);
  return `${total.toFixed(1)} (${parts.join(" + ")})`;
}

async function measure({ relay }: Idle): Promise<Measured> {
  const before = relay.counts();
  const startedAt = performance.now();
  await sleep(windowSeconds);
  const after = relay.counts();
  return {
    fromClient: {
      data: after.fromClient.data - before.fromClient.data,
      pings: after.fromClient.pings - before.fromClient.pings,
      pongs: after.fromClient.pongs - before.fromClient.pongs,
    },
    pongs: after.fromServer.pongs - before.fromServer.pongs,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

/** The agent's own connection: its CONNECT, its link watch, its subscription, and no readings. */
async function openAgent(device: EnrolledDevice): Promise<Idle> {
  const { relay, url } = await relayTo(device.mqtt_url);
  const enrolled = parseEnrollment({ ...device, mqtt_url: url, org_id: orgOf(device) });
  if (enrolled === null) throw new Error("the enrolment is not one that the agent would take");
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const connected = Promise.withResolvers<Granted>();
  const session: Session = openMqttSession({ ...enrolled, ca: null }, homeRoute(url), {
    connected: connected.resolve,
    command: () => undefined,
    subscriptionRefused: (said) => ended.reject(new Error(said)),
    closed: (reason) => ended.reject(new Error(`the agent's connection ended: ${JSON.stringify(reason)}`)),
  });
  const granted = await Promise.race([connected.promise, ended.promise]);
  return { relay, keepAliveSeconds: granted.keepAliveSeconds, ended: ended.promise, close: () => session.end(2_000) };
}

async function openPlain(device: EnrolledDevice): Promise<Idle> {
  const { relay, url } = await relayTo(device.mqtt_url);
  const client = await connectAsync(url, {
    protocolVersion: 5,
    username: device.device_id,
    password: device.token,
    keepalive: plainKeepAliveSeconds,
    reconnectPeriod: 0,
  });
  await client.subscribeAsync(`${device.topic_prefix.replace(/\/$/, "")}/commands`, { qos: 1 });
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  client.once("close", () => ended.reject(new Error("the plain client's connection ended")));
  return { relay, keepAliveSeconds: client.keepalive, ended: ended.promise, close: () => client.endAsync() };
}

async function relayTo(mqttUrl: string): Promise<{ readonly relay: CountingRelay; readonly url: string }> {
  const url = new URL(mqttUrl);
  const relay = await startCountingRelay({ host: url.hostname, port: Number(url.port) });
  url.port = String(relay.port);
  return { relay, url: url.href };
}

/** `sentinel/{org}/devices/{device}`. */
const orgOf = (device: EnrolledDevice): string => device.topic_prefix.split("/")[1] ?? "";

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
