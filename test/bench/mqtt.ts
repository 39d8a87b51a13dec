import { connectAsync, type MqttClient } from "mqtt";
import { enrolDevice, signIn } from "../e2e/support/api.ts";
import { freshStateDir, removeStateDir, startStackProcess } from "../e2e/support/stack-process.ts";
import { startMosquitto } from "./broker/peers/mosquitto.ts";
import { milliseconds, type Row } from "./report.ts";
import { median, overRounds, throughput, timeEach } from "./statistics.ts";

const messagesPerRound = 500;
const lanes = 64;

/** One subject: a client that publishes QoS 1 to a topic it subscribes to, and waits for both. */
interface Echo {
  readonly client: MqttClient;
  readonly topic: string;
}

/** QoS 1 round trips through the whole path (edge, gateway, hub, SQLite) beside mosquitto over WebSocket. */
export async function benchMqtt(rounds: number): Promise<Row[]> {
  const dir = freshStateDir();
  const stack = await startStackProcess(dir, ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"]);
  const mosquitto = await startMosquitto();
  try {
    const ours = await sentinelEcho(stack.description.url, stack.description.owner);
    const theirs = mosquitto === null ? null : await mosquittoEcho(mosquitto.port);
    const samples: Record<"ours" | "theirs", number[][]> = { ours: [], theirs: [] };
    const rates: Record<"ours" | "theirs", number[]> = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, echo] of [
        ["ours", ours],
        ["theirs", theirs],
      ] as const) {
        if (echo === null) continue;
        samples[name].push(await roundTrips(echo));
        rates[name].push(
          await throughput(messagesPerRound * 4, lanes, () =>
            echo.client.publishAsync(echo.topic, "x".repeat(200), { qos: 1 }),
          ),
        );
      }
    }
    await ours.client.endAsync();
    await theirs?.client.endAsync();
    const [a, b] = [overRounds(samples.ours), overRounds(samples.theirs)];
    const beside = (text: string): string =>
      theirs === null ? "mosquitto is not installed" : `mosquitto (WebSocket, memory only): ${text}`;
    return [
      {
        what: "MQTT QoS 1 publish → PUBACK and own delivery, p50",
        value: milliseconds(a.p50),
        beside: beside(milliseconds(b.p50)),
      },
      { what: "the same, p99", value: milliseconds(a.p99), beside: beside(milliseconds(b.p99)) },
      {
        what: `MQTT QoS 1 publishes a second, ${lanes} in flight, one subscriber`,
        value: median(rates.ours).toFixed(0),
        beside: beside(median(rates.theirs).toFixed(0)),
      },
    ];
  } finally {
    await mosquitto?.stop();
    await stack.stop();
    removeStateDir(dir);
  }
}

/** Until the PUBACK is there and the message has come back. */
async function roundTrips({ client, topic }: Echo): Promise<number[]> {
  let arrived: () => void = () => undefined;
  const onMessage = (): void => arrived();
  client.on("message", onMessage);
  const samples = await timeEach(messagesPerRound, async () => {
    const delivery = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await Promise.all([client.publishAsync(topic, "x".repeat(200), { qos: 1 }), delivery]);
  });
  client.off("message", onMessage);
  return samples;
}

async function sentinelEcho(url: string, owner: { email: string; password: string }): Promise<Echo> {
  const { api } = await signIn(url, owner.email, owner.password);
  const device = await enrolDevice(api, "bench");
  const client = await connectAsync(device.mqtt_url, {
    protocolVersion: 4,
    username: device.device_id,
    password: device.token,
    reconnectPeriod: 0,
  });
  const topic = `${device.topic_prefix}echo`;
  await client.subscribeAsync(topic, { qos: 1 });
  return { client, topic };
}

async function mosquittoEcho(port: number): Promise<Echo> {
  const client = await connectAsync(`ws://127.0.0.1:${port}`, { protocolVersion: 4, reconnectPeriod: 0 });
  await client.subscribeAsync("bench/echo", { qos: 1 });
  return { client, topic: "bench/echo" };
}
