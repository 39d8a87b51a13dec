/** MQTT.js as a device, in both versions. */
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { describe, expect } from "vitest";
import { check, seconds } from "../support/check.ts";
import { newDevice, uniqueName } from "../support/target.ts";

const device = await newDevice();

interface Got {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly userProperties: unknown;
}

/** A connected client and the messages that it gets. */
class Connected {
  readonly client: MqttClient;
  readonly #got: Got[] = [];
  #wake: () => void = () => undefined;

  constructor(client: MqttClient) {
    this.client = client;
    client.on("error", () => undefined);
    client.on("message", (topic, payload, packet) => {
      const { qos, retain, properties } = packet;
      this.#got.push({
        topic,
        payload: payload.toString(),
        qos,
        retain,
        userProperties: { ...properties?.userProperties },
      });
      this.#wake();
    });
  }

  async take(count: number): Promise<Got[]> {
    while (this.#got.length < count)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#got.splice(0, count);
  }
}

/** A busy server asks to come back later, and MQTT.js leaves that to the one who uses it. */
async function open(level: 4 | 5, options: Partial<IClientOptions> = {}): Promise<Connected> {
  for (;;) {
    try {
      return await openOnce(level, options);
    } catch (error) {
      if ((error as { code?: unknown }).code !== (level === 5 ? 0x88 : 3)) throw error;
      await seconds(1);
    }
  }
}

async function openOnce(level: 4 | 5, options: Partial<IClientOptions>): Promise<Connected> {
  // The messages of a session may come with the CONNACK: listen before there is a connection.
  const client = connect(device.url, {
    protocolVersion: level,
    username: device.deviceId,
    password: device.token,
    clientId: uniqueName(`js${device.deviceId}`),
    reconnectPeriod: 0,
    ...options,
  });
  const connected = new Connected(client);
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
  });
  return connected;
}

const lasting = (level: 4 | 5, clientId: string): Partial<IClientOptions> => ({
  clientId,
  clean: false,
  ...(level === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}),
});

describe.each([4, 5] as const)("MQTT.js at level %i", (level) => {
  check("publishes and subscribes at every QoS", async () => {
    const topic = device.scope();
    const subscriber = await open(level);
    const publisher = await open(level);
    await subscriber.client.subscribeAsync(topic("+"), { qos: 2 });
    for (const qos of [0, 1, 2] as const) {
      await publisher.client.publishAsync(topic(`${qos}`), `at ${qos}`, { qos });
      expect(await subscriber.take(1)).toMatchObject([
        { topic: topic(`${qos}`), payload: `at ${qos}`, qos, retain: false },
      ]);
    }
    await subscriber.client.endAsync();
    await publisher.client.endAsync();
  });

  check("finds its session and its queue again", async () => {
    const topic = device.scope();
    const clientId = uniqueName(`js${device.deviceId}`);
    const first = await open(level, lasting(level, clientId));
    await first.client.subscribeAsync(topic("#"), { qos: 2 });
    await first.client.endAsync();
    const publisher = await open(level);
    for (const qos of [1, 2] as const) await publisher.client.publishAsync(topic("q"), `${qos}`, { qos });
    const second = await open(level, lasting(level, clientId));
    expect((await second.take(2)).map(({ payload, qos }) => [payload, qos])).toEqual([
      ["1", 1],
      ["2", 2],
    ]);
    await publisher.client.endAsync();
    await second.client.endAsync();
    const last = await open(level, { clientId });
    await last.client.endAsync();
  });

  check("gets retained messages and wills", async () => {
    const topic = device.scope();
    const publisher = await open(level);
    await publisher.client.publishAsync(topic("kept"), "kept", { qos: 1, retain: true });
    const late = await open(level);
    await late.client.subscribeAsync([topic("kept"), topic("will")], { qos: 1 });
    expect(await late.take(1)).toMatchObject([{ payload: "kept", retain: true }]);
    const lost = await open(level, {
      will: { topic: topic("will"), payload: Buffer.from("gone"), qos: 1, retain: false },
    });
    lost.client.stream.destroy();
    expect(await late.take(1)).toMatchObject([{ payload: "gone", topic: topic("will") }]);
    await publisher.client.publishAsync(topic("kept"), "", { qos: 1, retain: true });
    await publisher.client.endAsync();
    await late.client.endAsync();
  });

  check("keeps a thousand QoS 1 messages in order", async () => {
    const topic = device.scope()("many");
    const subscriber = await open(level);
    await subscriber.client.subscribeAsync(topic, { qos: 1 });
    const publisher = await open(level);
    const numbers = Array.from({ length: 1000 }, (_, index) => `${index}`);
    await Promise.all(numbers.map((payload) => publisher.client.publishAsync(topic, payload, { qos: 1 })));
    expect((await subscriber.take(1000)).map(({ payload }) => payload)).toEqual(numbers);
    await publisher.client.endAsync();
    await subscriber.client.endAsync();
  });
});

check("MQTT.js sends and gets the properties of 5.0, with topic aliases of its own", async () => {
  const topic = device.scope();
  const subscriber = await open(5);
  await subscriber.client.subscribeAsync(topic("a"), { qos: 2, properties: { subscriptionIdentifier: 9 } });
  const publisher = await open(5, { autoAssignTopicAlias: true, autoUseTopicAlias: true });
  for (const payload of ["1", "2", "3"])
    await publisher.client.publishAsync(topic("a"), payload, {
      qos: 2,
      properties: { userProperties: { a: ["1", "2"], b: "3" } },
    });
  const got = await subscriber.take(3);
  expect(got.map(({ payload }) => payload)).toEqual(["1", "2", "3"]);
  for (const { userProperties } of got) expect(userProperties).toEqual({ a: ["1", "2"], b: "3" });
  await publisher.client.endAsync();
  await subscriber.client.endAsync();
});
